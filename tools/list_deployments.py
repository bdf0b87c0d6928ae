"""list_deployments: what a service got in production and when, from the repository's history."""

from collections.abc import Sequence

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import Commit, Event, ToolAnswered
from app.core.happened import Record, records
from app.core.history import age
from app.core.ports import HISTORY_KEPT
from app.core.writing import short
from tools.tool import Arguments, Desk, Tool, ToolError

SHOWN = 10
ALL = "all"


class DeploymentsArguments(Arguments):
    service: str = Field(description="The service, or all.")


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    services = ", ".join(repo.production.targets)
    return [
        Tool(
            name="list_deployments",
            description=f"List what a service ({services}) or all got in production, newest first.",
            arguments=DeploymentsArguments,
            act=_list,
            when="always",
            settles=False,
        )
    ]


async def _list(desk: Desk, arguments: DeploymentsArguments) -> Sequence[Event]:
    service = arguments.service
    if service not in (ALL, *desk.repo.production.targets):
        services = ", ".join(desk.repo.production.targets)
        raise ToolError(f"{service[:60]!r} is no service; there are: {services}, {ALL}")
    history = records(await desk.log.history(desk.repo.name, HISTORY_KEPT))
    mine = [r for r in history if r.is_effect and service in (ALL, r.service)][:SHOWN]
    lines = "\n".join(_line(record, desk.now) for record in mine) or "none recorded"
    commits = tuple(Commit(sha=r.sha, title=r.title, author=r.author) for r in mine)
    return [ToolAnswered(call_id=desk.call_id, result=lines, commits=commits)]


def _line(record: Record, now: int) -> str:
    what = f"{record.service} {short(record.sha)} {record.kind} {record.outcome}"
    return f"{what}, {age(now, record.at)}: {record.title}"
