"""Instances are killed at random while deploys run: nothing is lost, nothing happens twice."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from app.core.state import State
from tests.crash.crashes import Crashes, Zygote, crashes

KILLS = 50
INSTANCES = 2
AT_ONCE = 2


async def deploys(box: Crashes, kills: "Kills", lane: int) -> list[State]:
    """Deploy one commit after the other until there were enough kills; return their ends."""
    ends: list[State] = []
    while not kills.enough:
        sha = f"{lane:x}{len(ends):x}".ljust(40, "0")
        ends.append(await box.deploy(sha).plays(seconds=120, instance=lane % INSTANCES))
    return ends


class Kills:
    """Kills a random instance at random times, so many times."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.count = 0

    @property
    def enough(self) -> bool:
        return self.count >= KILLS

    async def run(self, box: Crashes) -> None:
        while not self.enough:
            await asyncio.sleep(self._random.uniform(0.05, 0.6))
            service = self._random.choice(box.services)
            if service.lives():
                service.signal(signal.SIGKILL)
                self.count += 1


@pytest.mark.parametrize("recovery", ["keyed", "blind"])
async def test_random_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, recovery: str
) -> None:
    kills = Kills(seed=7)
    async with crashes(tmp_path, clean_redis_url, recovery, zygote, INSTANCES) as box:
        await box.start()
        killing = asyncio.create_task(kills.run(box))
        ended = await asyncio.gather(*[deploys(box, kills, lane) for lane in range(AT_ONCE)])
        await killing

        ends = [state for lane in ended for state in lane]
        runs = [run for state in ends for run in state.runs.values()]
        effects = [run for run in runs if run.is_production_effect]
        happened = [run for run in effects if run.outcome == "succeeded"]
        assert kills.count >= KILLS
        assert len(ends) >= AT_ONCE
        assert len(box.outside.production()) == len(happened)
        if recovery == "blind":
            assert all(box.outside.starts[run.attempt.attempt_id] <= 1 for run in effects)
