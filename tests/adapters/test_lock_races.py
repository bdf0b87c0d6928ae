"""Two people at once: every lock is decided on what stands when it is written, never on before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.core import events as ev
from app.core.ids import thread_id_for
from app.core.ports import Look, Write
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.adapters.slack_desk import CHANNEL, Desk
from tests.adapters.test_slack_locks import MENTION, MENTIONED, locked_by
from tests.fakes import FakeLog
from tests.shop import ALICE, BOB, REPO
from tests.waiting import until

DAVE = "U09DAVE"
WORDS = {"type": "app_mention", "channel": CHANNEL, "text": f"{MENTION} lock backend"}
ROUNDS = 10


class SlowLog(FakeLog):
    """A log before whose next write of a lock something else happens."""

    def __init__(self) -> None:
        super().__init__(start=1_800_000_000_000)
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def append(self, write: Write) -> Look | None:
        locking = any(isinstance(e, ev.ServiceLocked | ev.ServiceUnlocked) for e in write.events)
        if locking and self.meanwhile:
            await self.meanwhile.pop()()
        return await super().append(write)


@pytest.fixture
async def slow() -> AsyncIterator[tuple[Desk, SlowLog]]:
    log = SlowLog()
    async with Desk.run(log=log) as desk:
        yield desk, log


async def test_a_slower_lock_is_refused(slow: tuple[Desk, SlowLog]) -> None:
    desk, log = slow

    async def bob() -> None:
        await desk.says(f"{MENTION} lock backend because migration", BOB, ts="3.3")

    log.meanwhile.append(bob)
    await desk.says(f"{MENTION} lock backend for 1h")
    assert await locked_by(desk) == BOB
    assert (await desk.whisper()).startswith(f"backend is locked by <@{BOB}>")
    assert await desk.threads() == [thread_id_for(REPO, CHANNEL, "3.3")]


async def test_a_slower_lock_of_all_takes_what_is_left(slow: tuple[Desk, SlowLog]) -> None:
    desk, log = slow

    async def bob() -> None:
        await desk.says(f"{MENTION} lock frontend", BOB, ts="3.3")

    log.meanwhile.append(bob)
    await desk.says(f"{MENTION} lock all")
    assert (await locked_by(desk), await locked_by(desk, "frontend")) == (ALICE, BOB)
    assert (await desk.whisper()).endswith("I locked the rest: backend.")


async def test_a_slower_unlock_leaves_the_lock_of_who_came_after(
    slow: tuple[Desk, SlowLog],
) -> None:
    desk, log = slow
    await desk.says(f"{MENTION} lock backend")

    async def others() -> None:
        await desk.says("unlock backend", ts="2.4", thread_ts="2.2")
        await desk.says(f"{MENTION} lock backend because migration", DAVE, ts="3.3")

    log.meanwhile.append(others)
    await desk.says("unlock backend", ts="2.3", thread_ts="2.2")
    assert await locked_by(desk) == DAVE
    assert (await desk.whisper()).startswith(f"backend is locked by <@{DAVE}>")
    ends = [e for e in await desk.events_of(MENTIONED) if isinstance(e, ev.ServiceUnlocked)]
    assert len(ends) == 1


async def test_an_unlock_is_of_the_lock_that_was_there_when_slack_was_asked(
    slow: tuple[Desk, SlowLog],
) -> None:
    """An approver who may unlock is decided on anew, and ends what stands then."""
    desk, log = slow
    await desk.says(f"{MENTION} lock backend")

    async def others() -> None:
        await desk.says("unlock backend", ts="2.4", thread_ts="2.2")
        await desk.says(f"{MENTION} lock backend", DAVE, ts="3.3")

    log.meanwhile.append(others)
    await desk.says(f"{MENTION} unlock backend", BOB, ts="4.4")
    assert await locked_by(desk) == ""
    assert await desk.newest(thread_id_for(REPO, CHANNEL, "3.3")) == ev.ServiceUnlocked(
        services=("backend",), user=BOB
    )
    assert await desk.whisper() == "🔓 backend is unlocked."


async def test_of_several_locks_the_ones_that_are_left_are_ended(
    slow: tuple[Desk, SlowLog],
) -> None:
    desk, log = slow
    await desk.says(f"{MENTION} lock backend")
    await desk.says(f"{MENTION} lock frontend", DAVE, ts="3.3")

    async def again() -> None:
        await desk.says(f"{MENTION} lock backend for 1h", ts="5.5")

    async def nothing() -> None: ...

    log.meanwhile += [again, nothing]  # the last one first: before the second of the two ends
    await desk.says(f"{MENTION} unlock all", BOB, ts="4.4")
    assert (await locked_by(desk), await locked_by(desk, "frontend")) == ("", "")
    assert await desk.newest(thread_id_for(REPO, CHANNEL, "5.5")) == ev.ServiceUnlocked(
        services=("backend",), user=BOB
    )
    ends = [e for e in await desk.events_of(MENTIONED) if isinstance(e, ev.ServiceUnlocked)]
    assert ends == []


async def test_of_two_instances_one_locks(clean_redis_url: str) -> None:
    """On a real store, again and again: one lock is written, and the other person is told."""
    logs = [RedisLog(connect(clean_redis_url)) for _ in range(2)]
    async with Desk.run(log=logs[0]) as first, Desk.run(log=logs[1]) as second:
        for n in range(1, ROUNDS + 1):
            await asyncio.gather(
                first.event({**WORDS, "user": ALICE, "ts": f"{n}.1"}, f"A{n}"),
                second.event({**WORDS, "user": BOB, "ts": f"{n}.2"}, f"B{n}"),
            )
            threads = [thread_id_for(REPO, CHANNEL, f"{n}.{person}") for person in (1, 2)]
            entries = [await logs[0].read(thread_id) for thread_id in threads]
            winner = await locked_by(first)
            assert [bool(found) for found in entries] == [winner == ALICE, winner == BOB]
            unlock = {**WORDS, "text": f"{MENTION} unlock backend", "user": winner}
            await first.event({**unlock, "ts": f"{n}.9"}, f"U{n}")
            assert await locked_by(first) == ""

        def told() -> bool:
            said = first.whispers() + second.whispers()
            return sum("is locked by" in words for words in said) == ROUNDS

        await until(told)
    for log in logs:
        await log.close()
