"""Instances are killed at random while deploys run: nothing is lost, nothing happens twice."""

import asyncio
import itertools
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.chance import SEED, report
from tests.crash.crashes import Crashes, crashes
from tests.crash.instances import Zygote
from tests.crash.target import CLASSES

KILLS = int(os.environ.get("KILLS", "100"))
KILLS_OF_A_CLASS = -(-KILLS // len(CLASSES))
INSTANCES = 2
AT_ONCE = 2


class Kills:
    """Kills a random instance that serves at random times, so many times."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.count = 0

    @property
    def enough(self) -> bool:
        return self.count >= KILLS_OF_A_CLASS

    async def run(self, box: Crashes) -> None:
        while not self.enough:
            await asyncio.sleep(self._random.uniform(0.05, 0.6))
            service = self._random.choice(box.services)
            if service.serves():
                service.signal(signal.SIGKILL)
                self.count += 1


async def deploys(box: Crashes, kills: Kills, lane: int) -> list[str]:
    """Deploy one commit after the other until there were enough kills.

    Return those that no newer merge ships.
    """
    shas: list[str] = []
    for number in itertools.count():
        if kills.enough and number:
            break
        sha = f"{lane:x}{number:06x}".ljust(40, "0")
        end = await box.deploy(sha).plays(seconds=120, instance=lane % INSTANCES)
        shas += [] if end.joined else [sha]
    return shas


@pytest.mark.parametrize("recovery", CLASSES)
async def test_random_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, recovery: str
) -> None:
    began, kills = time.monotonic(), Kills(SEED)
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        await box.start(*[None] * INSTANCES)
        killing = asyncio.create_task(kills.run(box))
        lanes = await asyncio.gather(*[deploys(box, kills, lane) for lane in range(AT_ONCE)])
        await killing

        shas = [sha for lane in lanes for sha in lane]
        wanted = {f"production {name} {s[:7]}" for s in shas for name in ("frontend", "backend")}
        happened = Counter(box.target.production())
        lost = len(wanted - set(happened))
        doubled = sum(count - 1 for count in happened.values())
        most_starts = max(box.target.starts.values())
        report(
            f"random kills, {recovery}",
            seed=SEED,
            kills=kills.count,
            deploys=len(shas),
            lost=lost,
            doubled=doubled,
            seconds=round(time.monotonic() - began),
        )
        assert kills.count >= KILLS_OF_A_CLASS
        assert shas, "every merge left it to another"
        assert (lost, doubled) == (0, 0)
        assert set(happened) == wanted
        assert recovery == "keyed" or most_starts == 1
        assert max(box.outside.posted().values(), default=0) <= 1
