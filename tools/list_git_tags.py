"""list_git_tags: the repository's tags and their commits, from GitHub."""

from collections.abc import Sequence

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import Commit, Event, ToolAnswered
from app.core.writing import short
from tools.tool import Arguments, Desk, Tool, ToolError


class TagsArguments(Arguments):
    limit: int = Field(description="How many, 1 to 20.", ge=1, le=20)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    description = "List tags, the highest names first, and the commits that they name."
    return [Tool("list_git_tags", description, TagsArguments, _list, when="always", settles=False)]


async def _list(desk: Desk, arguments: TagsArguments) -> Sequence[Event]:
    if desk.source is None:
        raise ToolError("there are no GitHub credentials, so tags cannot be listed")
    tags = await desk.source.tags(desk.repo.name, arguments.limit)
    lines = "\n".join(f"{short(sha)} {name}" for name, sha in tags)
    new = {sha: Commit(sha=sha, title=name) for name, sha in tags if sha not in desk.state.known}
    return [ToolAnswered(call_id=desk.call_id, result=lines or "none", commits=tuple(new.values()))]
