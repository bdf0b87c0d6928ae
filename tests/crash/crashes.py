"""A deploy that is to survive the death of its service: its people, and GitHub, insist."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import httpx

from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.state import State
from app.demo.child import free_port
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests import signing
from tests.adapters.github_bodies import SHA, encoded, merged, signed
from tests.crash.outside import Outside
from tests.shop import BOB, REPO
from tests.waiting import is_ready, until

LEASE_SECONDS = 0.6
SLACK_SECRET = "signing-secret"
GITHUB_SECRET = "webhook-secret"


class Zygote:
    """Forks service processes; one for all tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, env: Mapping[str, str], output: Path) -> int:
        """Start a service and return its pid."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"env": dict(env), "output": str(output)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """End it and all that it started."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Service:
    """One service process at its port; it can be killed, frozen and started again."""

    def __init__(self, zygote: Zygote, env: Mapping[str, str], output: Path) -> None:
        self._zygote = zygote
        self._port = free_port()
        self._env = {**env, "PORT": str(self._port)}
        self._output = output
        self._pid = 0

    async def start(self, kill_at: str = "", nth: int = 1) -> None:
        """Start it, told where to kill itself; return when it is ready or dead."""
        env = self._env | {"KILL_AT": kill_at, "KILL_NTH": str(nth)}
        self._pid = self._zygote.start(env, self._output)
        await until(self._is_ready_or_dead)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, if it is there."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def lives(self) -> bool:
        """Tell whether the process is there, frozen or not."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return self._pid > 0

    async def end(self) -> None:
        """Kill it."""
        if self._pid:
            self.signal(signal.SIGKILL)
            await until(lambda: not self.lives())

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self._port}{path}"

    async def _is_ready_or_dead(self) -> bool:
        return not self.lives() or await is_ready(self.url(""))


Send = Callable[[httpx.AsyncClient, Service], Awaitable[httpx.Response]]


class Crashes:
    """Some instances of the service on one store, each started again whenever it died."""

    def __init__(
        self, folder: Path, redis_url: str, outside: Outside, zygote: Zygote, instances: int
    ) -> None:
        self.outside = outside
        self._offset = 0
        self.log = RedisLog(connect(redis_url), LEASE_SECONDS)
        self.fired = folder / "fired"
        self._output = folder / "service.txt"
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "REDIS_URL": redis_url,
            "SLACK_BOT_TOKEN": "xoxb-test",
            "SLACK_SIGNING_SECRET": SLACK_SECRET,
            "SLACK_API_URL": f"{outside.url}/api/",
            "GITHUB_WEBHOOK_SECRET": GITHUB_SECRET,
            "OUTSIDE": outside.url,
            "RECOVERY": outside.recovery,
            "DEPLOYBOT_LEASE_SECONDS": str(LEASE_SECONDS),
            "FIRED": str(self.fired),
        }
        self.services = [Service(zygote, env, self._output) for _ in range(instances)]

    async def start(self, kill_at: str = "", nth: int = 1) -> None:
        """Start every instance, told where to kill itself."""
        await asyncio.gather(*[service.start(kill_at, nth) for service in self.services])

    async def end(self) -> None:
        """Kill the instances and close the log."""
        await asyncio.gather(*[service.end() for service in self.services])
        await self.log.close()

    async def revive(self) -> None:
        """Start what died anew."""
        for service in self.services:
            if not service.lives():
                await service.start()

    async def insist(self, send: Send, instance: int = 0) -> None:
        """Send until it is acknowledged, as GitHub's redelivery and people do."""
        for _ in range(10):
            await self.revive()
            try:
                async with httpx.AsyncClient(timeout=30) as client:
                    if (await send(client, self.services[instance])).status_code < 300:
                        return
            except httpx.TransportError:
                continue
        raise AssertionError("never acknowledged")

    def deploy(self, sha: str = SHA) -> "Deploy":
        """Return the deploy of a commit, which nobody has merged yet."""
        return Deploy(self, sha)

    async def passes(self, ms: int) -> None:
        """Let time pass for the store."""
        self._offset += ms
        await self.log.set_offset(REPO, self._offset)

    def output(self) -> str:
        """Return the end of what the instances wrote."""
        return self._output.read_text()[-3000:]


