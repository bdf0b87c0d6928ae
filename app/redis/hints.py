"""Hints that something became due, from every process; a lost hint costs only waiting."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Protocol, cast

from redis.asyncio import RedisCluster

from app.core.ports import Queue
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


class _Line:
    """The tasks that wait for one queue; a call wakes the first of them."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._unheard = False

    def call(self) -> None:
        """Wake one task; if none waits, the next one does not have to."""
        while self._waiting:
            call = self._waiting.popleft()
            if not call.done():  # else its time was up just now
                call.set_result(None)
                self._unheard = False
                return
        self._unheard = True

    async def wait(self, seconds: float) -> None:
        """Return when it is called, at the latest after `seconds`."""
        if self._unheard:
            self._unheard = False
            return
        call = asyncio.get_running_loop().create_future()
        self._waiting.append(call)
        try:
            # Before Python 3.12 `wait_for` swallows a cancellation that comes with a call.
            async with asyncio.timeout(seconds):
                await call
        except TimeoutError:
            return
        except asyncio.CancelledError:
            if not call.cancelled():
                self.call()  # it was for whoever is there
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(call)


class Hints:
    """One subscription for all tasks of this process that wait; it outlives disconnects.

    A hint wakes one task of each queue. Who finds work there wakes the next (`call`), so that no
    more tasks ask the store than there is work for, and one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lines: Mapping[Queue, _Line] = {"work": _Line(), "slack": _Line()}
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, queue: Queue, seconds: float) -> None:
        """Return when there may be work in a queue, at the latest after `seconds`."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        await self._lines[queue].wait(seconds)

    def call(self, queue: Queue) -> None:
        """Wake one task that waits for a queue."""
        self._lines[queue].call()

    def expect(self, queue: Queue, seconds: float) -> None:
        """Wake one then, if it is sooner than the poll would find out."""
        if seconds < POLL_SECONDS:
            asyncio.get_running_loop().call_later(seconds, self.call, queue)

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
            async with asyncio.timeout(POLL_SECONDS):
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
        for line in self._lines.values():
            line.call()
