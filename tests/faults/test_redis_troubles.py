"""Deploys while Redis is killed, full, cut off or deaf at random: nothing lost, nothing doubled."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.core.errors import StoreUnavailable
from tests.chance import SEED, SOAK, report
from tests.crash.crashes import Crashes
from tests.faults.doors import service_behind
from tests.faults.proxy import Proxy
from tests.faults.stores import OwnServer, is_ours, one_server
from tests.forks import Zygote

TROUBLES = 100 if SOAK else 8
SHORT = 0.3
INSTANCES = 2

Trouble = Callable[[OwnServer, Proxy], Awaitable[None]]


async def killed(server: OwnServer, proxy: Proxy) -> None:
    server.kill()
    await server.start()


async def full(server: OwnServer, proxy: Proxy) -> None:
    await server.fill()
    await asyncio.sleep(SHORT)
    await server.widen()


async def cut_off(server: OwnServer, proxy: Proxy) -> None:
    await proxy.go()
    await asyncio.sleep(SHORT)
    await proxy.come_back()


async def deaf(server: OwnServer, proxy: Proxy) -> None:
    """Lose more replies than are repeated."""
    proxy.drop_replies(9, is_ours)


TROUBLE: dict[str, Trouble] = {
    "killed": killed,
    "full": full,
    "cut off": cut_off,
    "deaf": deaf,
}


class Troubles:
    """Brings trouble at random times, so many times."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._random = random.Random(SEED)
        self.count = 0

    @property
    def enough(self) -> bool:
        return self.count >= TROUBLES

    async def run(self, server: OwnServer, proxy: Proxy) -> None:
        while not self.enough:
            await asyncio.sleep(self._random.uniform(0.05, 0.8))
            await self._trouble(server, proxy)
            self.count += 1


async def plays(box: Crashes, sha: str) -> None:
    """Deploy a commit; whoever cannot reach Redis tries again, also we."""
    async with asyncio.timeout(150):
        while True:
            try:
                await box.deploy(sha).plays(seconds=60)
                return
            except StoreUnavailable:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("recovery", ["keyed", "blind"])
@pytest.mark.parametrize("what", TROUBLE)
async def test_loses_and_doubles_nothing(
    tmp_path: Path, own_server: OwnServer, zygote: Zygote, what: str, recovery: str
) -> None:
    troubles = Troubles(TROUBLE[what])
    shas: list[str] = []
    address = ("127.0.0.1", own_server.port)
    async with (
        one_server(address, own_server.url) as store,
        service_behind(store, tmp_path, recovery, zygote, INSTANCES) as box,
    ):
        [proxy] = store.proxies
        troubling = asyncio.create_task(troubles.run(own_server, proxy))
        while not troubles.enough or not shas:
            shas.append(f"{len(shas):07x}".ljust(40, "0"))
            await plays(box, shas[-1])
        await troubling
        wanted = [
            f"production {name} {sha[:7]}" for sha in shas for name in ("backend", "frontend")
        ]
        happened = Counter(box.target.production())
        report(f"Redis {what}, {recovery}", seed=SEED, troubles=troubles.count, deploys=len(shas))
        assert happened == Counter(wanted)
        assert recovery == "keyed" or max(box.target.starts.values()) == 1
        assert max(box.outside.posted().values()) == 1
