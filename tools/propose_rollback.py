"""propose_rollback: roll several services back by one card, each to where code says it goes."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import Field, create_model

from app.core import way_back
from app.core.config import RepoConfig
from app.core.events import Event
from app.core.spec import MAX_PLAN_STEPS
from app.core.writing import short
from tools.card import request_approval
from tools.rollback import refuse_for_others, tool_of, ways_back
from tools.tool import Arguments, Desk, Tool, ToolError

NAME = "propose_rollback"


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool, also where each step of a deploy has a card of its own.

    In an outage nobody wants to read, and to approve, one card after the other.
    """
    if len(repo.production.services) < 2:
        return []
    description = (
        "Propose to roll back several services, done in this order, by one card; "
        "for a single one, or a version that people named, call its own tool."
    )
    return [Tool(NAME, description, _arguments(tuple(repo.production.services)), _propose)]


@cache  # a class costs more than a turn
def _arguments(names: tuple[str, ...]) -> type[Arguments]:
    step = Annotated[str, Field(json_schema_extra={"enum": list(names)})]
    fields: dict[str, Any] = {
        "steps": (
            list[step],
            Field(
                description=f"Services in their order, each once, at most {MAX_PLAN_STEPS}.",
                min_length=1,
                max_length=MAX_PLAN_STEPS,
            ),
        ),
        "reason": (
            str,
            Field(description="One line for the approver: why roll back.", max_length=2000),
        ),
    }
    return create_model("RollbackPlanArguments", __base__=Arguments, **fields)


async def _propose(desk: Desk, arguments: Any) -> Sequence[Event]:
    steps: list[str] = arguments.steps
    services = desk.repo.production.services
    unknown = next((step for step in steps if step not in services), None)
    if unknown is not None:
        raise ToolError(f"{unknown[:60]!r} is no service; there are: {', '.join(services)}")
    if len(set(steps)) < len(steps):
        raise ToolError("a plan has each step once")
    for step in steps:
        refuse_for_others(desk, step)
    ways = await ways_back(desk)
    proposals = [
        ways.step(service, _way(desk, ways.back_to, service), ways.evidence) for service in steps
    ]
    return [await request_approval(desk, proposals, arguments.reason)]


def _way(desk: Desk, back_to: Mapping[str, str | None], service: str) -> str:
    sha = back_to[service]
    if sha is None:
        raise ToolError(way_back.no_way(desk.repo, back_to, service, ()))
    if (tool_of(service), sha) in desk.state.refused:
        raise ToolError(f"a person rejected {tool_of(service)}({short(sha)}); ask them first")
    return sha
