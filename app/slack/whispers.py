"""Answers that one person alone sees, sent after the request was acknowledged; never waited for."""

import asyncio
from collections.abc import Awaitable

import structlog

from app.core.errors import RateLimited
from app.core.ports import Chat
from app.slack.answers import Answer
from app.slack.blocks import Block
from app.slack.web import SlackWeb

# A person who pressed a button still looks for the answer.
PATIENCE_SECONDS = 60

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Whispers:
    """Sends answers behind the acknowledgement, so that Slack never waits for Slack."""

    def __init__(self, chat: Chat, web: SlackWeb) -> None:
        """Tell by this chat, and show forms and buttons by this API."""
        self._chat = chat
        self.web = web
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, channel: str, user: str, text: str, thread_ts: str | None = None) -> None:
        """Tell a person something that nobody else sees."""
        self.later(self._told(channel, user, text, thread_ts))

    def timed(self, channel: str, text: str) -> str:
        """Write the times in an answer to a request as `tell` would."""
        return self._chat.timed(channel, text)

    def ask(
        self, channel: str, user: str, text: str, blocks: list[Block], thread_ts: str | None
    ) -> None:
        """Ask a person something with buttons that nobody else sees."""
        self.later(
            self.web.call(
                Answer,
                "chat.postEphemeral",
                channel=channel,
                user=user,
                text=text,
                blocks=blocks,
                thread_ts=thread_ts,
            )
        )

    async def _told(self, channel: str, user: str, text: str, thread_ts: str | None) -> None:
        try:
            await self._chat.ephemeral(channel, user, text, thread_ts)
        except RateLimited as limit:
            if limit.retry_after > PATIENCE_SECONDS:
                raise
            await asyncio.sleep(limit.retry_after)
            await self._chat.ephemeral(channel, user, text, thread_ts)

    def later(self, work: Awaitable[object]) -> None:
        """Do something after the acknowledgement; its failure is logged, not raised."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Awaitable[object]) -> None:
    try:
        await work
    except Exception as error:  # nothing is waiting for it, so nobody else could say so
        _log.warning("slack answer not sent", error=type(error).__name__)
