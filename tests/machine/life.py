"""One worker process as the machine sees it: any call to the outside can be interfered with."""

import asyncio
import inspect
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from app.core.errors import StoreUnavailable
from app.core.events import Attempt, ToolStarted
from app.core.fold import fold
from app.core.ports import Look, ThreadLog, Write
from tests.machine.targets import SEND_MS, Ground, Target

Answer = TypeVar("Answer")
Moment = Literal["before", "after"]
FROZEN, STOPPED = "*", "!"
Deed = Callable[["Life", str], Awaitable[None]]


class Killed(BaseException):
    """The process is dead: nothing of it goes on, and nothing catches it."""


@dataclass
class Life:
    """Counts the calls of one process, and does at some of them what the machine ordered."""

    calls: int = 0
    deeds: dict[tuple[int, Moment], Deed] = field(default_factory=dict[tuple[int, Moment], Deed])
    done: list[str] = field(default_factory=list[str])
    dead: bool = False
    task: asyncio.Task[object] | None = None
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    looked: frozenset[str] | None = None

    def order(self, ahead: int, moment: Moment, deed: Deed) -> None:
        """Do something at the so-manieth call from now."""
        self.deeds[self.calls + ahead, moment] = deed

    async def call(self, name: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make one call to the outside, with whatever was ordered before and after it."""
        self.calls += 1
        number = self.calls
        await self._reach(number, "before", name)
        answer = await work()
        await self._reach(number, "after", name)
        return answer

    async def _reach(self, number: int, moment: Moment, name: str) -> None:
        if self.dead:
            raise Killed
        deed = self.deeds.pop((number, moment), None)
        if deed is not None:
            self.done.append(f"{moment} {name}")
            await deed(self, name)


async def kill(life: Life, name: str) -> None:
    """End the process here."""
    life.dead = True
    raise Killed


async def freeze(life: Life, name: str) -> None:
    """Let the process stand still until it is thawed."""
    life.frozen.set()
    await life.thawed.wait()
    if life.dead:
        raise Killed


async def lose(life: Life, name: str) -> None:
    """Let the store be away for this call; what is no call of the store goes on."""
    if name.startswith("log."):
        raise StoreUnavailable("the answer was lost")


async def cut(life: Life, name: str) -> None:
    """Cancel the step, as SIGTERM does in the end."""
    if life.task is not None:
        life.task.cancel()


class Living:
    """Something outside as one process uses it: its asynchronous calls go through the life."""

    def __init__(self, outside: object, life: Life, name: str) -> None:
        self._outside = outside
        self._life = life
        self._name = name

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._outside, method)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **options: Any) -> Any:
            name = f"{self._name}.{method}"
            return await self._life.call(name, lambda: attribute(*args, **options))

        return call


class Looking(Living):
    """The log as one process uses it: notes what stood against an effect at its last look."""

    def __init__(self, log: ThreadLog, life: Life, frozen: Callable[[int], object]) -> None:
        super().__init__(log, life, "log")
        self._log = log
        self._frozen = frozen

    async def look(self, thread_id: str) -> Look:
        """Look at a thread, and note what is in force just then."""

        async def looks() -> Look:
            here = await self._log.look(thread_id)
            standing = {
                name.removeprefix("lock/")
                for name, fact in here.facts.items()
                if name.startswith("lock/") and (json.loads(fact)["until"] or math.inf) > here.now
            }
            if self._frozen(here.now):
                standing.add(FROZEN)
            if fold(here.entries).stopped_by:
                standing.add(STOPPED)
            self._life.looked = frozenset(standing)
            return here

        return await self._life.call("log.look", looks)

    async def append(self, write: Write) -> Look | None:
        """Write; what begins an attempt has to be looked at once more."""

        async def writes() -> Look | None:
            if any(isinstance(event, ToolStarted) for event in write.events):
                self._life.looked = None
            return await self._log.append(write)

        return await self._life.call("log.append", writes)


class InFlight(Living):
    """A target as one process uses it: a request on its way arrives by its deadline, or never."""

    def __init__(self, target: Target, life: Life, ground: Ground) -> None:
        super().__init__(target, life, "target")
        self._target = target
        self._ground = ground

    async def start(self, attempt: Attempt) -> str:
        """Send it; a process that was frozen meanwhile finds its own time-out."""
        deadline = self._ground.clock + SEND_MS
        self._ground.sends[attempt.attempt_id] += 1
        self._ground.looked[attempt.attempt_id] = self._life.looked

        async def arrives() -> str:
            if self._ground.clock >= deadline:
                raise TimeoutError
            return await self._target.start(attempt)

        return await self._life.call("target.start", arrives)
