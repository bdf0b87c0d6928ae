"""A merge hears that another one brought its commit out."""

from app.core import events as ev
from app.core import outgoing
from app.core.actions import Append, Here
from app.core.cards import Card
from app.core.state import State


def hear_of_going_out(state: State, here: Here) -> Append | None:
    """Take up what a merge that ships this one's commit has to say."""
    told = None if state.newer else outgoing.told(state, here.facts)
    if told is None:
        return None
    name, event = told
    card = _as_good_as_out(state, event)
    over = outgoing.is_over(state, here.repo, event, asks=card is None)
    events: list[ev.Event] = [event.model_copy(update={"over": over})]
    if card:
        call_id, reason = card.request.call_id, "another thread brought it to production"
        events.insert(0, ev.ApprovalExpired(call_id=call_id, reason=reason, moved=not over))
    return Append(events, facts={name: None}, expects={name: here.facts[name]})


def _as_good_as_out(state: State, told: ev.WentOut) -> Card | None:
    """Return the card that waits, if nothing that it asks for is left to do."""
    card = state.pending
    if card is None or told.back or state.unread:
        return None
    return card if outgoing.is_out(state, card, told.service) else None
