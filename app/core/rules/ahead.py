"""Approvals ahead of a green staging: prepared while it runs, in effect when it is green."""

from app.core import ahead, lanes, policy
from app.core import events as ev
from app.core.actions import Append, Here, Prepare, TakeEffect
from app.core.records import Staging
from app.core.state import State
from app.core.writing import short


def prepare(state: State, here: Here) -> Prepare | None:
    """Find out what the merge would ask for, so that it can be approved while staging runs."""
    if state.newer or state.shadow or state.staging is None:
        return None
    return Prepare(state.staging.number) if ahead.is_due(state, here.repo) else None


def expire_ahead(state: State, here: Here) -> Append | None:
    """Let an approval lapse whose staging did not become green."""
    card, staging = state.ahead, state.staging
    if card is None or staging is None or state.newer:
        return None
    reason = policy.not_as_shown(card) or _lapsed(card.request.ahead, staging)
    if not reason and here.now >= card.expires_at:
        reason = f"its time was up before {'it began' if staging.passed else 'staging was green'}"
    if not reason:
        return None
    return Append([ev.ApprovalExpired(call_id=card.request.call_id, reason=reason)])


def next_expiry(state: State, here: Here) -> int | None:
    """Return when what is approved ahead expires: held, it may outlast its staging."""
    return state.ahead.expires_at if state.ahead else None


def _lapsed(number: int, staging: Staging) -> str:
    if staging.number != number:
        return "staging was run anew, and this was approved for the run before"
    if staging.passed is False:
        return f"staging of {short(staging.sha)} is red: {staging.summary}"
    return ""


def take_effect(state: State, here: Here) -> TakeEffect | None:
    """Let a card count whose staging is green; it stands where the agent would propose one.

    Others may have said no, meanwhile and elsewhere, to what goes out with it: that is looked up.
    """
    card, staging = state.ahead, state.staging
    if card is None or staging is None or state.stopped_by or state.held_by:
        return None
    if staging.number != card.request.ahead or staging.passed is not True:
        return None
    return TakeEffect(card, lanes.relied_on(state, here.facts))
