"""How to reach a Redis and whether it may keep the threads; knows nothing of what is stored."""

import asyncio
import builtins
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import HiredisRespSerializer
from redis.driver_info import DriverInfo
from redis.exceptions import (
    AuthenticationError,
    ClusterError,
    ConnectionError,
    NoPermissionError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError,
)

from app.core.errors import StoreUnavailable

Client = Redis | RedisCluster
Answer = TypeVar("Answer")

# What redis-py 8.1 raises, too, when a connection is closed under a command that it writes
# (https://github.com/redis/redis-py/issues/4287): on a cluster, and on Python 3.12 and 3.13.
_TORN = (AttributeError, TypeError)
# What redis-py raises while Redis is away; a cluster's are not all `RedisError`s.
AWAY = (RedisError, RedisClusterException, OSError, *_TORN)
_Info = Mapping[str, object]

_SEND_AGAIN = (
    *(
        ConnectionError,
        TimeoutError,
        builtins.TimeoutError,
        ClusterError,
        RedisClusterException,
        ReadOnlyError,
    ),
    *_TORN,
)
# Slack waits three seconds for an answer, also for the one that it was not stored.
_SEND_SECONDS = 2.4
_COMMAND_SECONDS = 1.5
_CONNECTIONS = 20  # one costs more to open than a command, and Redis does one at a time
_PAUSES = (0.05, 0.25)
_OLDEST = (6, 2)
_PACKER = cast("Any", HiredisRespSerializer())
_DRIVER = DriverInfo()  # else each connection looks redis-py's version up anew
_ALMOST_FULL = 0.8
_NOWHERE = "{deploybot}:nowhere"


def connect(url: str) -> Client:
    """Build the client for a URL; nothing is sent yet.

    `redis://`, `rediss://` and `unix://` are one server; `redis+cluster://` and `rediss+cluster://`
    name any node of a cluster. The client never sends a command twice by itself: that is `send`'s.
    """
    once: Retry = Retry(NoBackoff(), 0)
    options: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": "replace",  # a byte that is no text would leave its connection unusable
        "socket_timeout": None,  # `send` bounds each command
        "socket_connect_timeout": _COMMAND_SECONDS,
        "health_check_interval": 30,
        "retry": once,
        "driver_info": _DRIVER,
    }
    scheme, separator, rest = url.partition("://")
    if scheme.endswith("+cluster"):
        return RedisCluster.from_url(scheme.removesuffix("+cluster") + separator + rest, **options)
    # It waits for a free connection, where the default pool raises.
    pools = cast("Any", BlockingConnectionPool)
    options |= {"max_connections": _CONNECTIONS, "timeout": None}
    pool = pools.from_url(url, **options)
    pool.connection_class = type("Connection", (_Packing, pool.connection_class), {})
    return Redis.from_pool(pool)


class _Packing:
    """Packs commands with hiredis, as redis-py does, but not for asyncio: eight times as fast."""

    def pack_command(self, *args: object) -> list[bytes]:
        """Return the command as it is sent; text with no meaning is replaced."""
        plain = (arg.encode(errors="replace") if isinstance(arg, str) else arg for arg in args)
        return cast("list[bytes]", _PACKER.pack(*plain))


async def send(command: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run a command, and up to twice again when its reply is lost, for 2.4 seconds in all.

    Its effect must be the same however often it arrives. Raise `StoreUnavailable` if Redis stayed
    away or refused it; a change may then have happened, or happen yet.
    """
    end = asyncio.get_running_loop().time() + _SEND_SECONDS
    task = asyncio.current_task()
    assert task is not None
    cancels = task.cancelling()
    try:
        return await _repeated(command, end)
    except builtins.TimeoutError as error:
        raise StoreUnavailable(f"no answer within {_SEND_SECONDS} s") from error
    except AWAY as error:
        raise StoreUnavailable(str(error) or type(error).__name__) from error
    finally:
        # redis-py may meet an error while it is cancelled; a task that goes on hangs its owner.
        if task.cancelling() > cancels:
            raise asyncio.CancelledError


async def _repeated(command: Callable[[], Awaitable[Answer]], end: float) -> Answer:
    for pause in _PAUSES:
        try:
            return await _once(command, end)
        except AuthenticationError:
            raise
        except _SEND_AGAIN:
            await asyncio.sleep(pause)
    return await _once(command, end)


async def _once(command: Callable[[], Awaitable[Answer]], end: float) -> Answer:
    """Bound a command as a whole; redis-py's own limits, one for each part, cost a third of it."""
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(min(now + _COMMAND_SECONDS, end)):
        return await command()


async def problems(client: Client) -> list[str]:
    """Say what keeps this Redis from being used, a sentence each."""
    try:
        infos = await _infos(client)
        refusal = await _refusal(client)
    except StoreUnavailable as error:
        return [f"Redis cannot be reached: {error}"]
    found = [problem for info in infos for problem in _unfit(info)]
    return list(dict.fromkeys([*found, *refusal]))


async def warnings(client: Client) -> list[str]:
    """Say what makes this Redis less safe than it could be, a sentence each."""
    try:
        infos = await _infos(client)
    except StoreUnavailable:
        return []
    found: list[str] = []
    if any("aof_enabled" in info and not _number(info, "aof_enabled") for info in infos):
        found.append(
            "Redis writes no append-only file: set appendonly to yes, or a crash loses threads"
        )
    used = max(map(_used, infos))
    if used >= _ALMOST_FULL:
        found.append(f"Redis is {used:.0%} full: raise maxmemory, or nothing is taken in any more")
    return found


async def fullness(client: Client) -> float:
    """Return how much of its memory Redis uses, of the fullest node; 0 where it has no limit."""
    return max(map(_used, await _infos(client)))


def _unfit(info: _Info) -> list[str]:
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


def _used(info: _Info) -> float:
    limit = _number(info, "maxmemory")
    # What it buffers for its file and its replicas does not count against the limit.
    counted = _number(info, "used_memory") - _number(info, "mem_not_counted_for_evict")
    return counted / limit if limit else 0.0


def _number(info: _Info, name: str) -> int:
    return int(str(info.get(name, 0)))


async def _refusal(client: Client) -> list[str]:
    """Try a write that changes nothing, as it replaces only what is there: it may be full."""
    try:
        await send(lambda: cast("Any", client).set(_NOWHERE, "", xx=True))
    except StoreUnavailable as error:
        match error.__cause__:
            case NoPermissionError():  # for this one name; it says nothing of ours
                return []
            case ResponseError():
                return [f"Redis refuses to be written to: {error}"]
            case _:
                raise
    return []


async def _infos(client: Client) -> list[_Info]:
    """Return what Redis says of itself, each primary of a cluster."""
    ask = cast("Any", client).info
    if isinstance(client, RedisCluster):
        await send(client.initialize)
        nodes = client.get_primaries()
        return [cast("_Info", await send(partial(ask, target_nodes=node))) for node in nodes]
    return [cast("_Info", await send(ask))]
