"""A merge hears that another one brought its commit out."""

from app.core import outgoing
from app.core.actions import Append, Here
from app.core.state import State


def hear_of_going_out(state: State, here: Here) -> Append | None:
    """Take up what a merge that ships this one's commit has to say."""
    told = None if state.newer else outgoing.told(state, here.facts)
    if told is None:
        return None
    name, event = told
    over = outgoing.is_over(state, here.repo, event)
    heard = event.model_copy(update={"over": over})
    return Append([heard], facts={name: None}, expects={name: here.facts[name]})
