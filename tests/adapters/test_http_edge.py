"""The HTTP server on loopback: clients that dawdle, crowd, or speak no HTTP."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import FastAPI, Response

from app.body import MAX_AT_ONCE, ROOM_FOR_BODIES
from app.core.ports import Look, Write
from app.demo.child import free_port
from app.github.edge import MAX_BODY_MEGABYTES, github_routes
from app.web.server import BoundedHttp, server_config
from tests.adapters.github_bodies import SECRET, encoded, merged
from tests.adapters.http_client import delivery, get, line, status_of
from tests.fakes import FakeLog
from tests.shop import repo_config
from tests.waiting import until

BODY = encoded(merged())
HEAD = b"POST /github/webhook HTTP/1.1\r\nHost: bot\r\n"
MB = 2**20


class Hasty(BoundedHttp):
    """The same with shorter times, and room for fewer."""

    max_connections = 20
    head_seconds = 0.3
    answer_seconds = 1.0


class SlowLog(FakeLog):
    """A log whose store takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.goes_on = asyncio.Event()

    async def append(self, write: Write) -> Look | None:
        self.asked += 1
        await self.goes_on.wait()
        return await super().append(write)


@dataclass
class Service:
    """A running server."""

    port: int
    server: uvicorn.Server

    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self.server.server_state.connections)

    async def is_well(self) -> bool:
        """Tell whether somebody else is answered."""
        async with line(self.port) as other:
            await other.send(get())
            return await other.answer() == 200


@asynccontextmanager
async def served(
    http: type[BoundedHttp] = Hasty, log: FakeLog | None = None
) -> AsyncGenerator[Service]:
    """Serve GitHub's door, and a page that is too long for the buffers on the way."""
    app = FastAPI()
    app.include_router(github_routes([SECRET], {"acme/shop": repo_config()}, log or FakeLog()))

    @app.get("/healthz")
    async def healthz() -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response("ok")

    @app.get("/long")
    async def long() -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(b"x" * 8 * MB)

    config = server_config(app, "127.0.0.1", free_port())
    config.http, config.timeout_keep_alive, config.lifespan = http, 1, "off"
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield Service(config.port, server)
    finally:
        server.should_exit = True
        await serving


# Clients that dawdle.


async def test_a_client_that_says_nothing_is_hung_up_on() -> None:
    async with served() as service, line(service.port) as silent:
        assert await silent.rest() == b""


async def test_a_head_that_comes_slowly_is_hung_up_on() -> None:
    async with served() as service, line(service.port) as slow:
        await slow.trickle(get(more=b"x-slow: " + b"1" * 200 + b"\r\n"), every=0.02)
        assert await slow.rest() == b""


async def test_a_second_head_that_comes_slowly_is_hung_up_on() -> None:
    async with served() as service, line(service.port) as slow:
        await slow.send(get())
        assert await slow.answer() == 200
        await slow.trickle(get(more=b"x-slow: " + b"1" * 200 + b"\r\n"), every=0.02)
        assert b"HTTP/1.1" not in await slow.rest()


async def test_a_body_that_comes_slowly_is_408() -> None:
    async with served(BoundedHttp) as service, line(service.port) as slow:
        await slow.send(delivery(BODY, length=1000) + b"{")
        assert await slow.answer() == 408


async def test_a_body_that_goes_on_after_its_answer_is_hung_up_on() -> None:
    async with served() as service, line(service.port) as slow:
        await slow.send(
            b"POST /github/webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 900\r\n\r\n"
        )
        assert await slow.answer() == 401
        await slow.trickle(b"x" * 200, every=0.02)
        await slow.rest()


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async with served() as service, line(service.port) as deaf:
        await deaf.send(get("/long") * 3)
        await until(lambda: service.connections() == 1)
        await until(lambda: service.connections() == 0)


async def test_an_idle_connection_is_closed_after_its_answer() -> None:
    async with served() as service, line(service.port) as idle:
        await idle.send(get())
        assert await idle.answer() == 200
        await idle.rest()


async def test_what_was_sent_before_hanging_up_is_stored() -> None:
    log = FakeLog()
    async with served(log=log) as service, line(service.port) as half:
        await half.send(delivery(BODY) + BODY)
        half.writer.write_eof()
        await half.rest()
        await until(lambda: log.threads("acme/shop", 1))


async def test_pipelined_requests_are_answered_in_turn() -> None:
    async with served() as service, line(service.port) as piped:
        await piped.send((get() + get("/nowhere")) * 50)
        answers = await piped.rest()
        assert answers.count(b"HTTP/1.1 200") == answers.count(b"HTTP/1.1 404") == 50


# Crowds.


async def test_one_connection_too_many_ends_the_one_that_dawdles_longest() -> None:
    class Patient(Hasty):
        head_seconds = 60

    async with served(Patient) as service, AsyncExitStack() as stack:
        first = await stack.enter_async_context(line(service.port))
        await until(service.connections)
        coming = (stack.enter_async_context(line(service.port)) for _ in range(60))
        *_, last = await asyncio.gather(*coming)
        await until(lambda: service.connections() <= Hasty.max_connections)
        assert await service.is_well()
        assert await first.rest() == b""
        await last.send(get())
        assert await last.answer() == 200


