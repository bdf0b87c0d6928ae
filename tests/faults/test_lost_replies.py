"""Every command of the log through a proxy that loses replies: one effect, the right answer.

What the store holds and what the caller is told is compared with a run in which nothing was lost.
"""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from app.core.errors import Conflict, Fenced, Locked, StoreUnavailable
from app.core.events import Event, HumanSaid
from app.core.ports import Claim, Write
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.faults.proxy import Fault
from tests.faults.stores import Store, client_of

REPO = "acme/shop"
T1, T2 = f"{REPO}/aaaaaaaaaa", f"{REPO}/bbbbbbbbbb"
SAID = (HumanSaid(user="U01ALICE", text="hello"),)
FAR = 4_000_000_000_000

Act = Callable[[RedisLog], Awaitable[Any]]


def append(thread_id: str = T1, events: Sequence[Event] = SAID, **rest: Any) -> Act:
    async def act(log: RedisLog) -> object:
        seen = await log.append(Write(thread_id, events, **rest))
        return seen and ([entry.event for entry in seen.entries], seen.facts)

    return act


def claim(queue: Any = "work") -> Act:
    return lambda log: log.claim(REPO, queue)


def park(version: int, wake_at: int | None = None, fence: int = 1) -> Act:
    return lambda log: log.park(Claim(T1, fence), "work", version, wake_at)


def renew(fence: int = 1) -> Act:
    return lambda log: log.renew(Claim(T1, fence), "work")


# What was before, and the command that the fault happens to.
WRITES: dict[str, list[Act]] = {
    "events": [append(events=[*SAID, *SAID])],
    "events at a version": [append(), append(version=1)],
    "events at a version that moved": [append(), append(version=0)],
    "events of a claim": [append(), claim(), append(version=1, fence=1)],
    "events of a claim that is over": [append(), append(fence=7)],
    "a cause": [append(version=0, dedupe=["delivery:1", "merge:1"])],
    "a cause that was seen": [append(dedupe=["merge:1"]), append(dedupe=["click:1", "merge:1"])],
    "a lock": [append(take=["staging"], version=0)],
    "a lock again": [append(take=["staging"]), append(take=["staging", "production/a"])],
    "another's lock": [append(take=["staging"]), append(T2, take=["production/a", "staging"])],
    "a lock given back": [
        append(take=["staging"]),
        append(T2, waits=True, silent=True),
        append(release=["staging"]),
    ],
    "another's lock given back": [append(take=["staging"]), append(T2, release=["staging"])],
    "waiting in line": [append(take=["staging"]), append(T2, waits=True)],
    "facts": [append(facts={"hold": "bad"}), append(facts={"hold": None, "running": "4af9ec0"})],
    "facts that are as expected": [
        append(facts={"hold": "bad"}),
        append(expects={"hold": "bad", "lock": None}, facts={"hold": None, "lock": "alice"}),
    ],
    "facts that are not as expected": [
        append(facts={"hold": "bad"}),
        append(expects={"hold": None}, facts={"hold": "worse"}),
    ],
    "history": [append(history=["older"]), append(history=["one", "two"], events=[])],
    "the index": [append(index=["C01|1.2", "C01|1.3"], silent=True)],
    "nothing but a wake-up": [append(), claim("slack"), append(events=[])],
    "a claim": [append(), append(T2), claim()],
    "a claim to show": [append(), append(T2), claim("slack")],
    "a claim of nothing": [claim()],
    "a renewal": [append(), claim(), renew()],
    "a renewal of a claim that is over": [append(), claim(), renew(fence=7)],
    "a thread given back": [append(), claim(), park(1)],
    "a thread given back until then": [append(), claim(), park(1, FAR)],
    "a thread given back that moved on": [append(), claim(), append(), park(1)],
    "a thread given back by another": [append(), claim(), park(1, fence=7)],
    "a mark of what was sent": [append(), lambda log: log.mark_sent(T1, "status", "digest 1")],
    "an offset": [lambda log: log.set_offset(REPO, 1_000)],
}
FILLED = append(facts={"a": "b"}, history=["h"], index=["C01|1.2"], take=["staging"])
READS: dict[str, Act] = {
    "facts": lambda log: log.facts(REPO),
    "history": lambda log: log.history(REPO, 9),
    "locks": lambda log: log.locks(REPO),
    "the index": lambda log: log.find(REPO, "C01", "1.2"),
    "threads": lambda log: log.threads(REPO, 9),
    "sent": lambda log: log.sent(T1),
}
FAULTS: list[tuple[Fault, int]] = [
    ("lose reply", 1),
    ("lose reply", 2),
    ("half reply", 1),
    ("lose request", 1),
]


async def told(log: RedisLog, act: Act) -> object:
    """Return what the caller is told, an answer or a refusal."""
    try:
        return await act(log)
    except (Conflict, Fenced, Locked) as refusal:
        return repr(refusal)


async def held(store: Store) -> list[tuple[str, object]]:
    """Return all that the store holds, but for times and random ids."""
    async with client_of(store.direct) as client:
        found = [
            (re.sub("written:.*", "written", key), await _value(client, key))
            for key in await client.keys("*")
        ]
    return sorted(found, key=repr)


async def _value(client: Any, key: str) -> object:
    match await client.type(key):
        case "list":
            lines = await client.lrange(key, 0, -1)
            return [json.loads(line)["event"] if ":log:" in key else line for line in lines]
        case "hash":
            fields = await client.hgetall(key)
            if ":asked" in key:
                return {thread: json.loads(ask)["take"] for thread, ask in fields.items()}
            return sorted(fields) if ":leases:" in key or ":heads" in key else fields
        case "zset":
            scored = await client.zrange(key, 0, -1, withscores=True)
            return [(member, score == FAR) for member, score in scored]
        case "set":
            return sorted(await client.smembers(key))
        case _:
            return await client.get(key)


async def played(
    store: Store, acts: list[Act], fault: Fault = "lose reply", count: int = 0
) -> object:
    """Return what the last act told and left behind; exactly so many faults happened to it.

    On a machine so busy that the store does not answer in time, play it anew, up to twice.
    """
    for _ in range(2):
        with suppress(StoreUnavailable):
            return await _played(store, acts, fault, count)
    return await _played(store, acts, fault, count)


async def _played(store: Store, acts: list[Act], fault: Fault, count: int) -> object:
    await store.empty()
    async with log_of(store.direct) as before:
        for act in acts[:-1]:
            await told(before, act)
    async with log_of(store.url) as log:
        await log.now(REPO)  # the client of a cluster finds its way only now
        store.order(fault, count)
        answer = await told(log, acts[-1])
    assert store.done() == count
    return answer, await held(store)


@asynccontextmanager
async def log_of(url: str) -> AsyncGenerator[RedisLog]:
    log = RedisLog(connect(url))
    try:
        yield log
    finally:
        await log.close()


@pytest.mark.parametrize("what", WRITES)
async def test_a_fault_changes_nothing(store: Store, what: str) -> None:
    expected = await played(store, WRITES[what])
    for fault, count in FAULTS:
        found = await played(store, WRITES[what], fault, count)
        assert found == expected, f"{fault}, {count} times"


@pytest.mark.parametrize("what", READS)
async def test_a_lost_reply_to_a_question_is_asked_again(store: Store, what: str) -> None:
    expected = await played(store, [FILLED, READS[what]])
    assert await played(store, [FILLED, READS[what]], "half reply", 2) == expected
