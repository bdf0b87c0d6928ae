"""change_plan: give up what is left of an approved plan, because people want something else."""

from collections.abc import Sequence

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import ApprovalSuperseded, Event
from tools.tool import Arguments, Desk, Tool, ToolError


class ChangeArguments(Arguments):
    reason: str = Field(description="What people want instead, in a few words.", max_length=2000)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    description = (
        "Give up the steps of the approved plan that have not begun, or what was approved for when "
        "staging is green; you are asked for the next step when what runs has ended."
    )
    return [
        Tool("change_plan", description, ChangeArguments, _change, when="replanning", settles=False)
    ]


async def _change(desk: Desk, arguments: ChangeArguments) -> Sequence[Event]:
    card = desk.state.changeable
    if card is None:
        raise ToolError("no plan is under way")
    user = desk.state.unread[-1].user
    return [ApprovalSuperseded(call_id=card.request.call_id, user=user)]
