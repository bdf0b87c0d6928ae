"""A rush of merges at the real service: who delivers, who approves, what they wait for."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app.core import lanes
from app.core.endings import ending
from app.core.fold import fold
from app.core.state import State
from app.demo.child import Child, free_port
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.slack.messages import render
from app.slack.text import without_dates
from tests import payloads
from tests.adapters.github_bodies import encoded, merged, signed
from tests.crash import people
from tests.faults.slack_server import Clock, SlackServer
from tests.load.monorepo import monorepo, sha_of, thread_of
from tests.load.outside import Outside
from tests.shop import CARA, REPO
from tests.waiting import is_ready, until

LOOK_SECONDS = 0.05
POST = "chat.postMessage"
ASKING = ("asked", "shipping")


class WallClock(Clock):
    """The time that it is; nothing else lets it pass."""

    @property
    def seconds(self) -> float:
        return time.time()

    def passes(self, seconds: float) -> None:
        """Take no notice."""


class Rush:
    """One service, everything outside it, and an approver who approves every card at once.

    `acknowledged` is how long the door took for each merge, in seconds.
    """

    def __init__(self, folder: Path, redis_url: str, outside: Outside, slack: SlackServer) -> None:
        self.outside = outside
        self.slack = slack
        self.log = RedisLog(connect(redis_url))
        self.acknowledged: list[float] = []
        self._repo = monorepo()
        self._client = httpx.AsyncClient(timeout=30, verify=False)
        self._open: set[str] = set()
        self._asked_again: set[tuple[str, str]] = set()
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.service = Child(
            [sys.executable, "-m", "tests.load.service"],
            folder / "service.txt",
            cwd=Path(__file__).parents[2],
            env={
                "PATH": os.environ["PATH"],
                "REDIS_URL": redis_url,
                "SLACK_API_URL": slack.url,
                "SLACK_BOT_TOKEN": "xoxb-test",
                "SLACK_SIGNING_SECRET": people.SLACK_SECRET,
                "GITHUB_API_URL": f"{outside.url}/github",
                "GITHUB_TOKEN": "github-token",
                "GITHUB_WEBHOOK_SECRET": people.GITHUB_SECRET,
                "OUTSIDE": outside.url,
                "PORT": str(port),
            },
        )

    # What people and GitHub do.

    async def merges(self, count: int, a_minute: float) -> None:
        """Deliver so many merges at this rate, whether those before are acknowledged or not."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, count + 1):
                due = began + (number - 1) * 60 / a_minute
                await asyncio.sleep(max(0, due - time.monotonic()))
                self.outside.head = number
                tasks.create_task(self._deliver(number))

    async def _deliver(self, number: int) -> None:
        body = encoded(
            merged(
                number=number,
                pull_request__number=number,
                pull_request__title=f"Change {number}",
                pull_request__html_url=f"https://github.com/{REPO}/pull/{number}",
                pull_request__merge_commit_sha=sha_of(number),
            )
        )
        headers = signed(body) | {"X-GitHub-Delivery": f"d-{number}"}
        began = time.monotonic()
        url = f"{self.url}/github/webhook"
        answer = await self._client.post(url, content=body, headers=headers)
        assert answer.is_success, answer.text
        self.acknowledged.append(time.monotonic() - began)

    async def approves(self) -> None:
        """Approve every card as soon as the log has it, and what expired anew, until cancelled."""
        while True:
            merges = lanes.merges(await self.log.facts(REPO))
            self._open |= {merge.thread_id for merge in merges if merge.stage in ASKING}
            for thread_id in sorted(self._open):
                await self._answer(thread_id)
            await asyncio.sleep(LOOK_SECONDS)

    async def _answer(self, thread_id: str) -> None:
        state = await self.state(thread_id)
        newest = list(state.cards.values())[-1].request.call_id if state.cards else ""
        if state.pending:
            await self._click("approve", newest, state)
        elif state.lapsed and not state.locks and (thread_id, newest) not in self._asked_again:
            self._asked_again.add((thread_id, newest))
            await self._click("ask_again", newest, state)
        elif ending(state, self._repo) and not state.locks:
            self._open.discard(thread_id)

    async def _click(self, action: str, call_id: str, state: State) -> None:
        value = f"{state.thread_id}:{call_id}"
        path, body, headers = people.click(action, value, CARA, state.channel)
        answer = await self._client.post(f"{self.url}{path}", content=body, headers=headers)
        assert answer.is_success, answer.text

    # What follows.

    async def state(self, thread_id: str) -> State:
        """Return what a thread adds up to."""
        return fold(await self.log.read(thread_id))

    async def states(self, count: int) -> dict[int, State]:
        """Return every merge's thread, by the number of its pull request."""
        return {number: await self.state(thread_of(number)) for number in range(1, count + 1)}

    async def settles(self, seconds: float) -> float:
        """Wait until no merge is under way and nobody is asked; return how long it took."""
        began = time.monotonic()
        await until(self._is_settled, seconds)
        return time.monotonic() - began

    async def _is_settled(self) -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        facts, locks = await self.log.facts(REPO), await self.log.locks(REPO)
        under_way = any(key.startswith((lanes.FACT, lanes.RIDER)) for key in facts)
        return not (locks or under_way or self._open)

    async def shows_everything(self, count: int, seconds: float) -> float:
        """Wait until Slack shows every thread as it is; return how long that took."""
        began = time.monotonic()
        behind = list(range(1, count + 1))
        while behind:
            assert time.monotonic() < began + seconds, f"Slack is behind: {behind}"
            await asyncio.sleep(1)
            behind = [number for number in behind if not await self._is_shown(number)]
        return time.monotonic() - began

    async def _is_shown(self, number: int) -> bool:
        here = await self.log.look(thread_of(number))
        state = fold(here.entries)
        for slot, message in render(state, self._repo, here.now, here.facts).items():
            if slot not in state.slots and message.passed:
                continue
            bound = state.slots.get(slot)
            shown = [m.words for m in self.slack.messages if (m.channel, m.ts) == bound]
            if without_dates(payloads.words(message.text, message.blocks)) not in shown:
                return False
        return True

    def slack_needs(self) -> float:
        """Return for how many seconds Slack's limits spread what was posted and edited."""
        posts = Counter(where for _, method, where in self.slack.asked if method == POST)
        edits = len(self.slack.at("chat.update"))
        return max(max(posts.values()) - 3, (edits - 50) * 60 / 50)

    def peak_mb(self) -> float:
        """Return the most memory that the service ever had resident, as Linux tells it."""
        for line in Path(f"/proc/{self.service.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise ValueError(f"process {self.service.pid} has no memory")

    async def end(self) -> None:
        """End the service and close the connections."""
        await self.service.end()
        await self._client.aclose()
        await self.log.close()


@asynccontextmanager
async def rush(folder: Path, redis_url: str) -> AsyncGenerator[Rush]:
    """Bring up the service, with the approver at work."""
    slack = SlackServer(WallClock())
    async with Outside.run() as outside, slack.serve():
        box = Rush(folder, redis_url, outside, slack)
        try:
            await box.service.ready(lambda: is_ready(box.url))
            approving = asyncio.create_task(box.approves())
            yield box
            approving.cancel()
        finally:
            await box.end()
    slack.check()
