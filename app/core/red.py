"""The merges that were red on staging since one was green: the fact "red", under staging's lock.

Whoever is red after them, and has them in it, need not be the one to blame.
"""

from collections.abc import Mapping

from pydantic import TypeAdapter

from app.core import lanes
from app.core.events import Pull, StagingEnded
from app.core.overrides import override_of
from app.core.records import STOPPED
from app.core.state import State

FACT = "red"
KEPT = 8  # the oldest ones: there it began

_PULLS = TypeAdapter(tuple[Pull, ...])


def facts_of(state: State, ended: StagingEnded, known: Mapping[str, str]) -> dict[str, str | None]:
    """Return the fact after a merge's own run through staging; nothing for any other run."""
    own = state.origin == "merge" and ended.sha == state.sha and ended.by is None
    if not own or (ended.summary == STOPPED and not ended.passed):
        return {}
    pull, before = lanes.pull_of(state), _all(known)
    others = [each for each in before if each.thread_id != pull.thread_id]
    if ended.passed:
        left = [each for each in others if lanes.arrival(each) > lanes.arrival(pull)]
    else:
        left = sorted([*others, pull], key=lanes.arrival)[:KEPT]
    if tuple(left) == before:
        return {}
    return {FACT: _PULLS.dump_json(tuple(left)).decode() if left else None}


def before(state: State, facts: Mapping[str, str]) -> tuple[Pull, ...]:
    """Return the merges that were red before this one, which it has in it, oldest first.

    By arrival, but for those that were compared; what it ships with it is not counted.
    """
    return tuple(
        each
        for each in _all(facts)
        if each.thread_id not in (state.thread_id, *state.carried)
        and lanes.has_in_it(state, each)
        and override_of(facts, each.sha) is None
    )


def _all(facts: Mapping[str, str]) -> tuple[Pull, ...]:
    return _PULLS.validate_json(facts[FACT]) if FACT in facts else ()
