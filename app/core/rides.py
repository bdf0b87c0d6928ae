"""Merges that ship with another one, and what they are told when that one ends without them.

The one that ships others leaves a fact for each of them, "ride/<thread>", which that one takes up
and deletes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core import lanes, outgoing
from app.core.config import RepoConfig
from app.core.events import RideChanged, RidersTold
from app.core.state import State

FACT = "ride/"
# Who rejects a card mostly says soon what they want instead.
REJECTED_MS = 5 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Told:
    """What a merge is told of the one that ships it, which took it up at `since` (ms)."""

    change: RideChanged
    since: int


def key(thread_id: str) -> str:
    """Name the fact for a merge that another one ships."""
    return f"{FACT}{thread_id}"


def facts_of(state: State, told: RidersTold) -> dict[str, str]:
    """Return a fact for each merge that ships with this one."""
    by = {"by": lanes.pull_of(state).model_dump(), **told.model_dump(exclude={"type"})}
    since, ships = state.carried_since, len(state.carried) + 1
    return {
        key(each): json.dumps({**by, "ships": ships, "since": since[each]})
        for each in state.carried
    }


def told(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> Told | None:
    """Return what the merge that ships this one has left for it; `services` are its own alone."""
    fact = facts.get(key(state.thread_id))
    if fact is None:
        return None
    change, own = RideChanged.model_validate_json(fact), outgoing.left(state, repo)
    services = tuple(service for service in change.services if service in own)
    return Told(change.model_copy(update={"services": services}), json.loads(fact)["since"])


def concerns(state: State, told: Told) -> bool:
    """Tell whether it is news of whom this merge rides with now."""
    joined = state.joined
    if joined is None or told.since < joined.at:
        return False
    if told.change.how == "goes on":
        return joined.ride is not None
    return bool(told.change.services)


def end(state: State, repo: RepoConfig) -> tuple[RidersTold, int] | None:
    """Say how a merge ended without those that it ships, and when to tell them; None: it did not.

    Where it brought another commit to production, nobody can say here which of them that has.
    """
    over = not state.joined and lanes.stage_of(state, repo) is None and state.mode == "deploy"
    services = tuple(outgoing.left(state, repo))
    if not over or not services or set(state.shipped.values()) - {state.sha}:
        return None
    if state.stopped_by:
        return RidersTold(how="stopped", user=state.stopped_by, services=services), 0
    card = next(reversed(state.cards.values()), None)
    if card and card.status == "rejected":
        at = (card.decided_at or 0) + REJECTED_MS
        return RidersTold(how="rejected", user=card.decided_by, services=services), at
    if state.lapsed:
        return RidersTold(how="expired", services=services), 0
    left_out = _left_out(state, services)
    return (RidersTold(how="left out", services=left_out), 0) if left_out else None


def _left_out(state: State, services: Sequence[str]) -> tuple[str, ...]:
    """Return what a plan that has ended was not for; not what has the commit, or gave it back."""
    if state.plan_ended is None or state.turn_due or state.question:
        return ()
    return tuple(name for name in services if name not in state.there | state.rolled_back.keys())


def broken(state: State) -> RideChanged | None:
    """Return how the merge that was to ship this one ended without it, or without all of it."""
    ride = state.joined.ride if state.joined else None
    is_out = state.out_at is not None
    return ride.end if ride and ride.is_broken and not is_out else None


def ended(ride: RideChanged) -> str:
    """Say of that merge how it ended; nothing is from outside."""
    if ride.how == "left out":
        return f"is done and left out {', '.join(ride.services)}"
    return "ended without it"
