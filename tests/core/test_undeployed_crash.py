"""An instance dies around the one write that asks, or there are many: one question."""

import asyncio
from typing import Literal

import pytest

from app.core.errors import StoreUnavailable
from app.core.ports import Look, Write
from app.core.undeployed import asked
from app.redis.log import RedisLog
from app.undeployed import UndeployedWatch
from tests.core.box import SHA
from tests.core.test_undeployed import Scheduled
from tests.fakes import FakeLog
from tests.shop import REPO


class Dying(FakeLog):
    """A log whose next append of a question is the last that its process does."""

    dies: Literal["never", "before", "after"] = "never"

    async def append(self, write: Write) -> Look | None:
        asks = any(event.type == "undeployed_found" for event in write.events)
        if asks and self.dies == "before":
            raise StoreUnavailable("killed")
        seen = await super().append(write)
        if asks and self.dies == "after":
            raise StoreUnavailable("killed")
        return seen


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_whoever_dies_around_the_append_one_question_is_asked(
    dies: Literal["before", "after"],
) -> None:
    log = Dying()
    box = Scheduled(log=log)
    await box.shipped()
    await box.left(SHA)
    log.dies = dies
    with pytest.raises(StoreUnavailable):
        await box.asks()
    log.dies = "never"
    assert await box.watch.ask_if_due(box.config) is (dies == "before")
    assert (await box.question()).undeployed is not None
    assert len(await log.threads(REPO, 10)) == 3
    assert await box.types() == ["thread_started", "undeployed_found"]


async def test_of_many_instances_on_one_redis_one_asks(redis_log: RedisLog) -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    for thread_id in reversed(await box.log.threads(REPO, 10)):
        events = [entry.event for entry in await box.log.read(thread_id)]
        await redis_log.append(Write(thread_id, events))
    facts = await box.log.facts(REPO)
    await redis_log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))
    slot = await redis_log.now(REPO)
    config = box.config.model_copy(update={"undeployed": Once(slot)})
    watches = [UndeployedWatch(redis_log, None, {REPO: config}) for _ in range(5)]
    told = await asyncio.gather(*(watch.ask_if_due(config) for watch in watches))
    assert sorted(told) == [False] * 4 + [True]
    assert asked(await redis_log.facts(REPO), "backend").shas == (SHA,)


class Once:
    """A schedule that came once."""

    def __init__(self, at: int) -> None:
        self._at = at

    def last_start(self, now: int) -> int | None:
        return self._at
