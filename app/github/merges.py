"""Asks GitHub which pull requests were merged; knows nothing of threads, and changes nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import structlog
from pydantic import BaseModel, TypeAdapter

from app.github.api import on_branch
from app.github.client import GitHubClient, parsed
from app.github.webhook import MalformedWebhook, Merge, parse_pull_request

# An entry is some 25 KB, and most looks need only the first page.
_PAGE = 30
_PAGES = 40

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged pull request as a list shows it: `sha` is what the branch got."""

    number: int
    sha: str
    at: datetime


class _Listed(BaseModel):
    number: int
    updated_at: datetime
    merged_at: datetime | None
    merge_commit_sha: str | None


class _Head(BaseModel):
    sha: str


_LIST = TypeAdapter(list[_Listed])
_HEADS = TypeAdapter(list[_Head])
_OBJECT = TypeAdapter(dict[str, Any])


class GitHubMerges:
    """Finds merges by looking at the branch; raises `SourceUnavailable` like every client.

    https://docs.github.com/en/rest/pulls/pulls
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def head(self, repo: str, branch: str) -> str:
        """Return the SHA that the branch points at; empty if it has no commit."""
        path = f"/commits?sha={quote(branch, safe='')}&per_page=1"
        heads = parsed(_HEADS, await self._client.get(repo, path))
        return heads[0].sha if heads else ""

    async def is_on(self, repo: str, branch: str, sha: str) -> bool:
        """Tell whether the branch contains a commit."""
        return await on_branch(self._client, repo, branch, sha)

    async def since(self, repo: str, branch: str, ms: int) -> list[Merged]:
        """Return what was merged into the branch since a time (ms), oldest first.

        What changes while the pages are read may be missing: ask again later.
        """
        after = datetime.fromtimestamp(ms // 1000, UTC)  # GitHub's times are whole seconds
        found: dict[int, Merged] = {}
        for number in range(1, _PAGES + 1):
            page = await self._page(repo, branch, number)
            for item in page:
                if item.merged_at and item.merged_at >= after and item.merge_commit_sha:
                    found[item.number] = Merged(item.number, item.merge_commit_sha, item.merged_at)
            # A merge is an update: what follows was merged before.
            if len(page) < _PAGE or page[-1].updated_at < after:
                break
        else:
            _log.error("too many pull requests to look at", repo=repo, looked_at=_PAGES * _PAGE)
        return sorted(found.values(), key=lambda merged: (merged.at, merged.number))

    async def _page(self, repo: str, branch: str, number: int) -> list[_Listed]:
        path = f"/pulls?state=closed&base={quote(branch, safe='')}&sort=updated&direction=desc"
        response = await self._client.get(repo, f"{path}&per_page={_PAGE}&page={number}")
        return parsed(_LIST, response)

    async def merge(self, repo: str, number: int) -> Merge | None:
        """Return one merge whole: a list does not say who merged. None for a form we do not know.

        That one alone is then lost: it must not stand in the way of the others.
        """
        response = await self._client.get(repo, f"/pulls/{number}")
        parsed(_OBJECT, response)  # half an answer is none at all
        try:
            return parse_pull_request(response.content, repo)
        except MalformedWebhook as error:
            _log.error("merge not understood", repo=repo, number=number, why=str(error))
            return None
