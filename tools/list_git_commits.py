"""list_git_commits: the newest commits of the branch, from GitHub."""

from collections.abc import Sequence

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import Commit, Event, ToolAnswered
from tools.tool import Arguments, Desk, Tool, ToolError


class CommitsArguments(Arguments):
    limit: int = Field(description="How many, 1 to 20.", ge=1, le=20)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    description = f"List the newest commits of {repo.branch}."
    return [
        Tool("list_git_commits", description, CommitsArguments, _list, when="always", settles=False)
    ]


async def _list(desk: Desk, arguments: CommitsArguments) -> Sequence[Event]:
    if desk.source is None:
        raise ToolError("there are no GitHub credentials, so commits cannot be listed")
    commits = await desk.source.commits(desk.repo.name, desk.repo.branch, arguments.limit)
    lines = "\n".join(_line(commit) for commit in commits)
    return [ToolAnswered(call_id=desk.call_id, result=lines or "none", commits=tuple(commits))]


def _line(commit: Commit) -> str:
    return f"{commit.sha[:7]} {commit.title} ({commit.author})"
