"""Each use of broken glass as a fact of the repository, until people are asked to look at it."""

from collections.abc import Mapping

from app.core.events import Event, GlassBroken, GlassUse, ReviewAsked
from app.core.state import State

FACT = "glass/"


def changes(event: Event, state: State, now: int) -> dict[str, str | None]:
    """Return the facts that an event brings or ends; each use has one of its own."""
    match event:
        case GlassBroken():
            use = _use(event, state, now)
            return {_fact(use): use.model_dump_json()}
        case ReviewAsked():
            return dict.fromkeys(map(_fact, event.uses))
        case _:
            return {}


def _use(event: GlassBroken, state: State, now: int) -> GlassUse:
    specs = state.cards[event.call_id].request.specs
    return GlassUse(
        thread_id=state.thread_id,
        call_id=event.call_id,
        service=", ".join(spec.service for spec in specs),
        sha=specs[0].sha,
        user=event.user,
        reason=event.reason,
        lifts=event.lifts,
        at=now,
    )


def _fact(use: GlassUse) -> str:
    return f"{FACT}{use.name}"


def unreviewed(facts: Mapping[str, str]) -> list[GlassUse]:
    """Return the uses that nobody was asked to look at yet, oldest first."""
    found = (told for name, told in facts.items() if name.startswith(FACT))
    uses = (GlassUse.model_validate_json(told) for told in found)
    return sorted(uses, key=lambda use: (use.at, use.name))
