"""What thousands of paused threads cost: memory in Redis and in the service, and its start-up."""

import asyncio
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.events import ApprovalRequested, Event, MessagePosted, parse_event
from app.core.ids import thread_id_for
from app.core.ports import Queue, Write
from app.core.spec import spec_hash
from app.redis.log import RedisLog
from bench.cycle import Paused
from bench.outside import Outside
from bench.running import SERVE, Process, environment
from bench.shop import CHANNEL, write_config
from bench.store import Store
from tests.shop import REPO

AT_ONCE = 32
EVENTS = 12
SLOTS = ("status", "card")
QUEUES: tuple[Queue, ...] = ("work", "slack")
SETTLING_SECONDS = 3


@dataclass(frozen=True)
class Burden:
    """What so many threads cost; bytes, and the seconds of each start."""

    threads: int
    in_redis: int
    in_service: int
    starts: list[float]


async def paused(store: Store, folder: Path, counts: Sequence[int], starts: int) -> list[Burden]:
    """Put so many paused threads into the store, one number after the other."""
    burdens: list[Burden] = []
    await store.empty()
    pattern = await _pattern(store)
    await store.empty()
    empty, there = await store.memory(), 0
    async with Outside.run("keyed") as outside:
        write_config(folder / "deploybot.toml", ["true"])
        for count in counts:
            await _put(store, pattern, range(there, count))
            there = count
            in_redis = await store.memory() - empty
            process = Process(SERVE, environment(outside, store.url), folder)
            seconds: list[float] = []
            for _ in range(starts):
                await process.end(signal.SIGTERM)
                seconds.append(await process.start())
            await asyncio.sleep(SETTLING_SECONDS)
            burdens.append(Burden(count, in_redis, process.resident(), seconds))
            await process.end(signal.SIGTERM)
    return burdens


async def _pattern(store: Store) -> tuple[str, list[str]]:
    """Return a real thread that waits at a card: its id, and its events as JSON."""
    thread = Paused(store, REPO)
    await thread.prepare(EVENTS - len(SLOTS))
    events = [entry.event.model_dump_json() for entry in await thread.entries()]
    return thread.thread_id, events


async def _put(store: Store, pattern: tuple[str, list[str]], numbers: range) -> None:
    log = RedisLog(store.client)
    await store.hurry(True)
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        some = range(start, min(start + AT_ONCE, numbers.stop))
        await asyncio.gather(*[_append(log, pattern, number) for number in some])
        for queue in QUEUES:
            await asyncio.gather(*[_park(log, queue) for _ in some])
    await store.hurry(False)


async def _append(log: RedisLog, pattern: tuple[str, list[str]], number: int) -> None:
    """Append a copy of the pattern under an id of its own, with its messages in Slack."""
    old_id, lines = pattern
    thread_id = thread_id_for(REPO, "main", f"{number:040x}")
    events: list[Event] = [_copied(line.replace(old_id, thread_id)) for line in lines]
    index: list[str] = []
    for nth, slot in enumerate(SLOTS):
        ts = f"17{number:08}.{nth:06}"
        events.append(MessagePosted(slot=slot, channel=CHANNEL, ts=ts))
        index.append(f"{CHANNEL}|{ts}")
        await log.mark_sent(thread_id, slot, "0123456789abcdef 1800000000000")
    cause = f"merge:{REPO}:main:{number:040x}"
    await log.append(Write(thread_id, events, index=index, dedupe=[cause]))


def _copied(line: str) -> Event:
    event = parse_event(json.loads(line))
    if isinstance(event, ApprovalRequested):
        return event.model_copy(update={"spec_hash": spec_hash(event.spec)})
    return event


async def _park(log: RedisLog, queue: Queue) -> None:
    """Let a worker or sender have looked at a thread: it waits until its card expires."""
    claim = await log.claim(REPO, queue)
    assert claim
    tomorrow = await log.now(REPO) + 24 * 3600 * 1000
    await log.park(claim, queue, EVENTS, tomorrow)
