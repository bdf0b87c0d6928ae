"""A proxy of ours that makes a connection fail; it knows bytes, not what they mean."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Address = Path | tuple[str, int]
Fault = Literal["lose request", "lose reply", "half reply"]
Matches = Callable[[bytes], bool]
_CHUNK = 1 << 20


def anything(_: bytes) -> bool:
    """Match every request."""
    return True


@dataclass
class _Order:
    """A fault that is still to happen so many times."""

    fault: Fault
    when: Matches
    left: int


class Proxy:
    """Forwards a port of loopback to a server, and does to it what a test says.

    It takes bytes that arrive together for one request, and the next ones that come back for its
    reply, so that it suits what is asked and answered in turn: Redis, HTTP.
    """

    def __init__(self, server: Address, port: int = 0) -> None:
        self.delay = 0.0
        """Seconds that every reply takes longer."""
        self.done = 0
        """How many faults that were ordered have happened."""
        self._server = server
        self._orders: list[_Order] = []
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._listener: asyncio.Server | None = None
        # Bound and never listening: while we refuse, nobody else gets the port.
        self._holder = _bound(port)
        self.port: int = self._holder.getsockname()[1]

    def drop_requests(self, count: int = 1, when: Matches = anything) -> None:
        """Let the next matching requests not reach the server, and cut their connections."""
        self.order("lose request", count, when)

    def drop_replies(self, count: int = 1, when: Matches = anything) -> None:
        """Let the next matching requests reach the server, but lose the replies, and cut."""
        self.order("lose reply", count, when)

    def halve_replies(self, count: int = 1, when: Matches = anything) -> None:
        """Cut the connections of the next matching requests in the middle of the reply."""
        self.order("half reply", count, when)

    def forget(self) -> None:
        """Forget the faults that were ordered and have not happened."""
        self._orders.clear()

    def cut(self) -> None:
        """Cut all connections; new ones are welcome."""
        for connection in self._connections:
            connection.cut()

    async def go(self) -> None:
        """Be gone: cut all connections, refuse new ones."""
        if self._listener:
            listener, self._listener = self._listener, None
            listener.close()
            self.cut()
            await listener.wait_closed()

    async def come_back(self) -> None:
        """Be there, at the same port."""
        self._listener = await asyncio.start_server(
            self._accept, sock=_bound(self.port), limit=_CHUNK
        )

    async def close(self) -> None:
        """End it."""
        await self.go()
        self._holder.close()
        await asyncio.gather(*self._connections.values())

    def ordered(self, request: bytes) -> Fault | None:
        """Take the fault that was ordered for this request."""
        for order in self._orders:
            if order.left and order.when(request):
                order.left -= 1
                return order.fault
        return None

    def order(self, fault: Fault, count: int = 1, when: Matches = anything) -> None:
        """Let a fault happen to the next matching requests; see `drop_requests` and others."""
        self._orders.append(_Order(fault, when, count))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        if self._listener is None:
            connection.cut()
            return
        task = asyncio.create_task(connection.forward(self._server))
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._connections.pop(connection))


class _Connection:
    """One connection of a client, and ours to the server."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writers = [writer]
        self._fault: Fault | None = None

    async def forward(self, server: Address) -> None:
        """Forward both ways until either end is cut."""
        try:
            reader, writer = await _connected(server)
        except OSError:
            self.cut()
            return
        self._writers.append(writer)
        pumps = [
            asyncio.create_task(self._requests(writer)),
            asyncio.create_task(self._replies(reader)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self.cut()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def cut(self) -> None:
        """Cut both sides at once."""
        for writer in self._writers:
            writer.transport.abort()

    async def _requests(self, server: asyncio.StreamWriter) -> None:
        while request := await self._reader.read(_CHUNK):
            self._fault = self._proxy.ordered(request) or self._fault
            if self._fault == "lose request":
                self._proxy.done += 1
                return
            server.write(request)
            await server.drain()

    async def _replies(self, server: asyncio.StreamReader) -> None:
        client = self._writers[0]
        while reply := await server.read(_CHUNK):
            await asyncio.sleep(self._proxy.delay)
            if self._fault is not None:
                self._proxy.done += 1
                if self._fault == "half reply":
                    client.write(reply[: len(reply) // 2])
                    await client.drain()
                    client.close()
                    await client.wait_closed()
                return
            client.write(reply)
            await client.drain()


@asynccontextmanager
async def proxy_to(server: Address, port: int = 0) -> AsyncGenerator[Proxy]:
    """Run a proxy in front of a TCP address or a Unix socket, at a free port or at this one."""
    proxy = Proxy(server, port)
    await proxy.come_back()
    try:
        yield proxy
    finally:
        await proxy.close()


def _bound(port: int) -> socket.socket:
    # With its protocol named, asyncio sets TCP_NODELAY on what it accepts.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


async def _connected(server: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(server, Path):
        return await asyncio.open_unix_connection(server, limit=_CHUNK)
    return await asyncio.open_connection(*server, limit=_CHUNK)
