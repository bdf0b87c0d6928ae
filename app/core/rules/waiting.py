"""Waiting for an event: ended by its time, and looked for whenever the thread is woken."""

from app.core import awaited
from app.core import events as ev
from app.core.actions import Action, Append, Here, LookFor
from app.core.state import State


def end_wait(state: State, here: Here) -> Action | None:
    """End a wait whose time is there."""
    if state.wait is None or here.now < state.wait.until:
        return None
    return Append([ev.WaitEnded(call_id=state.wait.call_id)])


def next_end(state: State, here: Here) -> int | None:
    """Return when a wait ends at the latest."""
    return state.wait.until if state.wait else None


def look_for(state: State, until: int | None) -> LookFor | None:
    """Look for what only others know, before the thread rests until a time."""
    wait = state.wait
    if wait is None or until is None or awaited.is_by_clock(wait):
        return None
    return LookFor(wait, until)
