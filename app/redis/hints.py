"""Hints that something became due, from every process; a lost hint costs only waiting."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from redis.asyncio import RedisCluster

from app.redis.connect import AWAY, Client

CHANNEL = "deploybot:due"
POLL_SECONDS = 1.0
_PAUSE = 0.2


class _Subscription(Protocol):
    """What we use of redis-py's subscriptions, which it leaves untyped."""

    async def subscribe(self, channel: str) -> None: ...

    def get_message(
        self, ignore_subscribe_messages: bool, timeout: float
    ) -> Awaitable[dict[str, Any] | None]: ...

    async def aclose(self) -> None: ...


class Hints:
    """One subscription for all tasks of this process that wait; it outlives disconnects."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._count = 0
        self._arrived = asyncio.Event()
        self._noticed: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, seconds: float) -> None:
        """Return at the next hint, at the latest after `seconds`.

        A task that waited before and has missed a hint since then returns at once.
        """
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        task = asyncio.current_task()
        assert task is not None
        if self._noticed.get(task, self._count) == self._count:
            # Before Python 3.12 `wait_for` swallows a cancellation that comes with a hint.
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
        self._noticed[task] = self._count

    def expect(self, seconds: float) -> None:
        """Give a hint of our own then, if it is sooner than the poll would find out."""
        if seconds < POLL_SECONDS:
            asyncio.get_running_loop().call_later(seconds, self._announce)

    async def close(self) -> None:
        """End the subscription."""
        if self._listener is not None:
            while not self._listener.done():
                # One that meets a time-out inside the client is swallowed there.
                self._listener.cancel()
                await asyncio.wait([self._listener], timeout=_PAUSE)
            self._listener = None

    async def _listen(self) -> None:
        while True:
            with suppress(*AWAY):
                await self._receive()
            await asyncio.sleep(_PAUSE)

    async def _receive(self) -> None:
        if isinstance(self._client, RedisCluster):
            # Before that it knows no node to subscribe at.
            await self._client.initialize()
        subscription = cast("_Subscription", cast("Any", self._client).pubsub())
        try:
            await subscription.subscribe(CHANNEL)
            # What was published while nobody listened is unknown.
            self._announce()
            while True:
                # With a timeout of its own, as the connection's would end a quiet subscription.
                if await subscription.get_message(ignore_subscribe_messages=True, timeout=1):
                    self._announce()
        finally:
            await subscription.aclose()

    def _announce(self) -> None:
        self._count += 1
        self._arrived.set()
        self._arrived = asyncio.Event()
