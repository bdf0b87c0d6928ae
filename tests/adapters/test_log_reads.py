"""Reading a thread again: what is known is not read twice, unless the store went backwards."""

from typing import Any, cast

from app.core import events as ev
from app.core.ports import Write
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.story import THREAD

KEY = f"{{acme/shop}}:log:{THREAD}"


def said(text: str) -> ev.HumanSaid:
    return ev.HumanSaid(user="U01ALICE", text=text)


async def texts(log: RedisLog) -> list[str]:
    found = (await log.look(THREAD)).entries
    return [entry.event.text for entry in found if isinstance(entry.event, ev.HumanSaid)]


async def test_what_was_taken_back_is_forgotten(clean_redis_url: str, redis_log: RedisLog) -> None:
    await redis_log.append(Write(THREAD, [said("one"), said("two")]))
    assert await texts(redis_log) == ["one", "two"]
    client = connect(clean_redis_url)
    await cast("Any", client).rpop(KEY)
    await client.aclose()
    await redis_log.append(Write(THREAD, [said("three")]))
    assert await texts(redis_log) == ["one", "three"]


async def test_the_lines_are_those_that_are_stored(redis_log: RedisLog) -> None:
    await redis_log.append(Write(THREAD, [said("one")]))
    stored = await redis_log.stored(THREAD)
    [line] = stored.lines
    assert '"one"' in line
    assert stored.listed
    assert stored.head is not None
    assert stored.head.removeprefix("1:") in line
