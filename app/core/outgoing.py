"""Merges whose commits another merge brings out: with their people's will, or against it.

The one that ships them leaves a fact for each service, "out/<thread>/<service>", which the other
takes up and deletes. Its status need not say then how to go on with what is there already.
"""

from collections.abc import Iterable, Mapping

from app.core import lanes
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Pull, WentOut
from app.core.happened import place
from app.core.records import Elsewhere
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
    by, own = lanes.pull_of(state), state.thread_id
    event = WentOut(by=by, service=service, message=place(state), back=back)
    told = event.model_dump_json(exclude={"type", "over"})
    return {f"{FACT}{each.thread_id}/{service}": told for each in pulls if each.thread_id != own}


def threads(facts: Iterable[str]) -> list[str]:
    """Return the threads that these facts are for."""
    names = (name.removeprefix(FACT) for name in facts if name.startswith(FACT))
    return list(dict.fromkeys(name.rpartition("/")[0] for name in names))


def told(state: State, facts: Mapping[str, str]) -> tuple[str, WentOut] | None:
    """Return what another merge has left for this one, with the name of its fact."""
    mine = (name for name in facts if name.startswith(f"{FACT}{state.thread_id}/"))
    name = next(mine, None)
    return (name, WentOut.model_validate_json(facts[name])) if name else None


def is_over(state: State, repo: RepoConfig, told: WentOut, asks: bool = True) -> bool:
    """Tell whether nothing is left to do for a merge once it has heard this.

    `asks`: a card that waits in its thread is still to be decided.
    """
    nothing = not told.back and set(left(state, repo)) <= {told.service}
    stage = lanes.stage_of(state, repo)
    goes_on = stage is not None and (asks or stage != "asked")
    busy = state.turn_due or state.running or state.unknown or goes_on
    return nothing and not busy


def is_out(state: State, card: Card, *now: str) -> bool:
    """Tell whether other threads brought out all that a card asks for; `now`: services besides."""
    steps = [step.spec for step in card.steps]
    own = all(spec.kind == "deploy" and spec.sha == state.sha for spec in steps)
    return own and {spec.service for spec in steps} <= {*state.went_out, *now}


def has(state: State, service: str) -> bool:
    """Tell whether a service has a merge's commit, from here or from elsewhere, as far as known."""
    shipped = state.shipped.get(service) == state.sha and service not in state.taken_back
    return shipped or service in state.went_out


def is_back(state: State, service: str) -> bool:
    """Tell whether a service had a merge's commit, and a rollback took it out."""
    back = service in state.rolled_back or service in state.taken_back
    return back and not has(state, service)


def settled_by(state: State, card: Card) -> Elsewhere | None:
    """Return the other thread that brought out what a card asked for while it waited, if one did.

    A card whose time was up before that is an expired one.
    """
    if card.status != "expired" or not is_out(state, card):
        return None
    newest = max((state.went_out[step.name] for step in card.steps), key=lambda each: each.at)
    return newest if (card.decided_at or 0) >= newest.at else None


def left(state: State, repo: RepoConfig) -> list[str]:
    """Return the services of a merge that did not get its commit, from here or with another one."""
    own = state.change.touched if state.change else tuple(repo.production.services)
    return [service for service in own if service not in {**state.shipped, **state.went_out}]
