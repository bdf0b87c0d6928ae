"""The address of a message in Slack, made of the workspace's own address, which is a fact.

https://docs.slack.dev/reference/methods/chat.getPermalink shows the form; asking for each message
would be a call for each line of an answer.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping

import structlog

from app.core.errors import StoreUnavailable
from app.core.ports import ThreadLog, Write
from app.slack.answers import Workspace
from app.slack.web import SlackSilent, SlackWeb

FACT = "slack"
AGAIN_SECONDS = 60.0
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?/")

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def permalink(facts: Mapping[str, str], message: str) -> str:
    """Return the address of "<channel>|<ts>"; "" while Slack has not said where it is."""
    channel, _, ts = message.partition("|")
    workspace = facts.get(FACT, "")
    return f"{workspace}archives/{channel}/p{ts.replace('.', '')}" if workspace else ""


class Permalinks:
    """Finds out once where the workspace is, and notes it for every repository."""

    def __init__(self, log: ThreadLog, web: SlackWeb, repos: Iterable[str]) -> None:
        self._log = log
        self._web = web
        self._repos = tuple(repos)

    async def run(self) -> None:
        """Ask until Slack has answered."""
        while True:
            try:
                await self.note()
                return
            except (SlackSilent, StoreUnavailable) as error:
                _log.warning("workspace not known", why=str(error))
            await asyncio.sleep(AGAIN_SECONDS)

    async def note(self) -> None:
        """Ask Slack, and write the answer down; raise `SlackSilent` without one."""
        said = (await self._web.call(Workspace, "auth.test")).url
        if not _ADDRESS.fullmatch(said):
            _log.warning("no address of a workspace", said=said[:100])
            return
        for repo in self._repos:
            note = Write(f"{repo}/slack", [], facts={FACT: said}, silent=True)
            await self._log.append(note)
