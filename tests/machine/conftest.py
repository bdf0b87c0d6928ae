"""A server that need not survive, and a service that keeps its log lines to itself."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.redis.embedded import stop_embedded
from tests.machine.blocking import BlockingClient
from tests.machine.world import Lab
from tests.servers import start_with


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server without a disk: nothing here is about that."""
    directory = tmp_path_factory.mktemp("machine")
    yield asyncio.run(start_with(directory, "appendonly", "no"))
    asyncio.run(stop_embedded(directory))


@pytest.fixture
def lab(store: str) -> Iterator[Lab]:
    """Give an event loop and a connection."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    lab = Lab(BlockingClient(store))
    yield lab
    lab.end()
    structlog.reset_defaults()
