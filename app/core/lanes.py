"""The merges of a repository that are under way: a fact for each, and who is before whom.

A lane is a set of touched services; only merges of the same lane wait for or ship each other. A
thread writes its own facts alone: "merge/<thread>" while it is under way, and "rider/<thread>" when
a newer merge ships it, which that one takes up and deletes. "green" is the merge whose tests were
green on staging last, written under staging's lock.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.core.awaited import FACT as WAITS
from app.core.config import RepoConfig
from app.core.events import Pull
from app.core.state import State
from app.core.unsorted import is_unsorted

FACT = "merge/"
RIDER = "rider/"
GREEN = "green"
EVERYTHING = "*"
LONGEST_TITLE = 120

Stage = Literal["waiting", "staging", "tested", "asked", "shipping", "back"]
BEFORE: frozenset[Stage] = frozenset({"waiting", "staging", "tested", "asked"})
HOLDING: frozenset[Stage] = frozenset({"tested", "asked", "shipping", "back"})


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that is under way, as its thread told it last; `carries` others ship with it.

    One that is `held` keeps its place in line, but takes no other along: words may be against it.
    """

    pull: Pull
    lane: str
    stage: Stage
    urgent: bool
    carries: int
    held: bool = False

    @property
    def thread_id(self) -> str:
        """Return its thread."""
        return self.pull.thread_id


def named(pull: Pull) -> str:
    """Name a merge in plain text."""
    return f"#{pull.number}" if pull.number else pull.sha[:7]


def pull_of(state: State) -> Pull:
    """Return the merge of a thread as others tell of it."""
    pull = state.pull_request
    return Pull(
        thread_id=state.thread_id,
        sha=state.sha or "",
        number=pull.number if pull else 0,
        title=pull.title[:LONGEST_TITLE] if pull else "",
        url=pull.url if pull else "",
        author=pull.author if pull else "",
        at=state.started_at,
    )


def merge_of(state: State) -> Pull | None:
    """Return the merge of a thread, None if it is about something else."""
    return pull_of(state) if state.origin == "merge" and state.sha else None


def pulls_of(state: State) -> tuple[Pull, ...]:
    """Return everything that a thread ships, its own merge first, then the newest."""
    newest = sorted(state.carried.values(), key=lambda pull: (pull.at, pull.number), reverse=True)
    return pull_of(state), *newest


# What a thread tells.


def key(thread_id: str) -> str:
    """Name the fact of a merge."""
    return f"{FACT}{thread_id}"


def told(state: State, stage: Stage) -> str:
    """Return the fact of a merge."""
    touched = state.change.touched if state.change else (EVERYTHING,)
    urgent = state.is_urgent and state.fault is None  # what fails must not keep others waiting
    fact = {"lane": ",".join(sorted(touched)), "stage": stage, "urgent": urgent}
    carries = {"carries": len(state.carried)} if state.carried else {}
    held = {"held": True} if state.held_in_line else {}
    return json.dumps({**pull_of(state).model_dump(), **fact, **carries, **held})


def left(state: State, into: Pull) -> dict[str, str | None]:
    """Return the facts of a merge that a newer one ships."""
    pulls = [pull.model_dump() for pull in pulls_of(state)]
    rider = json.dumps({"into": into.thread_id, "pulls": pulls})
    return {key(state.thread_id): None, f"{RIDER}{state.thread_id}": rider}


def stage_of(state: State, repo: RepoConfig) -> Stage | None:
    """Return how far a merge is; None where it is over, or no other merge has to heed it."""
    if state.origin != "merge" or state.sha is None or state.joined or is_unsorted(state, repo):
        return None
    if state.shadow or repo.mode == "shadow":
        return None
    if _ships(state, repo):
        return "back" if state.mode == "rollback" else "shipping"
    return None if state.stopped_by else _before_production(state)


def _ships(state: State, repo: RepoConfig) -> bool:
    open_plan = state.plan_ended is None and not state.stopped_by and not state.lapsed
    untested = bool(state.effects) and (repo.production.e2e is not None or open_plan)
    running = state.running is not None and state.running.is_production_effect
    back = state.mode == "rollback" and bool(state.pending or state.turn_due)
    return bool(untested or running or back or state.approved or state.unknown)


def _before_production(state: State) -> Stage | None:
    staging = state.staging
    if staging is None or staging.sha != state.sha or state.series:
        return None
    if staging.passed is None:
        return "staging" if staging.attempts else "waiting"
    if not staging.is_good:
        return None
    if state.pending:
        return "asked"
    planning = state.turn_due or state.ask_again or state.wait or state.wait_held
    return "tested" if planning else None


def green_by(state: State) -> dict[str, str | None]:
    """Return the fact that staging's tests are green with a merge; none if they ran for another."""
    staging = state.staging
    own = state.origin == "merge" and staging is not None and staging.sha == state.sha
    return {GREEN: pull_of(state).model_dump_json()} if own else {}


# What others told.


def green(facts: Mapping[str, str]) -> Pull | None:
    """Return the merge that was green on staging last, None if none was."""
    return Pull.model_validate_json(facts[GREEN]) if GREEN in facts else None


def merges(facts: Mapping[str, str]) -> list[Merge]:
    """Return all merges that are under way, in the order of their arrival."""
    found = [_parsed(fact) for name, fact in facts.items() if name.startswith(FACT)]
    return sorted(found, key=lambda merge: arrival(merge.pull))