class Deploy:
    """One commit's way to production, with people who approve and answer whatever is asked."""

    def __init__(self, box: Crashes, sha: str) -> None:
        self._box = box
        self._sha = sha
        self.thread_id = thread_id_for(REPO, "main", sha)

    async def state(self) -> State:
        """Return the thread's state."""
        return fold(await self._box.log.read(self.thread_id))

    async def merge(self, instance: int = 0) -> None:
        """Deliver the merge."""
        body = encoded(merged(pull_request__merge_commit_sha=self._sha))
        headers = signed(body) | {"X-GitHub-Delivery": f"d-{self._sha}"}
        await self._box.insist(
            lambda c, s: c.post(s.url("/github/webhook"), content=body, headers=headers), instance
        )

    async def click(self, action: str, call_id: str, instance: int = 0) -> None:
        """Press a button; Slack tells one of the instances."""
        payload = {
            "type": "block_actions",
            "team": {"id": "T01ACME"},
            "user": {"id": BOB, "team_id": "T01ACME"},
            "channel": {"id": "C01DEPLOYS"},
            "container": {"type": "message", "message_ts": "1.2", "thread_ts": "1.1"},
            "message": {"ts": "1.2", "thread_ts": "1.1"},
            "trigger_id": "123.456",
            "actions": [
                {"type": "button", "action_id": action, "value": f"{self.thread_id}:{call_id}"}
            ],
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        await self._box.insist(
            lambda c, s: c.post(s.url("/slack/events"), content=body, headers=_slack_signed(body)),
            instance,
        )

    async def waits_for_a_card(self) -> str:
        """Merge, and return the call that waits for approval."""
        await self.merge()

        async def waits() -> bool:
            return (await self.state()).pending is not None

        await until(waits, 30)
        card = (await self.state()).pending
        assert card
        return card.request.call_id

    async def plays(self, seconds: float = 60, instance: int = 0) -> State:
        """Merge, and do what people are asked for, until the thread is at its end."""
        await self.merge(instance)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = await self.state()
            if state.plan_ended is not None and not state.effects and not state.locks:
                return state
            await self._answer(state, instance)
            await asyncio.sleep(0.02)
        raise AssertionError(f"no end: {await self.state()}\n{self._box.output()}")

    async def _answer(self, state: State, instance: int) -> None:
        await self._box.revive()
        if state.pending:
            await self.click("approve", state.pending.request.call_id, instance)
        elif state.unknown:
            await self._states(state, instance)
        elif state.staging and state.staging.passed is False:
            await self.click("retry", "all", instance)
        elif state.lapsed and not state.locks:
            newest = list(state.cards.values())[-1]
            await self.click("ask_again", newest.request.call_id, instance)

    async def _states(self, state: State, instance: int) -> None:
        """Say what became of an unknown effect, truly, once it can no longer arrive."""
        assert state.unknown
        call_id = state.unknown.call_id or ""
        if self._box.outside.starts[state.unknown.attempt.attempt_id]:
            await self.click("happened", call_id, instance)
            return
        await self._box.passes(60_000)
        await self.click("did_not_happen", call_id, instance)


def _slack_signed(body: bytes) -> dict[str, str]:
    form = {"content-type": "application/x-www-form-urlencoded"}
    return form | signing.slack(body, SLACK_SECRET, str(int(time.time())))


@asynccontextmanager
async def crashes(
    folder: Path, redis_url: str, recovery: str, zygote: Zygote, instances: int = 1
) -> AsyncGenerator[Crashes]:
    """Bring up everything but the service."""
    async with Outside.run(recovery) as outside:
        box = Crashes(folder, redis_url, outside, zygote, instances)
        try:
            yield box
        finally:
            await box.end()
