"""propose_plan: propose several steps in their order, by one card that is approved as a whole."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import Field, create_model

from app.core.config import RepoConfig
from app.core.events import Event
from tools.deploy import propose
from tools.tool import Arguments, Desk, Tool, ToolError

NAME = "propose_plan"


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool, where one card may hold several steps."""
    if repo.approval != "plan":
        return []
    description = (
        "Propose several steps for one commit, done in this order, by one card; "
        "for a single step call its own tool."
    )
    return [
        Tool(
            NAME, description, _arguments(tuple(repo.production.order)), _propose, modes=("deploy",)
        )
    ]


@cache  # a class costs more than a turn
def _arguments(names: tuple[str, ...]) -> type[Arguments]:
    step = Annotated[str, Field(json_schema_extra={"enum": list(names)})]
    fields: dict[str, Any] = {
        "sha": (str, Field(description="The commit, one of the SHAs given above.")),
        "steps": (
            list[step],
            Field(description="Services and jobs in their order, each once.", min_length=1),
        ),
        "reason": (
            str,
            Field(description="One line for the approver: why this, why now.", max_length=2000),
        ),
    }
    return create_model("PlanArguments", __base__=Arguments, **fields)


async def _propose(desk: Desk, arguments: Any) -> Sequence[Event]:
    steps: list[str] = arguments.steps
    for step in steps:
        if step not in desk.repo.production.targets:
            names = ", ".join(desk.repo.production.order)
            raise ToolError(f"{step[:60]!r} is no step; there are: {names}")
    if len(set(steps)) < len(steps):
        raise ToolError("a plan has each step once")
    return await propose(desk, steps, arguments.sha, arguments.reason)
