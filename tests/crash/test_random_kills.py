"""Instances are killed at random while deploys run: nothing is lost, nothing happens twice."""

import asyncio
import itertools
import os
import random
import signal
import time
from pathlib import Path

import pytest

from app.core.state import State
from tests.chance import SEED, report
from tests.crash.crashes import Crashes, crashes
from tests.crash.shipping import doubled, effects_of, lost
from tests.crash.target import CLASSES
from tests.forks import Zygote

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


async def deploys(box: Crashes, kills: Kills, lane: int) -> dict[str, State]:
    """Deploy one commit after the other until there were enough kills; return their ends."""
    ends: dict[str, State] = {}
    for number in itertools.count():
        if kills.enough and number:
            break
        sha = f"{lane:x}{number:06x}".ljust(40, "0")
        ends[sha] = await box.deploy(sha).plays(seconds=120, instance=lane % INSTANCES)
    return ends


@pytest.mark.parametrize("recovery", CLASSES)
async def test_random_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, recovery: str
) -> None:
    began, kills = time.monotonic(), Kills(SEED)
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        box.reminds = False
        await box.start(*[None] * INSTANCES)
        killing = asyncio.create_task(kills.run(box))
        lanes = await asyncio.gather(*[deploys(box, kills, lane) for lane in range(AT_ONCE)])
        await killing

        ends = {sha: end for lane in lanes for sha, end in lane.items()}
        missing, twice = lost(box, ends), doubled(box)
        most_starts = max(box.target.starts.values())
        report(
            f"random kills, {recovery}",
            seed=SEED,
            kills=kills.count,
            merges=len(ends),
            deploys=len({end.thread_id for end in ends.values()}),
            lost=len(missing),
            doubled=twice,
            seconds=round(time.monotonic() - began),
        )
        assert kills.count >= KILLS_OF_A_CLASS
        assert (missing, twice) == ([], 0)
        assert set(box.target.production()) == effects_of(ends.values())
        assert recovery == "keyed" or most_starts == 1
        assert max(box.outside.posted().values(), default=0) <= 1
