"""What tests of every folder share: a real Redis, and a log in it that starts empty."""

import asyncio
import gc
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from redis.exceptions import RedisError

from app.demo.child import free_port
from app.redis.connect import connect
from app.redis.embedded import find_server, stop_embedded
from app.redis.log import RedisLog
from tests.forks import Zygote, the_zygote
from tests.servers import start_with
from tests.waiting import until

# What takes a minute or more: a process that got one of them last would end alone.
LONGEST = (
    "test_anything_in_any_order",
    "test_changed_lines_are_not",
    "test_none_of_200_merges_is_lost",
    "test_rolling_restarts_lose_nothing",
    "test_the_image_starts",
)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported, which took it a tenth of all the time."""
    gc.set_threshold(50_000, 20, 50)
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with its share of what takes longest; it gets a run of the list."""
    processes = int(getattr(config, "workerinput", {}).get("workercount", 1))
    long = [item for item in items if item.name.startswith(LONGEST)]
    rest = [item for item in items if not item.name.startswith(LONGEST)]
    run = -(-len(rest) // processes)
    items[:] = [
        item
        for n in range(processes)
        for item in (*long[n::processes], *rest[n * run : (n + 1) * run])
    ]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one embedded server for all tests."""
    directory = tmp_path_factory.mktemp("redis")
    # What it has written is lost only if the machine dies, and it does not.
    yield asyncio.run(start_with(directory, "appendfsync", "no"))
    asyncio.run(stop_embedded(directory))


@pytest.fixture(scope="session")
def zygote() -> Zygote:
    """Return what forks services."""
    return the_zygote()


@pytest.fixture
async def clean_redis_url(redis_url: str) -> str:
    """Return the URL of a Redis that holds nothing."""
    await _flush(redis_url)
    return redis_url


@pytest.fixture
async def redis_log(clean_redis_url: str) -> AsyncIterator[RedisLog]:
    """Give a log in an empty Redis."""
    log = RedisLog(connect(clean_redis_url))
    yield log
    await log.close()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a cluster of one node; it, too, refuses scripts with keys of several slots."""
    port = free_port()
    server = _cluster_node(tmp_path_factory.mktemp("cluster"), port)
    asyncio.run(_form_cluster(f"redis://127.0.0.1:{port}"))
    yield f"redis+cluster://127.0.0.1:{port}"
    server.terminate()
    server.wait()


@pytest.fixture
async def cluster_log(cluster_url: str) -> AsyncIterator[RedisLog]:
    """Give a log in an empty cluster."""
    await _flush(cluster_url)
    log = RedisLog(connect(cluster_url))
    yield log
    await log.close()


def _cluster_node(directory: Path, port: int) -> subprocess.Popen[bytes]:
    options = ["--port", str(port), "--cluster-port", str(free_port()), "--bind", "127.0.0.1"]
    options += ["--cluster-enabled", "yes", "--appendonly", "yes"]
    options += ["--appendfsync", "no", "--save", ""]
    return subprocess.Popen([find_server(), *options], cwd=directory, stdout=subprocess.DEVNULL)


async def _form_cluster(node_url: str) -> None:
    node = cast("Any", connect(node_url))

    async def answers(command: str, wanted: str) -> bool:
        with suppress(RedisError):
            return wanted in str(await node.execute_command(command))
        return False

    await until(lambda: answers("PING", "True"))
    await node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    await until(lambda: answers("CLUSTER INFO", "'cluster_state': 'ok'"))
    await node.aclose()


async def _flush(url: str) -> None:
    client = connect(url)
    await cast("Any", client).flushall()
    await client.aclose()
