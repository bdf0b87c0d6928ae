"""Urgency follows a change into the thread that ships it.

A merge that another one ships leaves the fact "urgent/<thread>" for that one, which takes it up and
deletes it.
"""

import json
from collections.abc import Mapping

from app.core import lanes
from app.core.events import MarkedUrgent, Pull
from app.core.state import State

FACT = "urgent/"


def passed_on(state: State, into: Pull) -> dict[str, str]:
    """Return the fact that makes the merge that ships this one urgent, by the same word."""
    marked = MarkedUrgent(
        user=state.urgent_by,
        label="" if state.urgent_by else state.urgent_label,
        of=state.urgent_of or lanes.pull_of(state),
    )
    fact = {"into": into.thread_id, "marked": marked.model_dump()}
    return {f"{FACT}{state.thread_id}": json.dumps(fact)}


def left_for(thread_id: str, facts: Mapping[str, str]) -> dict[str, MarkedUrgent]:
    """Return what merges that ship with a thread have left for it, by the names of the facts."""
    told = {name: json.loads(fact) for name, fact in facts.items() if name.startswith(FACT)}
    return {
        name: MarkedUrgent.model_validate(each["marked"])
        for name, each in told.items()
        if each["into"] == thread_id
    }
