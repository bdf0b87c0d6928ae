"""Merges that another one ships: they hear when it ends without them, and when it goes on."""

from app.core import events as ev
from app.core import lanes, rides
from app.core.actions import Append, Here
from app.core.state import State


def tell_riders(state: State, here: Here) -> Append | None:
    """Tell those that ship with this one that it ended without them, or goes on after all."""
    if not state.carried or state.newer:
        return None
    end, told = rides.end(state, here.repo), state.riders_told
    if end and end[1] <= here.now and told in (None, "goes on"):
        return _to_all(state, end[0])
    ships = state.mode == "deploy" and lanes.stage_of(state, here.repo) is not None
    goes_on = ships and told not in (None, "goes on")
    return _to_all(state, ev.RidersTold(how="goes on")) if goes_on else None


def _to_all(state: State, told: ev.RidersTold) -> Append:
    return Append([told], wake=tuple(state.carried))


def next_told(state: State, here: Here) -> int | None:
    """Return when those that ship with this one are told that its card was rejected."""
    end = rides.end(state, here.repo) if state.carried else None
    return end[1] if end and here.now < end[1] else None


def hear_of_ride(state: State, here: Here) -> Append | None:
    """Take up what the merge that ships this one has to say."""
    told = None if state.newer else rides.told(state, here.repo, here.facts)
    if told is None:
        return None
    name = rides.key(state.thread_id)
    events = [told.change] if rides.concerns(state, told) else []
    return Append(events, facts={name: None}, expects={name: here.facts[name]})
