"""The proxy that the other tests of this folder believe in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy, proxy_to


class Echo:
    """Answers each line with itself, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo, tmp_path: Path) -> AsyncIterator[Proxy]:
    socket = tmp_path / "echo"
    async with await asyncio.start_unix_server(echo.serve, socket), proxy_to(socket) as proxy:
        yield proxy


async def ask(proxy: Proxy, line: bytes) -> bytes:
    """Ask on a connection of its own; return all that came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(line)
        answer = await reader.readline()
    finally:
        writer.close()
    return answer


async def test_forwards(proxy: Proxy, echo: Echo) -> None:
    assert await ask(proxy, b"hello\n") == b"hello\n"


async def test_forwards_to_a_port(proxy: Proxy) -> None:
    async with proxy_to(("127.0.0.1", proxy.port)) as second:
        assert await ask(second, b"hello\n") == b"hello\n"


async def test_drops_the_replies_to_what_matches(proxy: Proxy, echo: Echo) -> None:
    proxy.drop_replies(1, lambda request: b"b" in request)
    answers = [await ask(proxy, line) for line in (b"a\n", b"b\n", b"b\n")]
    assert answers == [b"a\n", b"", b"b\n"]
    assert echo.heard == [b"a\n", b"b\n", b"b\n"]
    assert proxy.done == 1


async def test_drops_requests(proxy: Proxy, echo: Echo) -> None:
    proxy.drop_requests(1)
    assert [await ask(proxy, b"a\n"), await ask(proxy, b"b\n")] == [b"", b"b\n"]
    assert echo.heard == [b"b\n"]


async def test_halves_a_reply(proxy: Proxy, echo: Echo) -> None:
    proxy.halve_replies(1)
    assert await ask(proxy, b"abcdefg\n") == b"abcd"


async def test_delays_replies(proxy: Proxy) -> None:
    proxy.delay = 0.05
    before = asyncio.get_running_loop().time()
    assert await ask(proxy, b"a\n") == b"a\n"
    assert asyncio.get_running_loop().time() - before >= 0.05


async def test_cuts_what_is_open(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"a\n")
    await reader.readline()
    proxy.cut()
    assert await reader.read() == b""
    writer.close()


async def test_is_gone_and_comes_back_at_the_same_port(proxy: Proxy) -> None:
    await proxy.go()
    with pytest.raises(ConnectionRefusedError):
        await ask(proxy, b"a\n")
    await proxy.come_back()
    assert await ask(proxy, b"a\n") == b"a\n"
