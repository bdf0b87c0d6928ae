"""Instances are restarted one after the other while people and GitHub go on: nothing is lost."""

import asyncio
import itertools
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.state import State
from tests.chance import report
from tests.crash import people
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import to
from tests.crash.outside import ONLY_WEB
from tests.crash.shipping import doubled, effects_of, lost
from tests.forks import Zygote
from tests.shop import CARA, REPO
from tests.waiting import until

RESTARTS = int(os.environ.get("RESTARTS", "100"))
INSTANCES = 3
LANES = 2
EXIT_SECONDS = 25  # what is promised


@dataclass
class Traffic:
    """What GitHub and people send meanwhile, each once; it keeps what was acknowledged.

    Its merges are of one service alone, so they never ship those of both, and nobody approves them.
    """

    box: Crashes
    over: bool = False
    sent: int = 0
    merges: list[str] = field(default_factory=list[str])
    mentions: list[str] = field(default_factory=list[str])
    clicks: Counter[str] = field(default_factory=Counter[str])

    async def run(self) -> None:
        """Merge, mention and click in turn, at each instance in turn."""
        for number in itertools.count():
            if self.over:
                return
            self.sent += 1
            await (self._merge, self._mention, self._click)[number % 3](number)
            await asyncio.sleep(0.1)

    async def _merge(self, number: int) -> None:
        sha = f"f{number:06x}".ljust(40, "0")
        self.box.outside.merges(sha)
        if await self.box.once(to(people.merge(sha, ONLY_WEB)), number % INSTANCES):
            self.merges.append(sha)

    async def _mention(self, number: int) -> None:
        ts = f"1900000000.{number:06}"
        if await self.box.once(
            to(people.mention("what is on production?", ts)), number % INSTANCES
        ):
            self.mentions.append(ts)

    async def _click(self, number: int) -> None:
        """Stop a thread that was merged a while ago, whatever it does."""
        if not self.merges:
            return
        thread_id = thread_id_for(REPO, "main", self.merges[number % len(self.merges)])
        if await self.box.once(to(people.click("stop", thread_id, CARA)), number % INSTANCES):
            self.clicks[thread_id] += 1


async def deploys(box: Crashes, traffic: Traffic, lane: int) -> dict[str, State]:
    """Deploy one commit after the other while there is traffic; return their ends."""
    ends: dict[str, State] = {}
    for number in itertools.count():
        if traffic.over:
            break
        sha = f"{lane:x}{number:06x}".ljust(40, "0")
        ends[sha] = await box.deploy(sha).plays(seconds=120, instance=lane)
    return ends


async def restarts(box: Crashes) -> list[float]:
    """Restart one instance after the other; return how long each took to end."""
    took: list[float] = []
    for number in range(RESTARTS):
        took.append(await box.services[number % INSTANCES].terminate())
        await box.restart(number % INSTANCES)
    return took


async def test_rolling_restarts_lose_nothing_and_double_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    began = time.monotonic()
    async with crashes(tmp_path, clean_redis_url, "blind", zygote) as box:
        box.pause = float("inf")
        box.reminds = False
        await box.start(*[None] * INSTANCES)
        traffic = Traffic(box)
        going = asyncio.create_task(traffic.run())
        deploying = asyncio.gather(*[deploys(box, traffic, lane) for lane in range(LANES)])
        took = await restarts(box)
        traffic.over = True
        await going
        ended = await deploying

        ends = {sha: end for lane in ended for sha, end in lane.items()}
        report(
            "rolling restarts",
            restarts=len(took),
            slowest_exit=round(max(took), 2),
            merges=len(ends),
            deploys=len({end.thread_id for end in ends.values()}),
            sent=traffic.sent,
            acknowledged=len(traffic.merges) + len(traffic.mentions) + traffic.clicks.total(),
            seconds=round(time.monotonic() - began),
        )
        assert max(took) <= EXIT_SECONDS
        assert (lost(box, ends), doubled(box)) == ([], 0)
        assert set(box.target.production()) == effects_of(ends.values())
        await every_event_is_there(box, traffic)
        await until(lambda: every_click_is_answered(box, traffic), 30)
        assert max(box.outside.posted().values(), default=0) <= 1


async def every_event_is_there(box: Crashes, traffic: Traffic) -> None:
    """Fail unless what was acknowledged is in its thread, once."""
    for sha in traffic.merges:
        entries = await box.log.read(thread_id_for(REPO, "main", sha))
        assert [e.event.type for e in entries].count("thread_started") == 1
    for ts in traffic.mentions:
        entries = await box.log.read(thread_id_for(REPO, people.CHANNEL, ts))
        assert [e.event.type for e in entries].count("human_said") == 1
        assert fold(entries).origin == "mention"


async def every_click_is_answered(box: Crashes, traffic: Traffic) -> bool:
    """Tell whether each click is in its thread or was answered to the person alone."""
    stopped = 0
    for thread_id in traffic.clicks:
        entries = await box.log.read(thread_id)
        stopped += [e.event.type for e in entries].count("stop_requested")
    told = sum(whisper["user"] == CARA for whisper in box.outside.whispers)
    return stopped + told >= traffic.clicks.total()
