"""A service behind proxies, and deliveries at its doors: how each is answered, and how fast."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.crash.crashes import LEASE_SECONDS, Crashes, crashes
from tests.crash.deploy import to
from tests.crash.people import Delivery
from tests.faults.stores import Store
from tests.forks import Zygote


@dataclass(frozen=True)
class Answered:
    """What a delivery was answered with, after how many seconds."""

    status: int
    seconds: float


async def deliver(box: Crashes, delivery: Delivery, instance: int = 0) -> Answered:
    """Deliver once, as patiently as GitHub is."""
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=10, verify=False) as client:
        answer = await to(delivery)(client, box.services[instance])
    return Answered(answer.status_code, time.monotonic() - began)


async def readiness(box: Crashes, instance: int = 0) -> tuple[int, str]:
    """Return what an instance says of being ready."""
    async with httpx.AsyncClient(timeout=10, verify=False) as client:
        answer = await client.get(box.services[instance].url("/readyz"))
    return answer.status_code, answer.text


@asynccontextmanager
async def service_behind(
    store: Store,
    folder: Path,
    recovery: str,
    zygote: Zygote,
    instances: int = 1,
    lease: float = LEASE_SECONDS,
) -> AsyncGenerator[Crashes]:
    """Run instances of the service that reach the store through its proxies; we go past them."""
    async with crashes(folder, store.url, recovery, zygote, lease) as box:
        await box.log.close()
        box.log = RedisLog(connect(store.direct), lease)
        await box.start(*[None] * instances)
        yield box
