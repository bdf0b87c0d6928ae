"""How every door reads a request's body: in time, and never more than it may be."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

READ_SECONDS = 10


class Refused(Exception):
    """Refuse a request with a status and a sentence, which holds nothing of its body."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


async def read_body(request: Request, megabytes: int) -> bytes:
    """Return the body; raise `Refused` (400, 408, 413) for one that is cut, slow or too large."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _capped(request, megabytes)
    except TimeoutError:
        raise Refused(408, "The body came too slowly.") from None
    except ClientDisconnect:
        raise Refused(400, "The body ended early.") from None


async def _capped(request: Request, megabytes: int) -> bytes:
    """Read the body, and stop reading at the cap whatever the length was said to be."""
    most = megabytes * 1024 * 1024
    too_large = Refused(413, f"The body is larger than {megabytes} MB.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)
