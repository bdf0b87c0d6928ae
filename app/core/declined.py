"""Merges to which people said no, or something, or red ones; a newer commit brings them anyway."""

from app.core import lanes, outgoing
from app.core.events import Declined, Spoken
from app.core.questions import only_asks
from app.core.records import Words
from app.core.state import State
from app.core.untrusted import cut

LONGEST_QUOTE = 300


def declined(state: State) -> Declined | None:
    """Say why a merge does not go out by itself: people said no, or staging was red; else None.

    So it is where it was out, and was taken back.
    """
    if state.effects or lanes.merge_of(state) is None:
        return None
    if state.stopped_by:
        return Declined(pull=lanes.pull_of(state), how="stopped", user=state.stopped_by)
    if _is_rolled_back(state):
        return Declined(pull=lanes.pull_of(state), how="rolled back")
    if state.joined:
        return None
    asked = (card for card in reversed(state.cards.values()) if not card.takes_back)
    card = next(asked, None)
    if card and card.status == "rejected":
        return Declined(pull=lanes.pull_of(state), how="rejected", user=card.decided_by)
    return Declined(pull=lanes.pull_of(state), how="red") if _is_red(state) else None


def _is_rolled_back(state: State) -> bool:
    """Tell whether a service got the commit, and has not got it any more."""
    return any(outgoing.is_back(state, name) for name in {**state.rolled_back, **state.taken_back})


def _is_red(state: State) -> bool:
    staging = state.staging
    if staging is None or staging.sha != state.sha or staging.stopped:
        return False
    return staging.passed is False and not staging.is_good


def spoken(state: State) -> Spoken | None:
    """Return what a person wrote last in a merge's thread; None where it is no news.

    That is where production has it, where people said no to it, or chose to ship it with another
    since.
    A question that was answered there is no objection, nor is an order that was obeyed: both are
    left out.
    """
    said_no, joined = declined(state), state.joined
    if state.effects or (said_no and said_no.user):
        return None
    newest = next((w for w in reversed(state.words) if not _is_done(state, w)), None)
    if newest is None or (joined and joined.user and newest.at <= joined.at):
        return None
    text = cut(newest.text, LONGEST_QUOTE)
    return Spoken(pull=lanes.pull_of(state), user=newest.user, text=text)


def _is_done(state: State, words: Words) -> bool:
    """Tell whether nothing is left of words: what they asked was told, or what they said done."""
    if words.obeyed == "rollback":
        return _is_rolled_back(state)
    return bool(words.obeyed) or (words.answered and only_asks(words.text))
