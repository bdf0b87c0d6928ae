"""A server that need not survive, and a service that keeps its log lines to itself."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from tests.machine.world import Lab


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server without a disk: nothing here is about that."""
    directory = tmp_path_factory.mktemp("machine")
    yield asyncio.run(start_without_disk(directory))
    asyncio.run(stop_embedded(directory))


async def start_without_disk(directory: Path) -> str:
    """Start a server that writes nothing down, and return its URL."""
    url = await start_embedded(directory)
    client = connect(url)
    await cast("Any", client).config_set("appendonly", "no")
    await client.aclose()
    return url


@pytest.fixture
def lab(store: str) -> Iterator[Lab]:
    """Give an event loop and a connection."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    lab = Lab(store)
    yield lab
    lab.end()
    structlog.reset_defaults()
