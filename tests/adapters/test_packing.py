"""Commands as they are sent: the same bytes as redis-py's own, only packed faster."""

from typing import Any, cast

import pytest
from redis.asyncio import Connection
from redis.exceptions import DataError

from app.redis.connect import connect


def connection() -> Any:
    return cast("Any", connect("redis://127.0.0.1:1")).connection_pool.make_connection()


@pytest.mark.parametrize(
    "command",
    [
        ("PING",),
        ("CONFIG SET", "appendfsync", "always"),
        (b"CONFIG SET", b"appendfsync", b"always"),
        ("EVALSHA", "0" * 40, 2, "{acme/shop}:log", "{acme/shop}:facts", -1, 2.5, ""),
        ("SET", "words", "schön\r\n\u202e \U0001f680 \x00"),
        ("SET", "no text", "half a character: \ud83d"),
        ("SET", "bytes", bytearray(b"a"), memoryview(b"b" * 10_000)),
        ("RPUSH", "long", "x" * 100_000),
    ],
)
def test_a_command_has_the_bytes_of_redis_py(command: tuple[Any, ...]) -> None:
    theirs = cast("Any", Connection(encoding_errors="replace")).pack_command(*command)
    assert b"".join(connection().pack_command(*command)) == b"".join(theirs)


def test_what_redis_does_not_take_is_refused() -> None:
    with pytest.raises(DataError):
        connection().pack_command("SET", "key", None)
