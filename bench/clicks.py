"""How long after a click its execution starts, with several instances on one store."""

import asyncio
import time
from pathlib import Path

import aiohttp

from app.redis.log import RedisLog
from bench.outside import Outside
from bench.people import People
from bench.running import instances
from bench.shop import SERVICES
from bench.store import Store

INSTANCES = 3
# People need longer; without a pause the click would meet the work that its own card made.
PAUSE_SECONDS = 0.2


async def clicks(store: Store, folder: Path, deploys: int) -> list[float]:
    """Approve every card of some deploys; return the seconds from the click to the target."""
    log, seconds = RedisLog(store.client), list[float]()
    async with (
        Outside.run("keyed") as outside,
        instances(INSTANCES, outside, store.url, folder, "keyed") as running,
        aiohttp.ClientSession() as http,
    ):
        for number in range(deploys):
            people = People(log, http, f"{number:07x}".ljust(40, "c"))
            await people.merge(running[number % INSTANCES].url)
            card = ""
            for nth in range(len(SERVICES)):
                card = await people.card(but=card)
                await asyncio.sleep(PAUSE_SECONDS)
                url = running[(number + nth) % INSTANCES].url
                seconds.append(await _approved(outside, people, url, card))
    return seconds


async def _approved(outside: Outside, people: People, url: str, card: str) -> float:
    began = time.perf_counter()
    click = asyncio.create_task(people.click(url, "approve", card))
    effect = await outside.arrivals.get()
    assert await click == 200
    return effect.at - began
