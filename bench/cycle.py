"""One pause-and-resume cycle of ours, beside the bare log that could not do with less.

The cycle: a thread waits at a card; a click approves it; the worker claims the thread, records,
sends, observes and records the outcome; the agent proposes the next step; the thread waits at the
next card. The real core, worker, tools and Redis log; the target and the model answer at once.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from app.core import clicks, ledger
from app.core import events as ev
from app.core.clicks import Accepted, Click
from app.core.config import RepoConfig
from app.core.events import Entry
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.policy import Person
from app.core.ports import ModelAnswer, Turn, Write
from app.desk import Ports
from app.redis.log import RedisLog
from app.worker import Worker
from bench.store import Store
from tests.fake_deployer import FakeDeployer
from tests.shop import ALICE, BOB, repo_config

SHA = "4af9ec0" + "0" * 33
TEXT = "can you deploy the backend first? " * 6  # what people and the agent say: 204 characters
OWN = 5  # events of a paused thread that are no talk


@dataclass(frozen=True)
class Cost:
    """What one cycle took: seconds, bytes written, appends, events."""

    seconds: float
    written: int
    writes: int = 0
    events: int = 0


class _Stub:
    """Proposes the services in their order, at once."""

    name = "stub"

    async def next_step(self, turn: Turn) -> ModelAnswer:
        service = "backend" if turn.state.cards else "frontend"
        arguments = {"sha": SHA, "reason": TEXT}
        return ModelAnswer(tool=f"deploy_{service}_to_prod", arguments=arguments, by=self.name)


class Paused:
    """A thread with so many events that waits at a card, in a repository of its own."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._repo = repo_config("fake", name=name)
        self._deployers = {"fake": FakeDeployer()}
        self.thread_id = thread_id_for(name, "main", SHA)
        self._log = RedisLog(store.client)

    async def prepare(self, events: int) -> None:
        """Bring it to its card."""
        await self._log.append(Write(self.thread_id, [_started(self._repo, self.thread_id)]))
        state = fold(await self._log.read(self.thread_id))
        said = [*_talk(events - OWN), _STAGED]
        await self._log.append(ledger.write(state, said, await self._log.now(self._repo.name)))
        await self._work(self._log)
        state = fold(await self._log.read(self.thread_id))
        assert state.pending, "no card waits"
        assert state.version == events, state.version

    async def cycle(self, *, warm: bool) -> Cost:
        """Approve, deploy, and come to the next card; cold: in a process new to the thread."""
        log = self._log if warm else RedisLog(self._store.client)
        before, written = len(await self._log.read(self.thread_id)), await self._store.written()
        began = time.perf_counter()
        await self._approve(log)
        await self._work(log)
        seconds = time.perf_counter() - began
        new = (await log.read(self.thread_id))[before:]
        written = await self._store.written() - written
        assert new[-1].event.type == "approval_requested"
        return Cost(seconds, written, len(_writes(new)), len(new))

    async def entries(self) -> list[Entry]:
        """Return all that the thread holds."""
        return await self._log.read(self.thread_id)

    async def _approve(self, log: RedisLog) -> None:
        pending = fold(await log.read(self.thread_id)).pending  # who may: Slack is asked here
        assert pending
        here = await log.look(self.thread_id)
        state, call_id = fold(here.entries), pending.request.call_id
        click = Click(state, self._repo, Person(BOB), call_id, here.now, here.facts)
        decided = clicks.approve(click)
        assert isinstance(decided, Accepted), decided
        await log.append(ledger.write(state, decided.events, here.now, state.version))

    async def _work(self, log: RedisLog) -> None:
        ports = Ports(log, _Stub(), None, None, self._deployers)
        await Worker(ports, {self._repo.name: self._repo}, lease_seconds=30).work_once()


class Bare:
    """The floor: read all lines of a list and parse them, then append the same lines, one RPUSH
    for each of our writes, one after the other."""

    def __init__(self, store: Store, key: str, entries: Sequence[Entry], kept: int) -> None:
        self._store = store
        self._commands = cast("Any", store.client)
        self._key = key
        self._old = [entry.model_dump_json() for entry in entries[:kept]]
        self._new = [[e.model_dump_json() for e in write] for write in _writes(entries[kept:])]

    async def prepare(self) -> None:
        """Put the old lines into the list."""
        await self._commands.rpush(self._key, *self._old)

    async def cycle(self) -> Cost:
        """Do what no log can do without."""
        before = await self._store.written()
        began = time.perf_counter()
        lines: list[str] = await self._commands.lrange(self._key, 0, -1)
        parsed = [json.loads(line) for line in lines]
        for write in self._new:
            await self._commands.rpush(self._key, *write)
        seconds = time.perf_counter() - began
        assert len(parsed) == len(self._old)
        return Cost(seconds, await self._store.written() - before)


_STAGED = ev.StagingEnded(sha=SHA, passed=True, summary="e2e tests green")


def _started(repo: RepoConfig, thread_id: str) -> ev.ThreadStarted:
    return ev.ThreadStarted(
        thread_id=thread_id,
        repo=repo.name,
        branch=repo.branch,
        channel=repo.channel,
        origin="merge",
        sha=SHA,
        pull_request=ev.PullRequest(
            number=12,
            title="Add gift cards",
            url="https://github.com/acme/shop/pull/12",
            author="alice",
            merged_by="alice",
        ),
    )


def _talk(events: int) -> list[ev.Event]:
    """Return what people said and the agent let pass, in turn."""
    said = ev.HumanSaid(user=ALICE, text=TEXT)
    return [ev.Ignored(call_id=f"talk{n}", reason=TEXT) if n % 2 else said for n in range(events)]


def _writes(entries: Sequence[Entry]) -> list[list[Entry]]:
    return [list(write) for _, write in groupby(entries, key=lambda entry: entry.write)]
