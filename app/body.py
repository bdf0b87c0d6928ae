"""How every door reads a request's body: in time, not too large, and not too many at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import Request, Response
from starlette.requests import ClientDisconnect

# Slack waits three seconds for its answer and GitHub ten: later, nobody would hear it.
READ_SECONDS = 5
MAX_AT_ONCE = 200
MEGABYTE = 1024 * 1024
# A body larger than the first is refused while all of a door are larger than the second.
SMALL_BODY = MEGABYTE // 16
ROOM_FOR_BODIES = 64 * MEGABYTE
RETRY_AFTER_SECONDS = 5


class Refused(Exception):
    """Refuse a request with a status and a sentence, which holds nothing of its body."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence

    def answer(self) -> Response:
        """Return what the client is told; 503 is worth another try."""
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if self.status == 503 else None
        return Response(f"{self.sentence}\n", self.status, headers, media_type="text/plain")


class Door:
    """Lets in a bounded number of requests, and of bytes, at once.

    A request counts when its body is there, so clients that send slowly keep nobody out.
    """

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self._inside = 0
        self._bytes = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncGenerator[bytes]:
        """Give the body while the request is answered.

        Raise `Refused` for one that is cut (400), slow (408) or too large (413), and where there
        are too many (503).
        """
        body = bytearray()
        try:
            await self._fill_in_time(body, request)
            if self._inside >= MAX_AT_ONCE:
                raise _crowded()
            self._inside += 1
            try:
                yield bytes(body)
            finally:
                self._inside -= 1
        finally:
            self._bytes -= len(body)

    async def _fill_in_time(self, body: bytearray, request: Request) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._fill(body, request)
        except TimeoutError:
            raise Refused(408, "The body came too slowly.") from None
        except ClientDisconnect:
            raise Refused(400, "The body ended early.") from None

    async def _fill(self, body: bytearray, request: Request) -> None:
        """Read the body, and stop reading at the cap whatever the length was said to be."""
        most = self._megabytes * MEGABYTE
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > most:
            raise self._too_large()
        async for chunk in request.stream():
            body += chunk
            self._bytes += len(chunk)
            if len(body) > most:
                raise self._too_large()
            if len(body) > SMALL_BODY and self._bytes > ROOM_FOR_BODIES:
                raise _crowded()

    def _too_large(self) -> Refused:
        return Refused(413, f"The body is larger than {self._megabytes} MB.")


def _crowded() -> Refused:
    return Refused(503, "There are too many requests at once: send this again later.")
