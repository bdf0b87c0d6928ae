"""A merge that is urgent and ships with another one makes that one urgent."""

from app.core import events as ev
from app.core import rides, urgency
from app.core.actions import Append, Here
from app.core.state import State


def pass_on(state: State, here: Here) -> Append | None:
    """Let the merge that ships this one know that it is urgent, once."""
    joined = state.joined
    if joined is None or joined.urgent or not state.is_urgent or state.newer or rides.broken(state):
        return None
    passed = ev.UrgencyPassed(into=joined.into)
    facts = urgency.passed_on(state, joined.into)
    return Append([passed], facts=facts, wake=(joined.into.thread_id,))


def take(state: State, here: Here) -> Append | None:
    """Become urgent by the word that was given for a merge that ships with this one."""
    found = {} if state.newer else urgency.left_for(state.thread_id, here.facts)
    if not found:
        return None
    is_over = state.joined is None and state.plan_ended is not None and bool(state.shipped)
    events = [] if state.is_urgent or state.out_at or is_over else [found[min(found)]]
    return Append(events, facts=dict.fromkeys(found))
