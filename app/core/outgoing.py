"""Merges whose commits another merge brings out: with their people's will, or against it.

The one that ships them leaves a fact for each service, "out/<thread>/<service>", which the other
takes up and deletes. Its status need not say then how to go on with what is there already.
"""

from collections.abc import Iterable, Mapping

from app.core import lanes
from app.core.config import RepoConfig
from app.core.events import Pull, WentOut
from app.core.state import State

FACT = "out/"


def facts_of(state: State, service: str, kind: str) -> dict[str, str | None]:
    """Return the facts that follow where a thread changed a service with others' commits in it."""
    if kind == "job":
        return {}
    begun = [
        step
        for card in state.cards.values()
        for step in card.steps
        if step.name == service and step.spec.call_id in card.attempts
    ]
    carried = [pull for step in begun for pull in step.facts.others]
    carried += [each.pull for step in begun for each in step.facts.declined]
    if any(step.spec.kind == "deploy" and step.spec.sha == state.sha for step in begun):
        carried += state.carried.values()
    return _told(state, carried, service, kind == "rollback")


def facts_of_late(state: State, pulls: Iterable[Pull]) -> dict[str, str | None]:
    """Return the facts for merges that came to ship with one whose commit is partly out."""
    there = [service for service, sha in state.shipped.items() if sha == state.sha]
    told: dict[str, str | None] = {}
    for service in there:
        told |= _told(state, pulls, service)
    return told


def _told(
    state: State, pulls: Iterable[Pull], service: str, back: bool = False
) -> dict[str, str | None]:
    event = WentOut(by=lanes.pull_of(state), service=service, back=back)
    told = event.model_dump_json(exclude={"type", "over"})
    return {f"{FACT}{each.thread_id}/{service}": told for each in pulls}


def threads(facts: Iterable[str]) -> list[str]:
    """Return the threads that these facts are for."""
    names = (name.removeprefix(FACT) for name in facts if name.startswith(FACT))
    return list(dict.fromkeys(name.rpartition("/")[0] for name in names))


def told(state: State, facts: Mapping[str, str]) -> tuple[str, WentOut] | None:
    """Return what another merge has left for this one, with the name of its fact."""
    mine = (name for name in facts if name.startswith(f"{FACT}{state.thread_id}/"))
    name = next(mine, None)
    return (name, WentOut.model_validate_json(facts[name])) if name else None


def is_over(state: State, repo: RepoConfig, told: WentOut) -> bool:
    """Tell whether nothing is left to do for a merge once it has heard this."""
    nothing = not told.back and set(left(state, repo)) <= {told.service}
    busy = state.turn_due or state.running or state.unknown or lanes.stage_of(state, repo)
    return nothing and not busy


def left(state: State, repo: RepoConfig) -> list[str]:
    """Return the services of a merge that did not get its commit, from here or with another one."""
    own = state.change.touched if state.change else tuple(repo.production.services)
    return [service for service in own if service not in {**state.shipped, **state.went_out}]
