"""The review of broken glass: asked for in the morning after, by one thread for all of them."""

from app.core import events as ev
from app.core import glass_uses, workdays
from app.core.actions import Action, Append, Here
from app.core.state import State

# The thread of the oldest use asks for all; the others see to it that somebody did.
PATIENCE_MS = 10 * 60_000


def ask_for_review(state: State, here: Here) -> Action | None:
    """Ask people to look at every use that nobody was asked about yet."""
    due = next_review(state, here)
    if due is None or here.now < due:
        return None
    uses = tuple(glass_uses.unreviewed(here.facts))
    return Append([ev.ReviewAsked(call_id=f"review{state.version}", uses=uses)])


def next_review(state: State, here: Here) -> int | None:
    """Return when this thread asks for a review, None if none of its own uses waits for one."""
    uses = glass_uses.unreviewed(here.facts)
    mine = [use for use in uses if use.thread_id == state.thread_id]
    if not mine:
        return None
    due = workdays.next_morning(mine[0].at, here.repo.zone)
    if uses[0] == mine[0]:
        return due
    return max(due, workdays.next_morning(uses[0].at, here.repo.zone)) + PATIENCE_MS
