"""Merges to which people said no; a newer commit brings them all the same."""

from app.core import lanes
from app.core.events import Declined
from app.core.state import State


def declined(state: State) -> Declined | None:
    """Say who rejected or stopped a merge in its thread; None if nobody, or production has it."""
    if state.effects or lanes.merge_of(state) is None:
        return None
    if state.stopped_by:
        return Declined(pull=lanes.pull_of(state), how="stopped", user=state.stopped_by)
    card = next(reversed(state.cards.values()), None)
    if card is None or card.status != "rejected" or state.joined:
        return None
    return Declined(pull=lanes.pull_of(state), how="rejected", user=card.decided_by)
