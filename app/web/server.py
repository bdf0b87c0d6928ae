"""How HTTP is served: what uvicorn leaves unbounded is bounded here; knows no route."""

import asyncio
from typing import cast

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_SECONDS = 5
GRACEFUL_SECONDS = 5


def server_config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """Build the configuration of the HTTP server, with every bound that it has."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHttp,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


class BoundedHttp(H11Protocol):
    """uvicorn's HTTP/1.1, where no connection waits for its client for longer than a deadline.

    uvicorn ends a silent connection only after an answer. Here one timer always runs: until the
    head of a request is there, until its answer is written, until the next head is there.
    """

    max_connections = 500
    head_seconds = 5.0
    # Longer than any door: five seconds for a body, nine for a store that does not answer.
    answer_seconds = 30.0

    _timer: asyncio.TimerHandle
    since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; one connection too many ends the one that dawdles longest."""
        super().connection_made(transport)
        self._start(self.head_seconds)
        if len(self.connections) > self.max_connections:
            every = cast("set[BoundedHttp]", self.connections)
            waiting = [one for one in every if one.waits_for_client]
            min(waiting, key=lambda one: one.since).transport.abort()

    @property
    def waits_for_client(self) -> bool:
        """Tell whether it is open, and the client that has to do something next."""
        if self.transport.is_closing():
            return False
        if not self.cycle or self.cycle.response_complete or self.cycle.more_body:
            return True
        return self.flow.write_paused

    def handle_events(self) -> None:
        """Handle what came; a complete head begins the time for its answer."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._expect(self.answer_seconds)

    def on_response_complete(self) -> None:
        """Begin to wait for the next head, however slowly the rest of this request comes."""
        self._expect(self.timeout_keep_alive + self.head_seconds)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless the answer to this request has begun."""
        if self.cycle:
            self.cycle.disconnected = True  # whoever still works on it would answer, too
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _expect(self, seconds: float) -> None:
        self._timer.cancel()
        self._start(seconds)

    def _start(self, seconds: float) -> None:
        self.since = self.loop.time()
        self._timer = self.loop.call_later(seconds, self.transport.abort)
