"""Embedded servers for tests, set otherwise than those of people."""

from pathlib import Path
from typing import Any, cast

from app.redis.connect import connect
from app.redis.embedded import start_embedded


async def start_with(directory: Path, setting: str, value: str) -> str:
    """Start a directory's server, change one of its settings, and return its URL."""
    url = await start_embedded(directory)
    client = connect(url)
    await cast("Any", client).config_set(setting, value)
    await client.aclose()
    return url
