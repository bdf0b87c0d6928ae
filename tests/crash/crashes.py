"""Some instances of the service on one store, with everything outside; each may be struck."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app import signed
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.crash.approver import KEY
from tests.crash.deploy import Deploy
from tests.crash.instances import Service
from tests.crash.outside import Outside
from tests.crash.people import GITHUB_SECRET, SLACK_SECRET
from tests.crash.points import Fault, Kind, Points
from tests.forks import Zygote
from tests.shop import BOB, REPO
from tests.waiting import until

LEASE_SECONDS = 1.0  # longer than a busy machine lets a process wait
INSIST_SECONDS = 60
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}

Send = Callable[[httpx.AsyncClient, Service], Awaitable[httpx.Response]]


class Crashes:
    """What died is started again after `pause` seconds, with the next of the `later` faults.

    People approve when they are reminded, as far as it `reminds`, else as soon as they are asked.
    """

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        outside: Outside,
        zygote: Zygote,
        lease: float,
        shop: str,
    ) -> None:
        self.outside = outside
        self.target = outside.target
        self.log = RedisLog(connect(redis_url), lease)
        self.services: list[Service] = []
        self.pause = 0.0
        self.reminds = True
        self.later: list[Fault] = []
        self.trace = folder / "trace"
        self._fired = folder / "fired"
        self._output = folder / "service.txt"
        self._client = httpx.AsyncClient(timeout=10, verify=False)
        self._offset = 0
        self._traced = False
        self._zygote = zygote
        self._env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "REDIS_URL": redis_url,
            "SLACK_BOT_TOKEN": "xoxb-test",
            "SLACK_SIGNING_SECRET": SLACK_SECRET,
            "GITHUB_WEBHOOK_SECRET": GITHUB_SECRET,
            "GITHUB_TOKEN": "github-token",
            "RECOVERY": outside.target.name,
            "SHOP": shop,
            "DEPLOYBOT_LEASE_SECONDS": str(lease),
            "FIRED": str(self._fired),
        }

    async def start(self, *faults: Fault | None, traced: bool = False) -> None:
        """Start one instance for each fault, None for one without."""
        self._traced = traced
        extra = {"TRACE": str(self.trace)} if traced else {}
        for number, _ in enumerate(faults):
            own = f"{self.outside.url}/{number}"
            env = {"SLACK_API_URL": f"{own}/api/", "GITHUB_API_URL": f"{own}/github"}
            env |= {"OUTSIDE": own, **self._env, **extra}
            self.services.append(Service(self._zygote, env, self._output))
        await asyncio.gather(*[self.restart(n, fault) for n, fault in enumerate(faults)])

    async def restart(self, number: int, fault: Fault | None = None) -> None:
        """Start an instance that is not running."""
        service = self.services[number]
        trace = self.trace if self._traced else None

        def strike(kind: Kind) -> None:
            service.signal(SIGNALS[kind])

        self.outside.points[str(number)] = Points(fault, self._fired, strike, trace)
        await service.start(fault)

    async def end(self) -> None:
        """Kill the instances and close the connections."""
        await asyncio.gather(*[service.end() for service in self.services])
        await self._client.aclose()
        await self.log.close()

    def fired(self) -> Sequence[str]:
        """Return the points at which something happened, in order."""
        return self._fired.read_text().splitlines() if self._fired.exists() else ()

    def fired_at(self) -> float:
        """Return when something last happened at a point (seconds since the epoch)."""
        return self._fired.stat().st_mtime

    async def approve(self, thread_id: str, call_id: str, fault: Fault | None) -> None:
        """Approve a card on the command line, in a process of its own that may meet a fault."""
        token = signed.sign(KEY, BOB, (), int(time.time()) - 60, 7 * 24 * 3600)
        env = {**self._env, "THREAD": thread_id, "CALL": call_id, "TOKEN": token}
        env |= {"FAULT": fault.encoded()} if fault else {}
        pid = self._zygote.start("tests.crash.approver", env, self._output)
        await until(lambda: not Path(f"/proc/{pid}").exists(), 30)

    async def revive(self) -> None:
        """Start what has been dead long enough."""
        for number, service in enumerate(self.services):
            if service.is_dead_for(self.pause):
                await self.restart(number, self.later.pop(0) if self.later else None)

    async def insist(self, send: Send, instance: int = 0) -> None:
        """Send until it is acknowledged, as redelivery and people do, to one that is there."""
        deadline = time.monotonic() + INSIST_SECONDS
        turn = instance
        while time.monotonic() < deadline:
            await self.revive()
            try:
                answer = await send(self._client, self.services[turn % len(self.services)])
                if answer.status_code < 300:
                    return
            except httpx.TransportError:
                pass
            turn += 1
            await asyncio.sleep(0.01)
        raise AssertionError(f"never acknowledged\n{self.output()}")

    async def once(self, send: Send, instance: int) -> bool:
        """Send once; tell whether it was acknowledged."""
        try:
            return (await send(self._client, self.services[instance])).status_code < 300
        except httpx.TransportError:
            return False

    def deploy(self, sha: str = "") -> Deploy:
        """Return the deploy of a commit, which nobody has merged yet."""
        return Deploy(self, sha) if sha else Deploy(self)

    async def passes(self, ms: int) -> None:
        """Let time pass for the store."""
        self._offset += ms
        await self.log.set_offset(REPO, self._offset)

    def output(self) -> str:
        """Return the end of what the instances wrote."""
        return self._output.read_text()[-3000:]

    def claims_lost(self) -> int:
        """Count how often an instance was too slow to keep its lease, as any may be."""
        return self._output.read_text().count("claim_lost")


@asynccontextmanager
async def crashes(
    folder: Path,
    redis_url: str,
    recovery: str,
    zygote: Zygote,
    lease: float = LEASE_SECONDS,
    shop: str = "plain",
) -> AsyncGenerator[Crashes]:
    """Bring up everything but the service."""
    async with Outside.run(recovery) as outside:
        box = Crashes(folder, redis_url, outside, zygote, lease, shop)
        try:
            yield box
        finally:
            await box.end()
