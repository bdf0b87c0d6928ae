"""list_workflow_runs: what runs on GitHub now and what ran last, from GitHub."""

from collections.abc import Sequence

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import Event, ToolAnswered
from app.core.history import age
from app.core.untrusted import cut, masked, one_line
from app.core.workflows import WorkflowRun
from app.core.writing import short
from tools.tool import Arguments, Desk, Tool, ToolError

_LENGTH = 120


class RunsArguments(Arguments):
    limit: int = Field(description="How many, 1 to 20.", ge=1, le=20)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    description = "List the newest workflow runs on GitHub, of all workflows, and how they ended."
    return [
        Tool("list_workflow_runs", description, RunsArguments, _list, when="always", settles=False)
    ]


async def _list(desk: Desk, arguments: RunsArguments) -> Sequence[Event]:
    if desk.source is None:
        raise ToolError("there are no GitHub credentials, so workflow runs cannot be listed")
    runs = await desk.source.workflow_runs(desk.repo.name, arguments.limit)
    lines = "\n".join(_line(run, desk.now) for run in runs)
    return [ToolAnswered(call_id=desk.call_id, result=lines or "none")]


def _line(run: WorkflowRun, now: int) -> str:
    state = (run.conclusion or run.status).replace("_", " ")
    began = age(now, round(run.started * 1000))
    branch, name = (cut(masked(one_line(said)), _LENGTH) for said in (run.branch, run.name))
    where = f"{run.event}, {branch} {short(run.head_sha)}, {began}"
    return f"run {run.run_id} {state}, {where}: {name}"
