"""Merges to which people said no, or staging, and whose commits another merge brought out anyway.

The one that ships them leaves a fact for each service, "out/<thread>/<service>", which the other
takes up and deletes. Its status need not say then how to go on with what is there already.
"""

from collections.abc import Iterable, Mapping

from app.core import lanes
from app.core.config import RepoConfig
from app.core.events import WentOut
from app.core.state import State

FACT = "out/"


def facts_of(state: State, service: str, kind: str) -> dict[str, str]:
    """Return the facts that follow where a thread changed a service with others' commits in it."""
    if kind == "job":
        return {}
    carried = [
        each
        for card in state.cards.values()
        for step in card.steps
        if step.name == service and step.spec.call_id in card.attempts
        for each in step.facts.declined
    ]
    event = WentOut(by=lanes.pull_of(state), service=service, back=kind == "rollback")
    told = event.model_dump_json(exclude={"type"})
    return {f"{FACT}{each.pull.thread_id}/{service}": told for each in carried}


def threads(facts: Iterable[str]) -> list[str]:
    """Return the threads that these facts are for."""
    names = (name.removeprefix(FACT) for name in facts if name.startswith(FACT))
    return list(dict.fromkeys(name.rpartition("/")[0] for name in names))


def told(state: State, facts: Mapping[str, str]) -> tuple[str, WentOut] | None:
    """Return what another merge has left for this one, with the name of its fact."""
    mine = (name for name in facts if name.startswith(f"{FACT}{state.thread_id}/"))
    name = next(mine, None)
    return (name, WentOut.model_validate_json(facts[name])) if name else None


def left(state: State, repo: RepoConfig) -> list[str]:
    """Return the services of a merge that did not get its commit, from here or with another one."""
    own = state.change.touched if state.change else tuple(repo.production.services)
    return [service for service in own if service not in {**state.shipped, **state.went_out}]
