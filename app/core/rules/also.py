"""A thread whose card brings out other merges, too, lets their cards say so."""

from app.core import also, lanes
from app.core.actions import Append, Here
from app.core.state import State


def tell_asked(state: State, here: Here) -> Append | None:
    """Note which other merges the open card brings out, and have those that wait look anew."""
    if state.newer:
        return None
    name, fact = also.key(state.thread_id), also.fact_of(state)
    was = here.facts.get(name)
    if was == fact:
        return None
    wake = (each for each in also.changed(was, fact) if lanes.key(each) in here.facts)
    return Append((), facts={name: fact}, wake=tuple(wake))
