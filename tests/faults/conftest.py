"""Every kind of Redis for the tests of faults, each behind proxies that live as long as a test."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.demo.child import free_port
from tests.certificates import CERTIFICATE
from tests.faults import stores
from tests.faults.stores import Node, OwnServer, Store


@pytest.fixture(autouse=True)
def one_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients load one certificate: a test makes several, and asks nobody by TLS."""
    monkeypatch.setenv(*CERTIFICATE)


@pytest.fixture(scope="session")
def plain_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run one server at a port for all tests."""
    port = free_port()
    with stores.server(tmp_path_factory.mktemp("plain"), port):
        yield port


@pytest.fixture(scope="session")
def cluster_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Run a cluster of three nodes for all tests."""
    nodes = [Node.at_free_ports() for _ in range(3)]
    with ExitStack() as stack:
        for node in nodes:
            directory = tmp_path_factory.mktemp("node")
            stack.enter_context(stores.server(directory, node.port, *node.options))
        asyncio.run(stores.form_cluster(nodes))
        yield nodes


@pytest.fixture
async def embedded_store(redis_url: str) -> AsyncIterator[Store]:
    """Give the embedded server, which is empty."""
    async with stores.one_server(Path(redis_url.removeprefix("unix://")), redis_url) as store:
        await store.empty()
        yield store


@pytest.fixture
async def plain_store(plain_port: int) -> AsyncIterator[Store]:
    """Give a server at a port, which is empty."""
    url = f"redis://127.0.0.1:{plain_port}"
    await stores.until(lambda: stores.answers(url))
    async with stores.one_server(("127.0.0.1", plain_port), url) as store:
        await store.empty()
        yield store


@pytest.fixture
async def cluster_store(cluster_nodes: list[Node]) -> AsyncIterator[Store]:
    """Give a cluster of three nodes, which is empty."""
    async with stores.three_nodes(cluster_nodes) as store:
        await store.empty()
        yield store
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # what the client left behind, or another test would be blamed for it


# The client of redis-py leaves lost connections to the garbage collector when it looks at the
# cluster anew.
LEAVES_CONNECTIONS = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(params=["embedded", "plain", pytest.param("cluster", marks=LEAVES_CONNECTIONS)])
def store(request: pytest.FixtureRequest) -> Store:
    """Give each of them in turn."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[OwnServer]:
    """Give a server that the test may ill-treat."""
    async with OwnServer.run(tmp_path / "own") as server:
        yield server
