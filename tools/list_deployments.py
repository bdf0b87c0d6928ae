"""list_deployments: what a service got in production and when, from the repository's history."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from app.core import ledger
from app.core.config import RepoConfig
from app.core.events import Commit, Event, ToolAnswered
from app.core.history import age
from app.core.ports import HISTORY_KEPT
from app.core.writing import short
from tools.tool import Arguments, Desk, Tool, ToolError

SHOWN = 10


class DeploymentsArguments(Arguments):
    service: str = Field(description="The service.")


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    services = ", ".join(repo.production.services)
    return [
        Tool(
            name="list_deployments",
            description=f"List what one service ({services}) got in production, newest first.",
            arguments=DeploymentsArguments,
            act=_list,
            when="always",
            settles=False,
        )
    ]


async def _list(desk: Desk, arguments: DeploymentsArguments) -> Sequence[Event]:
    service = arguments.service
    if service not in desk.repo.production.services:
        services = ", ".join(desk.repo.production.services)
        raise ToolError(f"{service[:60]!r} is no service; there are: {services}")
    mine = ledger.effects(await desk.log.history(desk.repo.name, HISTORY_KEPT), service)[:SHOWN]
    lines = "\n".join(_line(entry, desk.now) for entry in mine) or "none recorded"
    commits = tuple(Commit(sha=e["sha"], title=e["title"]) for e in mine)
    return [ToolAnswered(call_id=desk.call_id, result=lines, commits=commits)]


def _line(entry: dict[str, Any], now: int) -> str:
    what = f"{short(entry['sha'])} {entry['kind']} {entry['outcome']}"
    return f"{what}, {age(now, entry['at'])}: {entry['title']}"
