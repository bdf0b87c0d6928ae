"""How to reach a Redis and whether it may keep the threads; knows nothing of what is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ClusterError,
    ConnectionError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TimeoutError,
)

from app.core.errors import StoreUnavailable

Client = Redis | RedisCluster
Answer = TypeVar("Answer")

# What redis-py raises while Redis is away; a cluster's are not all `RedisError`s.
AWAY = (RedisError, RedisClusterException, OSError)
_Info = Callable[..., Awaitable[dict[str, object]]]

_SEND_AGAIN = (ConnectionError, TimeoutError, ClusterError, RedisClusterException, ReadOnlyError)
_COMMAND_SECONDS = 3
_CONNECTIONS = 50
_PAUSES = (0.05, 0.25)
_OLDEST = (6, 2)


def connect(url: str) -> Client:
    """Build the client for a URL; nothing is sent yet.

    `redis://`, `rediss://` and `unix://` are one server; `redis+cluster://` and `rediss+cluster://`
    name any node of a cluster. The client never sends a command twice by itself: that is `send`'s.
    """
    once: Retry = Retry(NoBackoff(), 0)
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": _COMMAND_SECONDS,
        "socket_connect_timeout": _COMMAND_SECONDS,
        "health_check_interval": 30,
        "retry": once,
    }
    scheme, separator, rest = url.partition("://")
    if scheme.endswith("+cluster"):
        return RedisCluster.from_url(scheme.removesuffix("+cluster") + separator + rest, **options)
    # It waits for a free connection, where the default pool raises.
    pools = cast("Any", BlockingConnectionPool)
    options |= {"max_connections": _CONNECTIONS, "timeout": _COMMAND_SECONDS}
    return Redis.from_pool(pools.from_url(url, **options))


async def send(command: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run a command, and up to twice again when its reply is lost.

    Its effect must be the same however often it arrives. Raise `StoreUnavailable` if Redis stayed
    away or refused it; a change may then have happened, or happen yet.
    """
    try:
        return await _repeated(command)
    except AWAY as error:
        raise StoreUnavailable(str(error) or type(error).__name__) from error


async def _repeated(command: Callable[[], Awaitable[Answer]]) -> Answer:
    for pause in _PAUSES:
        try:
            return await command()
        except AuthenticationError:
            raise
        except _SEND_AGAIN:
            await asyncio.sleep(pause)
    return await command()


async def problems(client: Client) -> list[str]:
    """Say what keeps this Redis from being used, a sentence each."""
    try:
        info = await _info(client)
    except StoreUnavailable as error:
        return [f"Redis cannot be reached: {error}"]
    found: list[str] = []
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _OLDEST:
        found.append(f"Redis is version {version}; 6.2 or newer is needed")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"Redis may throw threads away: set maxmemory-policy to noeviction, not {policy}"
        )
    return found


async def warnings(client: Client) -> list[str]:
    """Say what makes this Redis less safe than it could be, a sentence each."""
    try:
        info = await _info(client)
    except StoreUnavailable:
        return []
    if "aof_enabled" in info and not int(str(info["aof_enabled"])):
        return ["Redis writes no append-only file: set appendonly to yes, or a crash loses threads"]
    return []


async def _info(client: Client) -> dict[str, object]:
    options: dict[str, object] = {}
    if isinstance(client, RedisCluster):
        await send(client.initialize)
        options["target_nodes"] = client.get_random_node()
    info = cast("_Info", cast("Any", client).info)
    return await send(lambda: info(**options))