def asking(facts: Mapping[str, str], services: Collection[str]) -> list[str]:
    """Return the threads of the merges that may ask for approval and touch one of these services.

    One that shipped a part of it asks for the rest.
    """
    found = merges(facts) if services else []
    touched = (EVERYTHING, *services)
    asked = (merge for merge in found if merge.stage in ("asked", "shipping"))
    return [m.thread_id for m in asked if any(name in touched for name in m.lane.split(","))]


def told_of(thread_id: str, facts: Mapping[str, str]) -> Pull | None:
    """Return the merge of a thread; None if that is none, or not under way."""
    fact = facts.get(key(thread_id))
    return _parsed(fact).pull if fact else None


def mates(state: State, facts: Mapping[str, str]) -> list[Merge]:
    """Return the other merges of the same services, in the order of their arrival."""
    own = facts.get(key(state.thread_id))
    if own is None:
        return []
    lane = json.loads(own)["lane"]
    found = merges(facts)
    return [merge for merge in found if merge.lane == lane and merge.thread_id != state.thread_id]


def ships_all(state: State, newer: Pull, facts: Mapping[str, str]) -> Merge | None:
    """Return a newer merge that is tested and under way, if it is for all services of this one."""
    own, other = facts.get(key(state.thread_id)), facts.get(key(newer.thread_id))
    if own is None or other is None:
        return None
    merge, services = _parsed(other), set(json.loads(own)["lane"].split(","))
    all_of_it = merge.lane == EVERYTHING or services.issubset(merge.lane.split(","))
    return merge if all_of_it and merge.stage in HOLDING - {"back"} else None


def may_be_newer(state: State, merge: Merge) -> bool:
    """Tell whether another merge contains this one, as far as is known: else arrival tells."""
    met = state.met.get(merge.thread_id)
    if met and met.relation != "apart":
        return met.relation == "newer"
    return arrival(merge.pull) > arrival(pull_of(state)) and met is None


def may_be_older(state: State, merge: Merge) -> bool:
    """Tell whether another merge comes before this one; those that went apart by arrival."""
    met = state.met.get(merge.thread_id)
    if met and met.relation != "apart":
        return met.relation == "older"
    return arrival(merge.pull) < arrival(pull_of(state))


def has_in_it(state: State, other: Pull) -> bool:
    """Tell whether a merge has another one in it, as far as is known: else arrival tells."""
    met = state.met.get(other.thread_id)
    return met.relation == "older" if met else arrival(other) < arrival(pull_of(state))


def before(state: State, facts: Mapping[str, str]) -> list[Merge]:
    """Return the merges that a tested one waits for: older ones, and any that is rolled back.

    One that waits for this one is none of them.
    """
    found = (merge for merge in mates(state, facts) if merge.stage in HOLDING)
    return [
        merge
        for merge in found
        if (merge.stage == "back" or may_be_older(state, merge))
        and facts.get(f"{WAITS}{merge.thread_id}") != f"thread/{state.thread_id}"
    ]


def waits_for(state: State, facts: Mapping[str, str]) -> list[Merge]:
    """Return the older merges that a thread waits for now, if it is a merge and tested."""
    own = facts.get(key(state.thread_id))
    return before(state, facts) if own and _parsed(own).stage == "tested" else []


def hotfix_behind(state: State, facts: Mapping[str, str]) -> Merge | None:
    """Return an urgent merge that was tested and waits for this one."""
    behind = (
        merge
        for merge in mates(state, facts)
        if merge.urgent
        and merge.stage == "tested"
        and not merge.held
        and not may_be_older(state, merge)
    )
    return next(behind, None)


def newest(state: State, found: Iterable[Merge], *stages: Stage) -> Merge | None:
    """Return the newest merge of some stages that may contain this one, and is not held."""
    newer = (m for m in found if m.stage in stages and not m.held and may_be_newer(state, m))
    return max(newer, key=lambda merge: arrival(merge.pull), default=None)


def relied_on(state: State, facts: Mapping[str, str]) -> dict[str, str | None]:
    """Return what a card's writer saw of those who may be about to put up theirs."""
    begun = (mate for mate in mates(state, facts) if mate.stage != "waiting")
    return {key(mate.thread_id): facts[key(mate.thread_id)] for mate in begun}


def riders(facts: Mapping[str, str], thread_id: str) -> tuple[list[Pull], list[str]]:
    """Return the merges that ship with a thread, through others, too, and their facts' names."""
    left: dict[str, list[tuple[str, list[Pull]]]] = {}
    for name, fact in facts.items():
        if name.startswith(RIDER):
            told = json.loads(fact)
            pulls = [Pull.model_validate(pull) for pull in told["pulls"]]
            left.setdefault(told["into"], []).append((name, pulls))
    found: list[Pull] = []
    names: list[str] = []
    targets = [thread_id]
    for target in targets:
        for name, pulls in left.pop(target, []):
            targets.append(name.removeprefix(RIDER))
            names.append(name)
            found += pulls
    return found, names


def carries(merge: Merge, facts: Mapping[str, str]) -> int:
    """Return how many merges ship with another one, or are about to."""
    return merge.carries + len(riders(facts, merge.thread_id)[0])


def _parsed(fact: str) -> Merge:
    data = json.loads(fact)
    carries, held = data.get("carries", 0), data.get("held", False)
    pull = Pull.model_validate(data)
    return Merge(pull, data["lane"], data["stage"], data["urgent"], carries, held)


def arrival(pull: Pull) -> tuple[int, int, str]:
    """Return what merges are ordered by where nobody compares their commits."""
    return pull.at, pull.number, pull.thread_id
