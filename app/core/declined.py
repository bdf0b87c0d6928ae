"""Merges to which people said no, or something; a newer commit brings them all the same."""

from app.core import lanes
from app.core.events import Declined, Spoken
from app.core.state import State
from app.core.untrusted import cut

LONGEST_QUOTE = 300


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


def spoken(state: State) -> Spoken | None:
    """Return what a person wrote last in a merge's thread; None where it is no news.

    That is where production has it, where people said no to it, or chose to ship it with another.
    """
    chosen = state.joined is not None and state.joined.user
    if state.effects or chosen or not state.words or declined(state):
        return None
    newest = state.words[-1]
    text = cut(newest.text, LONGEST_QUOTE)
    return Spoken(pull=lanes.pull_of(state), user=newest.user, text=text)
