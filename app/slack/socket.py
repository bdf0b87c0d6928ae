"""Socket Mode: the same handlers, over a connection that we open."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def socket_mode(app: AsyncApp, app_token: str) -> AsyncGenerator[None]:
    """Keep a Socket Mode connection open while the body runs, which does not wait for it.

    The client tries for ever: who waits for it starts nothing else while Slack is away.
    """
    handler = AsyncSocketModeHandler(app, app_token)
    connecting = asyncio.create_task(_connect(handler))
    try:
        yield
    finally:
        connecting.cancel()
        await asyncio.wait([connecting])
        await cast(Any, handler).close_async()


async def _connect(handler: AsyncSocketModeHandler) -> None:
    _log.info("socket mode connects")
    await cast(Any, handler).connect_async()
    _log.info("socket mode connected")
