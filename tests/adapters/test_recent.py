"""Threads that were read lately are read on from there, unless the log says otherwise."""

from typing import Any, cast

from app.core.events import HumanSaid
from app.core.ports import Write
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.redis.recent import MOST_ENTRIES, Known, Recent
from tests.story import THREAD

KEY = "{acme/shop}:log:" + THREAD


async def says(log: RedisLog, *texts: str) -> None:
    await log.append(Write(THREAD, [HumanSaid(user="U02BOB", text=text) for text in texts]))


async def heard(log: RedisLog) -> list[str]:
    events = [entry.event for entry in await log.read(THREAD)]
    return [event.text for event in events if isinstance(event, HumanSaid)]


async def test_what_others_append_is_read(redis_log: RedisLog, clean_redis_url: str) -> None:
    other = RedisLog(connect(clean_redis_url))
    await says(redis_log, "one")
    assert await heard(redis_log) == ["one"]
    await says(other, "two", "three")
    assert await heard(redis_log) == ["one", "two", "three"]
    assert await heard(redis_log) == ["one", "two", "three"]
    await other.close()


async def test_a_log_that_went_backwards_is_read_from_its_beginning(
    redis_log: RedisLog, clean_redis_url: str
) -> None:
    await says(redis_log, "one", "two")
    assert await heard(redis_log) == ["one", "two"]
    client = cast("Any", connect(clean_redis_url))
    await client.ltrim(KEY, 0, 0)
    assert await heard(redis_log) == ["one"]
    await says(redis_log, "other")
    assert await heard(redis_log) == ["one", "other"]
    await client.delete(KEY)
    assert await heard(redis_log) == []
    await client.aclose()


async def test_what_was_read_can_be_changed_without_harm(redis_log: RedisLog) -> None:
    await says(redis_log, "one")
    (await redis_log.read(THREAD)).clear()
    assert await heard(redis_log) == ["one"]


def line(number: int) -> str:
    return f'{{"at":{number},"write":"w","event":{{"type":"human_said","user":"U","text":"x"}}}}'


def test_only_what_is_new_is_asked_for() -> None:
    recent = Recent()
    assert recent.known(THREAD).start == 0
    recent.extend(THREAD, Known(), [line(n) for n in range(10)])
    assert recent.known(THREAD).start == 9
    assert len(recent.extend(THREAD, recent.known(THREAD), [line(9), line(10)]) or []) == 11


def test_the_threads_that_were_read_longest_ago_are_forgotten_first() -> None:
    recent = Recent()
    each = MOST_ENTRIES // 4
    for thread in ("a", "b", "c", "d"):
        recent.extend(thread, Known(), [line(n) for n in range(each)])
    recent.extend("a", recent.known("a"), [line(each - 1)])
    recent.extend("e", Known(), [line(n) for n in range(each)])
    known = {thread: len(recent.known(thread).entries) for thread in "abcde"}
    assert known == {"a": each, "b": 0, "c": each, "d": each, "e": each}


def test_a_thread_that_is_too_long_is_not_kept() -> None:
    recent = Recent()
    entries = recent.extend("a", Known(), [line(n) for n in range(MOST_ENTRIES + 1)])
    assert len(entries or []) == MOST_ENTRIES + 1
    assert recent.known("a").entries == []
