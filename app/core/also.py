"""Cards that bring out a merge of another thread, too: the card of that one says so while it waits.

A thread leaves a fact, "asks/<thread>", as long as a card of it is open that ships others. The one
that has the newer commit lists the older one among what it ships.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.cards import Card
from app.core.events import PlanStep, Pull
from app.core.events.values import Frozen
from app.core.happened import place
from app.core.lanes import pull_of
from app.core.records import Elsewhere
from app.core.state import State

FACT = "asks/"
MOST = 20  # the newest of the merges that are told of a card; others hear when they are out


class Asks(Frozen):
    """What an open card of the thread `by` brings out: to which services, by a merge's thread."""

    by: Pull
    message: str = ""
    ships: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Also:
    """The thread whose card brings out what another card asks for, and for which services."""

    thread: Elsewhere
    services: tuple[str, ...]


def key(thread_id: str) -> str:
    """Name the fact of a thread that asks."""
    return f"{FACT}{thread_id}"


def fact_of(state: State) -> str | None:
    """Return which other merges the open card of a thread brings out; None where it has none."""
    ships: dict[str, tuple[str, ...]] = {}
    for step in _open(state):
        for pull in step.facts.others if step.spec.kind == "deploy" else ():
            if pull.thread_id not in state.carried:
                ships[pull.thread_id] = (*ships.get(pull.thread_id, ()), step.name)
    told = dict(list(ships.items())[:MOST])
    asks = Asks(by=pull_of(state), message=place(state), ships=told)
    return asks.model_dump_json() if told else None


def _open(state: State) -> Sequence[PlanStep]:
    running = state.asked(state.running.call_id) if state.running else None
    card = state.pending or state.ahead or state.approved or (running.card if running else None)
    return card.steps if card else ()


def changed(was: str | None, now: str | None) -> list[str]:
    """Return the threads for which another fact says something else, or nothing any more."""
    before, after = (_ships(fact) for fact in (was, now))
    return sorted(each for each in {**before, **after} if before.get(each) != after.get(each))


def _ships(fact: str | None) -> Mapping[str, tuple[str, ...]]:
    return Asks.model_validate_json(fact).ships if fact else {}


def asked_for(state: State, card: Card, facts: Mapping[str, str]) -> list[Also]:
    """Return the other threads whose open cards bring out what a card asks for, too."""
    names = {step.name for step in card.steps if step.spec.kind == "deploy"}
    if card.request.spec.sha != state.sha:
        return []
    found: list[Also] = []
    for name, fact in sorted(facts.items()):
        asks = Asks.model_validate_json(fact) if name.startswith(FACT) else None
        services = asks.ships.get(state.thread_id, ()) if asks else ()
        if asks and names.intersection(services):
            shared = tuple(service for service in services if service in names)
            found.append(Also(Elsewhere(asks.by, asks.message, asks.by.at), shared))
    return found
