"""A kill -9 in the middle of a tool, and one approval delivered twice: how often the tool ran."""

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from app.redis.connect import connect
from app.redis.embedded import stop_embedded
from app.redis.log import RedisLog
from bench.outside import Outside
from bench.peering import Peer, start
from bench.people import People
from bench.running import SERVE, Process, environment, instances
from bench.shop import write_config
from bench.store import Store
from tests.waiting import until

LEASE_SECONDS = 1.0
PATIENCE_SECONDS = 60
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
    await until(lambda: _lines(log) == 1, PATIENCE_SECONDS)
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
    _forget(log)
    assert await asyncio.to_thread(start(peer, "start", log).wait) == 0


def _forget(log: Path) -> None:
    for path in (log, *log.parent.glob("*.sqlite*")):
        path.unlink(missing_ok=True)


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
        outside.hang()
        await people.click(running[0].url, "approve", card)
        effect = await outside.arrivals.get()
        await running[int(effect.instance)].end()
        outside.answer()
        await people.until_known(PATIENCE_SECONDS)
        return len(outside.production()), await _told(people)


async def _told(people: People) -> str:
    state = await people.state()
    return "people are asked: unknown" if state.unknown else "it succeeded"


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
    lines = folder / "killed.txt"
    script = f"import time; open({str(lines)!r}, 'a').write('deployed\\n'); time.sleep(3)"
    write_config(folder / "deploybot.toml", [sys.executable, "-c", script])
    redis = folder / ".deploybot" / "redis"
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stop_embedded, redis)
        outside = await stack.enter_async_context(Outside.run("keyed"))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        process = Process(SERVE, environment(outside, "", LEASE_SECONDS), folder)
        stack.push_async_callback(process.end)
        await process.start()
        log = RedisLog(connect(f"unix://{redis}/redis.sock"))
        stack.push_async_callback(log.close)
        people = People(log, http, SHA)
        await people.merge(process.url)
        await people.click(process.url, "approve", await people.card())
        await until(lambda: _lines(lines) == 1, PATIENCE_SECONDS)
        await process.end()
        await process.start()
        await people.until_known(PATIENCE_SECONDS)
        return Verdict(_lines(lines), await _told(people), None)
