"""The whole service in a box that can be hurt: verbs for everybody, and what really happened."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from app.core import clicks
from app.core import events as ev
from app.core.config import RepoConfig
from app.core.errors import Conflict, Fenced, StoreUnavailable
from app.core.events import Entry
from app.core.fold import Fold
from app.core.ids import thread_id_for
from app.core.ports import ThreadLog, Write
from app.core.state import Card, Run, State
from app.desk import Ports
from app.redis.connect import Client, connect
from app.redis.log import RedisLog
from app.slack.clicking import GUARDED, OPEN, Clicking
from app.slack.hearing import Hearing
from app.slack.payloads import Clicked, Heard, Target
from app.worker import Worker
from tests.machine.life import Deed, InFlight, Killed, Life, Living, Moment, freeze
from tests.machine.places import BLOG, BRANCH, REPOS, Crowd, GitHub, Mind, pull_request
from tests.machine.targets import SEND_MS, Ground, Recovery
from tests.machine.targets import Target as Machinery

Answer = TypeVar("Answer")
LEASE_SECONDS = 30
RECOVERIES: tuple[Recovery, ...] = ("keyed", "queryable", "blind")
PASSES = 8


class WatchedLog(RedisLog):
    """A log that notes which threads somebody wrote to."""

    def __init__(self, client: Client) -> None:
        super().__init__(client, LEASE_SECONDS)
        self.touched: dict[str, None] = {}

    async def append(self, write: Write) -> bool:
        self.touched[write.thread_id] = None
        return await super().append(write)


@dataclass
class Lab:
    """What all runs share: the event loop, the connection, and what happened in sum."""

    url: str
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    counts: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.client = connect(self.url)
        self.log = WatchedLog(self.client)

    def run(self, work: Awaitable[Answer]) -> Answer:
        """Do something to its end."""
        return self.loop.run_until_complete(work)

    def end(self) -> None:
        """Close everything."""
        self.run(self.log.close())
        self.loop.close()


@dataclass
class Mirror:
    """A thread as it was last read."""

    thread_id: str
    folding: Fold = field(default_factory=Fold)
    entries: list[Entry] = field(default_factory=list[Entry])
    started: dict[str, tuple[int, ev.ToolStarted]] = field(
        default_factory=dict[str, tuple[int, ev.ToolStarted]]
    )

    @property
    def state(self) -> State:
        """Return the thread's state."""
        return self.folding.state

    @property
    def repo(self) -> RepoConfig:
        """Return its repository."""
        return REPOS[self.thread_id.rpartition("/")[0]]

    def follow(self, entry: Entry) -> None:
        """Take up one entry more."""
        self.folding.apply(entry)
        self.entries.append(entry)
        if isinstance(entry.event, ev.ToolStarted):
            self.started[entry.event.attempt.attempt_id] = (entry.at, entry.event)


@dataclass(frozen=True)
class Promise:
    """A click that was taken: the person was told nothing, for the thread would show it."""

    thread_id: str
    call_id: str
    user: str
    action: str


class Process:
    """One worker process."""

    def __init__(self, world: "World") -> None:
        self.life = life = Life()
        deployers = {
            kind: cast("Any", InFlight(target, life, world.ground))
            for kind, target in world.targets.items()
        }
        ports = Ports(
            log=cast("ThreadLog", Living(world.lab.log, life, "log")),
            model=cast("Any", Living(world.mind, life, "model")),
            planner=world.mind.planner,
            source=cast("Any", Living(world.github, life, "source")),
            deployers=deployers,
            poll_seconds=5,
            send_seconds=SEND_MS / 1000,
        )
        self.worker = Worker(ports, REPOS, LEASE_SECONDS)


