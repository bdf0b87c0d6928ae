"""What the worker's steps share: the ports, and one thread as it was read for one step."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import ledger
from app.core.config import RepoConfig, TargetConfig
from app.core.errors import Conflict, StoreUnavailable
from app.core.events import (
    Block,
    BlockWaited,
    Entry,
    Event,
    LockWaited,
    MessagePosted,
    SourceWaited,
)
from app.core.fold import fold
from app.core.ports import Claim, Deployer, Directory, Look, Model, Source, ThreadLog, Write
from app.core.spec import Environment
from app.core.state import State

PATIENCE_SECONDS = 120.0
AGAIN_SECONDS = 0.1
BLOCKED_SECONDS = 5.0
FRESH_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside that the worker uses.

    `planner` offers the default order when the model is down. `source` is None without credentials,
    `directory` where there is no chat to ask who is who.
    `poll_seconds` is the shortest time between two looks at a running attempt.
    """

    log: ThreadLog
    model: Model
    planner: Model | None
    source: Source | None
    deployers: Mapping[str, Deployer]
    poll_seconds: float = 0.25
    send_seconds: float = 30.0
    model_retry_seconds: float = 60.0
    source_retry_seconds: float = 60.0
    directory: Directory | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """A thread as the log showed it; `asked_at` is the event loop's time before it was asked."""

    look: Look
    asked_at: float

    @property
    def is_fresh(self) -> bool:
        """Tell whether it may be decided on: in between nothing but our own step went on."""
        return asyncio.get_running_loop().time() - self.asked_at < FRESH_SECONDS


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed thread as it stands, for one step.

    `asked_at` is the event loop's time before the log was asked: no later than `now`. `sights`
    takes up what the log showed of the thread after each write of the step.
    """

    claim: Claim
    state: State
    entries: Sequence[Entry]
    repo: RepoConfig
    now: int
    facts: Mapping[str, str]
    ports: Ports
    asked_at: float
    sights: list[Sight]

    def target(self, environment: Environment, service: str | None) -> TargetConfig | None:
        """Return the target of an attempt as configured now, None if it is no longer."""
        where = self.repo.staging if environment == "staging" else self.repo.production
        return where.e2e if service is None else where.targets.get(service)

    async def decide_on(self, events: Sequence[Event], **rest: Any) -> None:
        """Append what follows from the state that was read; raise `Conflict` if it has changed.

        Where Slack has put a message meanwhile is no change to decide anew for.
        """
        version = self.state.version
        while True:
            write = ledger.write(
                self.state,
                events,
                self.now,
                version,
                known=self.facts,
                fence=self.claim.fence,
                waits=self._waits_after(events),
                **rest,
            )
            try:
                await self._append(write)
                return
            except Conflict:
                entries = await self.ports.log.read(self.claim.thread_id)
                missed = entries[version:]
                posted = [isinstance(entry.event, MessagePosted) for entry in missed]
                if not posted or not all(posted):  # without any, a fact has changed
                    raise
                version = len(entries)

    async def wait_for_source(self, waited: SourceWaited) -> float:
        """Say once that GitHub has to be asked first; return how long to pause before asking."""
        if self.state.waits_for_source is None:
            await self.decide_on([waited])
        return self.ports.source_retry_seconds

    async def wait_for_block(self, block: Block) -> float:
        """Say once what an approved action waits for; return how long to pause before a look."""
        if self.state.waits_for_block != block:
            await self.decide_on([BlockWaited(block=block)])
        return BLOCKED_SECONDS

    async def record(self, events: Sequence[Event]) -> None:
        """Append what happened in the world, whatever people said meanwhile.

        Only we may know it, so a store that is away is asked again as long as the claim may hold.
        """
        name = secrets.token_hex(8)
        write = ledger.write(
            self.state,
            events,
            self.now,
            known=self.facts,
            fence=self.claim.fence,
            waits=self._waits_after(events),
            name=name,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await self._append(write)
                return
            except StoreUnavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)

    def _waits_after(self, events: Sequence[Event]) -> bool:
        """Tell whether the thread waits for a lock after these events: then it keeps its place."""
        begins = any(isinstance(event, LockWaited) for event in events)
        if self.state.waits_for_lock is None and not begins:
            return False
        more = [Entry(at=self.now, write="", event=event) for event in events]
        return fold([*self.entries, *more]).waits_for_lock is not None

    async def _append(self, write: Write) -> None:
        asked_at = asyncio.get_running_loop().time()
        seen = await self.ports.log.append(write)
        if seen:
            self.sights.append(Sight(seen, asked_at))
