"""How long an acknowledgement takes at a fixed rate, beside a bare route with one XADD.

Sent by the clock, whatever the answers take (open loop), and timed from when they were due.
Every request is the merge of another commit, which is stored before it is answered.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bench.outside import Outside
from bench.people import merge_of
from bench.running import SERVE, Process, environment
from bench.shop import write_config
from bench.store import Store

PER_SECOND = 50
BARE = "bare route, one XADD"
INTAKE = "intake alone (`serve --no-worker`)"
WHOLE = "the whole service in one process"

Rounds = dict[str, list[list[float]]]


async def acks(store: Store, folder: Path, rounds: int, seconds: float) -> Rounds:
    """Measure the contenders in turn; return each one's rounds of seconds."""
    taken: Rounds = {BARE: [], INTAKE: [], WHOLE: []}
    async with Outside.run("keyed") as outside, AsyncExitStack() as stack:
        write_config(folder / "deploybot.toml", ["true"])
        env = environment(outside, store.url)
        programs = {
            BARE: ("-m", "bench.bare"),
            INTAKE: (*SERVE, "--no-worker"),
            WHOLE: SERVE,
        }
        http = await stack.enter_async_context(aiohttp.ClientSession())
        for _ in range(rounds):
            for name, program in programs.items():
                await store.empty()
                process = Process(program, env, folder)
                await process.start()
                try:
                    await _load(http, process.url, 1)  # its first requests import and connect
                    taken[name].append(await _load(http, process.url, seconds))
                finally:
                    await process.end()
    return taken


async def _load(http: aiohttp.ClientSession, url: str, seconds: float) -> list[float]:
    count = round(seconds * PER_SECOND)
    began = time.perf_counter()
    sent: list[asyncio.Task[float]] = []
    for number in range(count):
        due = began + number / PER_SECOND
        await asyncio.sleep(max(0, due - time.perf_counter()))
        sha = f"{time.time_ns():x}".rjust(40, "a")
        sent.append(asyncio.create_task(_timed(http, url, sha, due)))
    return await asyncio.gather(*sent)


async def _timed(http: aiohttp.ClientSession, url: str, sha: str, due: float) -> float:
    body, headers = merge_of(sha)
    async with http.post(f"{url}/github/webhook", data=body, headers=headers) as answer:
        assert answer.status == 202, answer.status
        await answer.read()
    return time.perf_counter() - due
