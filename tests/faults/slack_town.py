"""Repositories with a channel each, their worker and sender, and people who come to the door."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from app.core import events as ev
from app.core import ledger
from app.core.config import RepoConfig
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Write
from app.core.state import State
from app.desk import Ports
from app.model.offline import OfflinePlanner
from app.slack.chat import SlackChat
from app.slack.messages import render
from app.slack.sender import SlackSender
from app.worker import Worker
from tests import payloads
from tests.adapters.slack_desk import Desk
from tests.fake_deployer import FakeDeployer
from tests.fakes import FakeMessage
from tests.faults.proxy import Proxy
from tests.faults.slack_server import Clock, SlackServer
from tests.shop import CARA
from tests.story import Story, pull_request


class Town:
    """Everything but Slack is in memory; time goes on only in `later` and while Slack answers."""

    def __init__(self, slack: SlackServer, proxy: Proxy, repos: Sequence[RepoConfig]) -> None:
        self.slack = slack
        self.proxy = proxy
        self.clock = slack.clock
        self.log = slack.clock.log
        self.repos = {repo.name: repo for repo in repos}
        self.deployer = FakeDeployer()
        ports = Ports(self.log, OfflinePlanner(), None, None, {"command": self.deployer})
        self.worker = Worker(ports, self.repos, lease_seconds=30)
        self.door = Desk(slack, self.log, repos)
        self.sender = self.new_sender()

    @classmethod
    @asynccontextmanager
    async def run(cls, *repos: RepoConfig) -> AsyncGenerator["Town"]:
        """Open a town."""
        slack = SlackServer(Clock())
        async with slack.behind_proxy() as proxy:
            yield cls(slack, proxy, repos)

    def new_sender(self) -> SlackSender:
        """Start over, as another process would."""
        chat = SlackChat("xoxb-test", self.slack.url)
        monotonic = lambda: self.clock.seconds  # noqa: E731
        return SlackSender(self.log, chat, self.repos, monotonic=monotonic)

    # What happens.

    async def merges(self, repo: RepoConfig, number: int) -> str:
        """Merge a pull request; return the thread's id."""
        sha = f"{number:07x}".ljust(40, "0")
        thread_id = thread_id_for(repo.name, repo.branch, sha)
        started = ev.ThreadStarted(
            thread_id=thread_id,
            repo=repo.name,
            branch=repo.branch,
            channel=repo.channel,
            origin="merge",
            sha=sha,
            pull_request=pull_request(),
        )
        await self.log.append(Write(thread_id, [started]))
        return thread_id

    async def happens(self, thread_id: str, story: Story) -> None:
        """Append what a story tells, as the story of this thread."""
        for entry in story.entries:
            event = entry.event
            if isinstance(event, ev.ThreadStarted):
                repo = self.repos[thread_id.rpartition("/")[0]]
                change = {"thread_id": thread_id, "repo": repo.name, "channel": repo.channel}
                event = event.model_copy(update=change)
            await self.log.append(Write(thread_id, [event]))

    async def does(self, thread_id: str, event: ev.Event) -> None:
        """Let a person do something where Slack does not have to answer."""
        state = await self.state(thread_id)
        await self.log.append(ledger.write(state, [event], await self.log.now(state.repo)))

    async def approves(self, thread_id: str) -> None:
        """Press Approve on the card that waits."""
        state = await self.state(thread_id)
        assert state.pending is not None, "no card waits"
        value = f"{thread_id}:{state.pending.request.call_id}"
        answer = await self.door.clicks("approve", value, CARA, state.channel)
        assert answer.status_code == 200
        assert (await self.state(thread_id)).approved, self.door.whispers()

    async def settles(self) -> None:
        """Let the worker and the sender do all that is due."""
        while await self.worker.work_once() or await self.sender.step():
            pass

    async def sends(self) -> None:
        """Let the sender do all that is due."""
        while await self.sender.step():
            pass

    async def later(self, seconds: float, tick: float = 0.25) -> None:
        """Let time pass, and worker and sender work meanwhile."""
        await self._passes(seconds, tick, self.settles)

    async def waits(self, seconds: float, tick: float = 0.25) -> None:
        """Let time pass, and the sender alone work meanwhile: stories stay as they are told."""
        await self._passes(seconds, tick, self.sends)

    async def _passes(
        self, seconds: float, tick: float, work: Callable[[], Awaitable[None]]
    ) -> None:
        end = self.clock.seconds + seconds
        await work()
        while self.clock.seconds < end:
            self.clock.passes(min(tick, end - self.clock.seconds))
            await work()

    # What follows.

    async def state(self, thread_id: str) -> State:
        """Return what a thread adds up to."""
        return fold(await self.log.read(thread_id))

    async def threads(self) -> list[str]:
        """Return the ids of all threads."""
        return [t for name in self.repos for t in await self.log.threads(name, 1000)]

    def message(self, state: State, slot: str) -> FakeMessage:
        """Return the message that a slot is bound to."""
        bound = state.slots[slot]
        return next(m for m in self.slack.messages if (m.channel, m.ts) == bound)

    def twice(self) -> list[str]:
        """Return the keys of messages that were posted more than once."""
        return [
            key for key, count in Counter(m.key for m in self.slack.messages).items() if count > 1
        ]

    async def behind(self) -> list[str]:
        """Return the slots that Slack does not show as they are now."""
        found: list[str] = []
        for thread_id in await self.threads():
            state, repo = await self.state(thread_id), self.repos[thread_id.rpartition("/")[0]]
            now, facts = await self.log.now(repo.name), await self.log.facts(repo.name)
            for slot, message in render(state, repo, now, facts).items():
                shown = self.message(state, slot).words if slot in state.slots else ""
                owed = not message.passed or slot in state.slots
                if owed and shown != payloads.words(message.text, message.blocks):
                    found.append(f"{thread_id} {slot}")
        return found

    async def seconds_until_current(self, at_most: float = 300) -> float:
        """Let time pass until Slack shows everything as it is; return how long that took."""
        began = self.clock.seconds
        while behind := await self.behind():
            assert self.clock.seconds < began + at_most, behind
            await self.later(1)
        return self.slack.asked[-1][0] - began
