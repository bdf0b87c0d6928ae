"""The store that everything here is measured on: an embedded server, each write synced to disk."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from app.redis.connect import Client, connect
from app.redis.embedded import start_embedded, stop_embedded


class Store:
    """A running server, and what it says about itself."""

    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self.client = client
        self._commands = cast("Any", client)  # redis-py leaves these untyped

    async def written(self) -> int:
        """Return how many bytes went into the append-only file so far."""
        return int((await self._commands.info("persistence"))["aof_current_size"])

    async def memory(self) -> int:
        """Return how many bytes the data and the server take."""
        return int((await self._commands.info("memory"))["used_memory"])

    async def version(self) -> str:
        """Name the server and its version."""
        info: dict[str, Any] = await self._commands.info("server")
        return f"{info['server_name']} {info[info['server_name'] + '_version']}"

    async def hurry(self, hurried: bool) -> None:
        """Sync nothing while what is not measured is written."""
        await self._commands.config_set("appendfsync", "no" if hurried else "always")

    async def empty(self) -> None:
        """Forget everything."""
        await self._commands.flushall()


@asynccontextmanager
async def store() -> AsyncGenerator[Store]:
    """Run a server for the body."""
    with tempfile.TemporaryDirectory(prefix="deploybot-bench-") as folder:
        directory = Path(folder) / "redis"
        client = connect(await start_embedded(directory))
        # A rewrite in the middle of a measurement would count as somebody's bytes.
        await cast("Any", client).config_set("auto-aof-rewrite-percentage", 0)
        try:
            yield Store(f"unix://{directory}/redis.sock", client)
        finally:
            await client.aclose()
            await stop_embedded(directory)