async def test_whom_the_service_works_for_is_not_hung_up_on() -> None:
    log = SlowLog()
    async with served(log=log) as service, AsyncExitStack() as stack:
        first = await stack.enter_async_context(line(service.port))
        await first.send(delivery(BODY) + BODY)
        await until(lambda: log.asked)
        for _ in range(60):
            await stack.enter_async_context(line(service.port))
        log.goes_on.set()
        assert await first.answer() == 202


async def test_more_requests_at_once_than_the_cap_are_503_and_worth_another_try() -> None:
    log = SlowLog()
    async with served(BoundedHttp, log) as service, AsyncExitStack() as stack:
        inside = [await stack.enter_async_context(line(service.port)) for _ in range(MAX_AT_ONCE)]
        for one in inside:
            await one.send(delivery(BODY) + BODY)
        await until(lambda: log.asked == MAX_AT_ONCE)
        outside = await stack.enter_async_context(line(service.port))
        await outside.send(delivery(BODY) + BODY)
        head = await outside.reader.readuntil(b"\r\n\r\n")
        assert status_of(head) == 503
        assert b"retry-after: 5\r\n" in head
        assert await service.is_well()
        log.goes_on.set()
        assert sorted([await one.answer() for one in inside])[-1] == 202
        await outside.send(delivery(BODY) + BODY)
        assert b"503" not in await outside.rest()


async def test_slow_bodies_keep_nobody_out() -> None:
    async with served(BoundedHttp) as service, AsyncExitStack() as stack:
        for _ in range(MAX_AT_ONCE + 20):
            slow = await stack.enter_async_context(line(service.port))
            await slow.send(delivery(BODY, length=1000) + b"{")
        prompt = await stack.enter_async_context(line(service.port))
        await prompt.send(delivery(BODY) + BODY)
        assert await prompt.answer() == 202


async def test_large_bodies_find_room_only_for_some_and_small_ones_always() -> None:
    most = MAX_BODY_MEGABYTES * MB
    async with served(BoundedHttp) as service, AsyncExitStack() as stack:
        for _ in range(ROOM_FOR_BODIES // most):
            large = await stack.enter_async_context(line(service.port))
            await large.send(delivery(BODY, length=most) + b" " * (most - 1))
        third = await stack.enter_async_context(line(service.port))
        await third.send(delivery(BODY, length=most) + b" " * (most - 1))
        assert await third.answer() == 503
        small = await stack.enter_async_context(line(service.port))
        await small.send(delivery(BODY) + BODY)
        assert await small.answer() == 202


# What is no HTTP, or hardly.

UPGRADE = b"Connection: upgrade\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
SIGNED = delivery(BODY, length=0).replace(b"Content-Length: 0\r\n\r\n", b"")
ODD = {
    "noise": bytes(range(256)),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "http/0.9": b"GET /healthz\r\n\r\n",
    "http/3.7": b"GET /healthz HTTP/3.7\r\nHost: bot\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "method": b"EXPLODE /github/webhook HTTP/1.1\r\nHost: bot\r\n\r\n",
    "connect": b"CONNECT bot:443 HTTP/1.1\r\nHost: bot\r\n\r\n",
    "options": b"OPTIONS * HTTP/1.1\r\nHost: bot\r\n\r\n",
    "address": b"GET http://elsewhere/healthz HTTP/1.1\r\nHost: bot\r\n\r\n",
    "percent": get("/%ff%00%zz/../..//healthz"),
    "query": get("/healthz?" + "a=b&" * 2000),
    "long line": get("/" + "a" * 60_000),
    "huge head": get(more=b"x-huge: " + b"1" * 200_000 + b"\r\n"),
    "many fields": get(more=b"x-many: 1\r\n" * 1000),
    "folded": get(more=b"x-fold: 1\r\n  2\r\n"),
    "nul in a field": get(more=b"x-nul: a\0b\r\n"),
    "bare newlines": b"GET /healthz HTTP/1.1\nHost: bot\n\n",
    "upgrade": get(
        more=b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n"
    ),
    "h2c": get(more=b"Connection: upgrade\r\nUpgrade: h2c\r\n"),
    "expect": HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "another expectation": HEAD + b"Expect: more\r\nContent-Length: 3\r\n\r\nabc",
    "negative length": HEAD + b"Content-Length: -5\r\n\r\n",
    "length of words": SIGNED + b"Content-Length: many\r\n\r\n",
    "huge length": SIGNED + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": SIGNED + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "chunked and a length": SIGNED
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "another coding": SIGNED + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": SIGNED + CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "negative chunk": SIGNED + CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "huge chunk": SIGNED + CHUNKED + b"f" * 30 + b"\r\nabc",
    "endless chunk extension": SIGNED + CHUNKED + b"3;" + b"x" * 90_000,
    "bad chunk after the answer": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    + b"zz\r\n",
    "trailers": SIGNED + CHUNKED + b"0\r\nX-Trailer: 1\r\n\r\n",
    "cut body": delivery(BODY) + BODY[:40],
}


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD.keys())
async def test_odd_requests_are_refused_or_answered_and_end(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with served() as service, line(service.port) as odd:
        await odd.send(sent)
        head = await odd.rest()
        assert 0 <= status_of(head) < 500
        assert await service.is_well()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_noise_after_an_early_answer_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as service, line(service.port) as odd:
        await odd.send(HEAD + CHUNKED + b"1\r\na\r\n")
        assert await odd.answer() == 401
        await odd.send(b"zz\r\nabc\r\n")
        await odd.rest()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []
