"""A client that waits for each answer, so that a command costs no round of an event loop."""

import socket
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from app.redis.connect import connect

_pack: Callable[[tuple[object, ...]], bytes] = cast("Any", hiredis).pack_command


class BlockingClient(Redis):
    """Sends over a socket that blocks: nothing else is to happen meanwhile.

    Server, scripts and answers are those of the service's own client, which takes four times as
    long for a command.
    """

    def __init__(self, url: str) -> None:
        own = cast("Any", connect(url))
        cast("Any", super()).__init__(connection_pool=own.connection_pool)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(url.removeprefix("unix://"))
        self._reader = hiredis.Reader(encoding="utf-8", replyError=_refused)
        self._sent("HELLO", 3)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command and return its answer."""
        name, *rest = args
        answer = self._sent(*name.split(), *rest)
        parsed = cast("Any", self.response_callbacks).get(name)
        return parsed(answer, **options) if parsed else answer

    def _sent(self, *command: Any) -> Any:
        self._socket.sendall(_pack(command))
        while (answer := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connection."""
        self._socket.close()
        await super().aclose(close_connection_pool)


def _refused(text: str) -> ResponseError:
    kind = NoScriptError if text.startswith("NOSCRIPT") else ResponseError
    return kind(text.removeprefix("NOSCRIPT "))
