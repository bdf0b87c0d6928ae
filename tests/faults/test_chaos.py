"""Several writers and workers while connections fail at random: each event is there once."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.errors import Conflict, Fenced, StoreUnavailable
from app.core.events import HumanSaid
from app.core.ports import Claim, Write
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.chance import SEED, SOAK, report
from tests.faults.proxy import Fault, Proxy
from tests.faults.stores import Store, is_ours

EVENTS = 20_000 if SOAK else 2_000
WRITERS = 10
WORKERS = 3
# One of each falls on another node of a cluster.
REPOS = ("acme/shop", "acme/blog", "acme/a", "acme/b")
OF_REQUESTS = 0.005
FAULTS: tuple[Fault, ...] = ("lose reply", "lose request", "half reply")


@dataclass
class Told:
    """What the writers and workers were told."""

    stored: list[str] = field(default_factory=list[str])
    unsure: list[str] = field(default_factory=list[str])
    claims: list[Claim] = field(default_factory=list[Claim])
    unavailable: int = 0


class Chance:
    """Matches some requests of the log, now and then many in a row."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._left = 0

    def __call__(self, request: bytes) -> bool:
        if not is_ours(request):
            return False
        if self._left:
            self._left -= 1
            return True
        if self._random.random() < OF_REQUESTS:
            self._left = self._random.choice((0, 0, 1, 2, 30))
            return True
        return False


async def fail(proxies: Sequence[Proxy], chance: random.Random) -> None:
    """Let connections fail, until cancelled."""
    for number, proxy in enumerate(proxies):
        for fault in FAULTS:
            proxy.order(fault, EVENTS, Chance(SEED + number))
    while True:
        await asyncio.sleep(chance.uniform(0, 0.5))
        proxy = chance.choice(proxies)
        proxy.cut()
        proxy.delay = chance.choice((0, 0.005))


async def write(log: RedisLog, words: str, chance: random.Random, told: Told) -> None:
    """Write an event to a random thread until it is stored; now and then give up at once."""
    thread_id = f"{chance.choice(REPOS)}/{chance.randrange(5):010}"
    gives_up = chance.random() < 0.1
    version: int | None = None
    while True:
        try:
            if chance.random() < 0.5:
                version = len(await log.read(thread_id))
            said = HumanSaid(user="U01ALICE", text=words)
            change = Write(thread_id, [said], version, dedupe=[words], history=[words])
            await log.append(change)
        except Conflict:
            version = None
        except StoreUnavailable:
            told.unavailable += 1
            if gives_up:
                told.unsure.append(words)
                return
        else:
            told.stored.append(words)
            return


async def work(log: RedisLog, told: Told) -> None:
    """Claim, renew and give back, until cancelled."""
    while True:
        for repo in REPOS:
            try:
                claim = await log.claim(repo, "work")
                if claim is None:
                    continue
                told.claims.append(claim)
                await log.renew(claim, "work")
                await log.park(claim, "work", len(await log.read(claim.thread_id)), None)
            except (StoreUnavailable, Fenced):
                told.unavailable += 1
        await asyncio.sleep(0.01)


async def test_loses_and_doubles_no_event(store: Store) -> None:
    told = Told()
    log = RedisLog(connect(store.url), lease_seconds=1)
    turns = iter(range(EVENTS))

    async def writer(number: int) -> None:
        for turn in turns:
            await write(log, f"event {turn}", random.Random(f"{SEED} {turn}"), told)

    disturbing = asyncio.gather(
        fail(store.proxies, random.Random(SEED)),
        *(work(log, told) for _ in range(WORKERS)),
    )
    await asyncio.gather(*map(writer, range(WRITERS)))
    assert not disturbing.done()
    disturbing.cancel()
    await asyncio.gather(disturbing, return_exceptions=True)
    faults = store.done()
    await log.close()

    direct = RedisLog(connect(store.direct))
    entries = [
        entry.event.text
        for repo in REPOS
        for thread_id in await direct.threads(repo, 99)
        for entry in await direct.read(thread_id)
        if isinstance(entry.event, HumanSaid)
    ]
    await direct.close()
    found = Counter(entries)
    lost = [words for words in told.stored if not found[words]]
    doubled = [words for words, count in found.items() if count > 1]
    report(
        "writers through failing connections",
        seed=SEED,
        events=EVENTS,
        faults=faults,
        unavailable=told.unavailable,
        lost=len(lost),
        doubled=len(doubled),
    )
    assert (lost, doubled) == ([], [])
    assert set(found) - set(told.stored) <= set(told.unsure)
    assert len(told.stored) + len(told.unsure) == EVENTS
    assert len(set(told.claims)) == len(told.claims)
    assert faults > EVENTS / 20
