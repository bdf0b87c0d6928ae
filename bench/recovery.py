"""How long a thread stands still when the instance that works on it is killed with SIGKILL."""

import asyncio
import time
from pathlib import Path

import aiohttp

from app.redis.log import RedisLog
from bench.outside import Outside
from bench.people import People
from bench.running import instances
from bench.store import Store

SPARE_SECONDS = 5  # what the promise adds to the lease


async def recovery(store: Store, folder: Path, lease: float, kills: int) -> list[float]:
    """Kill the working one of two instances; return the seconds until its thread went on.

    The killed one was in the middle of a send, so that the other one has to find out.
    """
    seconds: list[float] = []
    for number in range(kills):
        await store.empty()
        seconds.append(await _killed(store, folder, lease, f"{number:07x}".ljust(40, "d")))
    return seconds


async def _killed(store: Store, folder: Path, lease: float, sha: str) -> float:
    log = RedisLog(store.client)
    async with (
        Outside.run("keyed") as outside,
        instances(2, outside, store.url, folder, "keyed", lease) as running,
        aiohttp.ClientSession() as http,
    ):
        people = People(log, http, sha)
        await people.merge(running[0].url)
        card = await people.card()
        outside.hang()
        await people.click(running[0].url, "approve", card)
        effect = await outside.arrivals.get()
        working = running[int(effect.instance)]
        await asyncio.sleep(lease / 2)  # at any moment between two renewals of its lease
        assert (await people.state()).running
        await working.end()
        began = time.perf_counter()
        outside.answer()
        await people.until_known(lease + 2 * SPARE_SECONDS)
        seconds = time.perf_counter() - began
        await people.card(but=card)
        assert len(outside.production()) == 1
        return seconds
