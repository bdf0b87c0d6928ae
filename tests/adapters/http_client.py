"""A client of bare sockets, for what no HTTP library would send."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.adapters.github_bodies import signed

STATUS = b"HTTP/1.1 "


@dataclass
class Line:
    """One connection to the service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes; a service that ended the connection is no error."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def trickle(self, data: bytes, every: float) -> None:
        """Send one byte after the other, slowly, until the service ends the connection."""
        for number in range(len(data)):
            if self.reader.at_eof() or self.writer.is_closing():
                return
            await self.send(data[number : number + 1])
            await asyncio.sleep(every)

    async def rest(self, seconds: float = 15) -> bytes:
        """Return what comes until the service ends the connection; fail if it does not."""
        received = b""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    received += piece
        return received

    async def answer(self, seconds: float = 15) -> int:
        """Return the status of the next answer, 0 if the connection ends without one."""
        async with asyncio.timeout(seconds):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0
        return status_of(head)


def status_of(head: bytes) -> int:
    """Return the status of an answer, 0 if there is none."""
    return int(head[len(STATUS) :][:3]) if head.startswith(STATUS) else 0


@asynccontextmanager
async def line(port: int) -> AsyncGenerator[Line]:
    """Connect to a service on loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


def get(path: str = "/healthz", more: bytes = b"") -> bytes:
    """Return a whole request without a body."""
    return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: bot\r\n" + more + b"\r\n"


def delivery(body: bytes, length: int | None = None) -> bytes:
    """Return the head of a signed webhook; `length` is announced instead of the body's own."""
    fields = signed(body) | {"Content-Length": str(len(body) if length is None else length)}
    lines = [f"{name}: {value}\r\n" for name, value in fields.items()]
    return b"POST /github/webhook HTTP/1.1\r\nHost: bot\r\n" + "".join(lines).encode() + b"\r\n"