class World:
    """Two repositories, people, GitHub, targets, a model, and as many workers as it takes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ground = Ground()
        self.targets = {kind: Machinery(kind, self.ground) for kind in RECOVERIES}
        self.github, self.mind, crowd = GitHub(), Mind(), Crowd()
        self.mirrors: dict[str, Mirror] = {}
        self.news: list[tuple[Mirror, Entry]] = []
        self.seen_effects = 0
        self.facts: dict[str, dict[str, str]] = {repo: {} for repo in REPOS}
        self.locks: dict[str, dict[str, str]] = {repo: {} for repo in REPOS}
        self.promises: list[Promise] = []
        self.disputed: set[str] = set()
        self.merged = dict.fromkeys(REPOS, 0)
        self.deliveries: list[Write] = []
        self.messages: list[Heard] = []
        self.door = Life()
        door_log = cast("ThreadLog", Living(lab.log, self.door, "log"))
        self.clicking = Clicking(REPOS, door_log, cast("Any", None), cast("Any", crowd))
        self.hearing = Hearing(REPOS, door_log, cast("Any", _Silence()))
        self.process = Process(self)
        self.zombies: list[Process] = []
        for repo, config in REPOS.items():
            for service in config.production.services:
                self.ground.runs[f"{repo}/production/{service}"] = BRANCH[repo][0]

    async def begin(self) -> None:
        """Start with an empty store."""
        await cast("Any", self.lab.client).flushall()
        self.lab.log.touched.clear()

    # GitHub.

    async def merges(self, repo: str) -> None:
        """Merge the next pull request, or deliver the last one once more."""
        index = min(self.merged[repo] + 1, len(BRANCH[repo]) - 1)
        self.merged[repo] = index
        await self.deliver(self.webhook(repo, index, f"d{len(self.deliveries)}"))

    async def deliver(self, write: Write) -> None:
        """Deliver a webhook, for the first time or again."""
        self.deliveries.append(write)
        try:
            await self.lab.log.append(write)
        except Conflict:
            self.lab.counts["webhook seen before"] += 1

    def webhook(self, repo: str, index: int, delivery: str) -> Write:
        """Build what a merge's webhook amounts to."""
        sha = BRANCH[repo][index]
        thread_id = thread_id_for(repo, "main", sha)
        started = ev.ThreadStarted(
            thread_id=thread_id,
            repo=repo,
            branch="main",
            channel=REPOS[repo].channel,
            origin="merge",
            sha=sha,
            pull_request=pull_request(repo, index),
        )
        dedupe = [f"github:{delivery}", f"merge:{repo}:main:{sha}"]
        return Write(thread_id, [started], version=0, dedupe=dedupe)

    # People.

    async def mentions(self, repo: str, user: str, text: str) -> None:
        """Write to the bot in the channel, which begins a thread."""
        number = len(self.messages)
        heard = Heard(
            event_id=f"E{number}",
            channel=REPOS[repo].channel,
            user=user,
            text=text,
            ts=f"1.{number}",
            is_mention=True,
        )
        await self.hears(heard)

    async def says(self, mirror: Mirror, user: str, text: str) -> None:
        """Write in a thread."""
        state, number = mirror.state, len(self.messages)
        if state.root_ts is None and "status" not in state.slots:
            await self.shows(mirror, "status")
        root = state.root_ts or f"status-{mirror.thread_id}"
        heard = Heard(
            event_id=f"E{number}",
            channel=state.channel,
            user=user,
            text=text,
            ts=f"2.{number}",
            thread_ts=root,
        )
        await self.hears(heard)

    async def hears(self, heard: Heard) -> None:
        """Deliver a message, for the first time or again; Slack sends it until it is stored."""
        self.messages.append(heard)
        await self._insist(lambda: self.hearing.hear(heard))

    async def shows(self, mirror: Mirror, slot: str) -> None:
        """Post a message for a slot, as the sender does."""
        ts = f"{slot}-{mirror.thread_id}"
        channel = mirror.repo.channel
        posted = ev.MessagePosted(slot=slot, channel=channel, ts=ts)
        index = [f"{channel}|{ts}"]
        await self.lab.log.append(Write(mirror.thread_id, [posted], index=index, silent=True))

    async def clicks(
        self, mirror: Mirror, action: str, call_id: str, user: str, text: str = "", there: str = ""
    ) -> str:
        """Press a button as Slack tells of it; return what the person is told."""
        decide = GUARDED.get(action) or OPEN.get(action) or clicks.choose
        guarded = action in GUARDED or (action == "rollback" and bool(call_id))
        about = Target(thread_id=mirror.thread_id, call_id=call_id)
        click = Clicked(
            user=user,
            channel=there or mirror.repo.channel,
            thread_ts=None,
            action_id=action,
            value="",
            trigger_id="",
        )
        told = await self._insist(lambda: self.clicking.settle(click, about, decide, text, guarded))
        self.lab.counts["click refused" if told else "click taken"] += 1
        if not told:
            self.promises.append(Promise(mirror.thread_id, call_id, user, action))
        return told or ""

    async def _insist(self, work: Any) -> Any:
        """Do it until it is stored, as Slack and people do."""
        while True:
            try:
                return await work()
            except StoreUnavailable:
                self.lab.counts["lost at the door"] += 1

    # Workers.

    async def works(self, orders: Sequence[tuple[int, Moment, Deed]] = ()) -> None:
        """Let the worker work, while what was ordered happens at its calls."""
        process = self.process
        life = process.life
        for order in orders:
            life.order(*order)
        life.task = task = asyncio.ensure_future(_passes(process.worker))
        if not any(deed is freeze for _, _, deed in orders):
            await self._ended(task)
            if life.dead:
                self.process = Process(self)
        else:
            await self._until_frozen(process, task)
        life.deeds.clear()

    async def _until_frozen(self, process: Process, task: asyncio.Task[object]) -> None:
        freezing = asyncio.ensure_future(process.life.frozen.wait())
        await asyncio.wait({task, freezing}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            freezing.cancel()
            await self._ended(task)
            return
        self.lab.counts["frozen"] += 1
        self.zombies.append(process)
        self.process = Process(self)

    async def thaws(self, number: int) -> None:
        """Let a frozen process go on with what it was doing."""
        process = self.zombies.pop(number % len(self.zombies))
        process.life.thawed.set()
        task = process.life.task
        assert task is not None
        self.lab.counts["thawed"] += 1
        await self._ended(task)

    async def _ended(self, task: asyncio.Task[object]) -> None:
        """Wait for a process's step, which may end in any way that a real one survives."""
        try:
            await task
        except (Killed, StoreUnavailable, asyncio.CancelledError, Fenced) as end:
            self.lab.counts[f"step ended: {type(end).__name__}"] += 1

    async def passes(self, seconds: int) -> None:
        """Let time pass."""
        self.ground.clock += seconds * 1000
        for repo in REPOS:
            await self.lab.log.set_offset(repo, self.ground.clock)

    async def buries(self) -> None:
        """End every process for good."""
        for process in self.zombies:
            process.life.dead = True
            process.life.thawed.set()
            assert process.life.task is not None
            await self._ended(process.life.task)
        self.zombies.clear()

    # What is known.

    async def catches_up(self) -> None:
        """Read what has changed since the last time."""
        touched, relevant = list(self.lab.log.touched), set[str]()
        self.lab.log.touched.clear()
        for thread_id in touched:
            entries = await self.lab.log.read(thread_id)
            mirror = self.mirrors.get(thread_id)
            if mirror is None:
                if not entries:
                    continue
                mirror = self.mirrors[thread_id] = Mirror(thread_id)
            for entry in entries[len(mirror.entries) :]:
                mirror.follow(entry)
                self.news.append((mirror, entry))
                relevant.add(mirror.repo.name)
        for repo in relevant:
            self.facts[repo] = await self.lab.log.facts(repo)
            self.locks[repo] = await self.lab.log.locks(repo)

    async def meanwhile(self, what: str, user: str) -> None:
        """Let something happen while the worker is at work."""
        await self.catches_up()
        waiting, mirror = self.waiting(), next(reversed(self.mirrors.values()), None)
        if what == "time":
            await self.passes(20)
        elif what == "webhook":
            await self.merges(BLOG)
        elif what == "approve" and waiting:
            mirror, card = waiting[-1]
            await self.clicks(mirror, "approve", card.request.call_id, user)
        elif what == "stop" and mirror:
            await self.clicks(mirror, "stop", "", user)
        elif mirror:
            await self.says(mirror, user, "thanks")

    async def lines(self) -> dict[str, tuple[list[str], str | None]]:
        """Return every thread's lines as they are stored."""
        return {each: await self.lab.log.lines(each) for each in self.mirrors}

    def count(self) -> None:
        """Count what is new, for the sum of all runs."""
        counts = self.lab.counts
        for _, entry in self.news:
            counts[f"event {entry.event.type}"] += 1
            if isinstance(entry.event, ev.ToolEnded):
                counts[f"outcome {entry.event.outcome}"] += 1
        for attempt in self.ground.effects[self.seen_effects :]:
            counts[f"effect {attempt.environment} {attempt.kind}"] += 1

    def checked(self) -> None:
        """Forget what is new: it has been checked."""
        self.news.clear()
        self.seen_effects = len(self.ground.effects)

    async def ceases(self) -> None:
        """Let all faults end; who was frozen wakes up."""
        self.github.away = self.mind.away = False
        self.mind.ideas.clear()
        self.ground.prepared.clear()
        self.ground.release()
        while self.zombies:
            await self.thaws(0)

    async def settles(self, seconds: int) -> None:
        """Let time pass, and the worker work, until nothing is due."""
        quiet = 0
        while quiet < 2:
            await self.passes(seconds)
            calls = self.process.life.calls
            await self.works()
            worked = self.process.life.calls - calls > len(REPOS)
            quiet = 0 if worked else quiet + 1

    def thread(self, number: int) -> Mirror:
        """Return one of the threads."""
        mirrors = list(self.mirrors.values())
        return mirrors[number % len(mirrors)]

    def cards(self) -> list[tuple[Mirror, Card]]:
        """Return every card that there ever was, the newest threads' last."""
        return [(m, card) for m in self.mirrors.values() for card in m.state.cards.values()]

    def waiting(self) -> list[tuple[Mirror, Card]]:
        """Return the cards that wait."""
        return [(m, m.state.pending) for m in self.mirrors.values() if m.state.pending]

    def unknowns(self) -> list[tuple[Mirror, Run]]:
        """Return the effects of which nobody knows."""
        return [(m, m.state.unknown) for m in self.mirrors.values() if m.state.unknown]

    def truth_of(self, run: Run) -> bool:
        """Tell whether an attempt has happened, as who looks at the target sees it."""
        return self.ground.fates.get(run.attempt.attempt_id) in ("works", "loses", "forgets")


class _Silence:
    """Takes what is whispered."""

    def tell(self, *_: object) -> None: ...

    def ask(self, *_: object) -> None: ...


async def _passes(worker: Worker) -> None:
    for _ in range(PASSES):
        if not await worker.work_once():
            return
