"""A kill -9 in the middle of a tool, and one approval delivered twice: how often the tool ran."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from app.redis.log import RedisLog
from app.redis.connect import connect
from bench.outside import Outside
from bench.peering import Peer, start
from bench.people import People
from bench.running import SERVE, Process, environment, instances
from bench.shop import write_config
from bench.store import Store
from tests.waiting import until

LEASE_SECONDS = 1.0
# The tool of those that are killed would take longer than anybody waits here.
LONG_SECONDS = 60
SHORT_SECONDS = 1.0
SHA = "4af9ec0" + "0" * 33


@dataclass(frozen=True)
class Verdict:
    """How often the tool ran, and what its people are told; None: not tried."""

    killed: int
    told: str
    twice: int | None


async def peer(peer: Peer, store: Store, folder: Path) -> Verdict:
    """Try a framework: killed and resumed as documented; and two processes with one approval."""
    return Verdict(
        killed=await _peer_killed(peer, store, folder / "killed.txt"),
        told="",
        twice=await _peer_twice(peer, store, folder / "twice.txt"),
    )


async def _peer_killed(peer: Peer, store: Store, log: Path) -> int:
    await _peer_starts(peer, store, log)
    working = start(peer, "approve", log, LONG_SECONDS)
    await until(lambda: _lines(log) == 1, 30)
    working.kill()
    await asyncio.to_thread(working.wait)
    assert await asyncio.to_thread(start(peer, "resume", log).wait) == 0
    return _lines(log)


async def _peer_twice(peer: Peer, store: Store, log: Path) -> int:
    await _peer_starts(peer, store, log)
    both = [start(peer, "approve", log, SHORT_SECONDS) for _ in range(2)]
    for process in both:
        await asyncio.to_thread(process.wait)
    return _lines(log)


async def _peer_starts(peer: Peer, store: Store, log: Path) -> None:
    """Begin anew, and come to the pause."""
    await store.empty()
    for path in log.parent.glob("*.sqlite*"):
        path.unlink()
    log.unlink(missing_ok=True)
    assert await asyncio.to_thread(start(peer, "start", log).wait) == 0


def _lines(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


async def ours(recovery: str, store: Store, folder: Path) -> Verdict:
    """Try ours on a target of a class; two instances, and an approver who clicks twice."""
    killed, told = await _killed(recovery, store, folder)
    return Verdict(killed, told, await _clicked_twice(recovery, store, folder))


async def _killed(recovery: str, store: Store, folder: Path) -> tuple[int, str]:
    await store.empty()
    async with (
        Outside.run(recovery) as outside,
        instances(2, outside, store.url, folder, recovery, LEASE_SECONDS) as running,
        aiohttp.ClientSession() as http,
    ):
        people = People(RedisLog(store.client), http, SHA)
        await people.merge(running[0].url)
        card = await people.card()
        outside.hangs = True
        await people.click(running[0].url, "approve", card)
        await until(lambda: outside.production())
        await running[int(outside.production()[0].instance)].end()
        outside.hangs = False
        return await _settled(people, outside)


async def _settled(people: People, outside: Outside) -> tuple[int, str]:
    async def settled() -> bool:
        return (await people.state()).running is None

    await until(settled, 30)
    told = "people are asked" if (await people.state()).unknown else "it succeeded"
    return len(outside.production()), told


async def _clicked_twice(recovery: str, store: Store, folder: Path) -> int:
    await store.empty()
    async with (
        Outside.run(recovery) as outside,
        instances(2, outside, store.url, folder, recovery) as running,
        aiohttp.ClientSession() as http,
    ):
        people = People(RedisLog(store.client), http, SHA)
        await people.merge(running[0].url)
        card = await people.card()
        both = [people.click(process.url, "approve", card) for process in running]
        assert await asyncio.gather(*both) == [200, 200]
        await people.card(but=card)
        await until(lambda: outside.whispers)
        return len(outside.production())


async def command(folder: Path) -> Verdict:
    """Try ours with a program that is started here, and the embedded store: nothing else runs."""
    log = folder / "killed.txt"
    script = f"import time; open({str(log)!r}, 'a').write('deployed\\n'); time.sleep(3)"
    write_config(folder / "deploybot.toml", [sys.executable, "-c", script])
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(Outside.run("keyed"))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        process = Process(SERVE, environment(outside, "", LEASE_SECONDS), folder)
        stack.push_async_callback(process.end, *_GENTLY)
        await process.start()
        store = f"unix://{folder}/.deploybot/redis/redis.sock"
        people = People(RedisLog(connect(store)), http, SHA)
        await people.merge(process.url)
        await people.click(process.url, "approve", await people.card())
        await until(lambda: _lines(log) == 1, 30)
        await process.end()
        await process.start()

        async def settled() -> bool:
            return bool((await people.state()).effects)

        await until(settled, 30)
        return Verdict(_lines(log), "it succeeded", None)
