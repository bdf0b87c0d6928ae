"""Waiting for what another task or process does."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

import httpx


async def until(predicate: Callable[[], object | Awaitable[object]], seconds: float = 10) -> None:
    """Return when the predicate (plain or async) holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await _holds(predicate):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {inspect.getsource(predicate).strip()}")
        await asyncio.sleep(0.01)


async def is_ready(url: str) -> bool:
    """Tell whether a service at this address says that it is ready."""
    try:
        async with httpx.AsyncClient(verify=False) as client:  # else slow to build
            return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _holds(predicate: Callable[[], object | Awaitable[object]]) -> bool:
    answer = predicate()
    return bool(await answer) if inspect.isawaitable(answer) else bool(answer)
