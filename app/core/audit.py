"""Who approved which bytes: every production effect of a thread, traced to its clicks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.core import events as ev
from app.core.events import Attempt, Entry
from app.core.spec import ActionSpec, approval_cause, attempt_id, spec_hash

_OF_PEOPLE: frozenset[ev.Lift] = frozenset({"approvers", "self_approval"})


@dataclass(frozen=True, slots=True)
class Click:
    """A person's click: who, on which hash, and when (milliseconds since the epoch).

    The `token` is what stood for Slack's word on who they are, on the command line.
    """

    user: str
    spec_hash: str
    at: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """That a person broke the glass for a hash: why, and which rules that lifted."""

    click: Click
    reason: str
    lifts: Sequence[ev.Lift]


@dataclass(slots=True)
class Effect:
    """A production effect with what led to it; `problems` says what does not fit, a sentence each.

    `stated` is the click that said what became of it, where nobody could know.
    """

    attempt: Attempt
    started_at: int
    spec: ActionSpec | None
    approvals: Sequence[Click]
    problems: list[str]
    outcome: str = "running"
    ended_at: int | None = None
    stated: Click | None = None
    glass: Broken | None = None


@dataclass(slots=True)
class _Asked:
    request: ev.ApprovalRequested
    glass: Broken | None = None
    clicks: list[Click] = field(default_factory=list[Click])
    settled: str = ""
    started: bool = False


def effects(entries: Iterable[Entry]) -> list[Effect]:
    """Trace every production effect to the clicks that approved exactly its bytes."""
    asked: dict[str, _Asked] = {}
    traced: dict[str, Effect] = {}
    for entry in entries:
        _follow_cards(entry, asked)
        match entry.event:
            case ev.ToolStarted() as e if _is_effect(e.attempt):
                card = asked.get(e.call_id or "")
                traced[e.attempt.attempt_id] = _traced(e.attempt, card, entry.at, traced)
            case ev.ToolEnded() as e if e.attempt_id in traced:
                effect = traced[e.attempt_id]
                effect.outcome, effect.ended_at = e.outcome, entry.at
            case ev.OutcomeStated() as e if e.attempt_id in traced:
                effect = traced[e.attempt_id]
                effect.outcome = "happened" if e.happened else "did not happen"
                effect.stated = Click(e.user, e.spec_hash, entry.at)
                effect.problems += _misstated(effect)
            case _:
                pass
    return list(traced.values())


def _follow_cards(entry: Entry, asked: dict[str, _Asked]) -> None:
    match entry.event:
        case ev.ApprovalRequested() as e:
            asked[e.call_id] = _Asked(e)
        case ev.ApprovalGranted() as e if e.call_id in asked:
            asked[e.call_id].clicks.append(Click(e.user, e.spec_hash, entry.at, e.token))
        case ev.GlassBroken() as e if e.call_id in asked:
            _break_glass(entry.at, e, asked[e.call_id])
        case ev.ApprovalRejected() | ev.ApprovalExpired() | ev.ApprovalSuperseded() as e:
            if e.call_id in asked:
                asked[e.call_id].settled = e.type.removeprefix("approval_")
        case ev.StopRequested():
            for card in asked.values():
                card.settled = card.settled or ("" if card.started else "stopped")
        case _:
            pass


def _break_glass(at: int, event: ev.GlassBroken, card: _Asked) -> None:
    """Note that the glass was broken, which approves what was not approved yet."""
    card.glass = Broken(Click(event.user, event.spec_hash, at), event.reason, event.lifts)
    if len({click.user for click in card.clicks}) < card.request.facts.needed:
        card.clicks.append(card.glass.click)


def _is_effect(attempt: Attempt) -> bool:
    return attempt.environment == "production" and attempt.kind != "e2e"


def _traced(attempt: Attempt, card: _Asked | None, at: int, before: Mapping[str, Effect]) -> Effect:
    if card is None:
        return Effect(attempt, at, None, (), ["Nobody was asked for it."])
    card.started = True
    problems = [*_of_card(card, at), *_of_attempt(attempt, card.request.spec)]
    if attempt.attempt_id in before:
        problems.append("It was started twice.")
    effect = Effect(attempt, at, card.request.spec, tuple(card.clicks), problems)
    effect.glass = card.glass
    return effect


def _of_card(card: _Asked, at: int) -> list[str]:
    request = card.request
    problems: list[str] = []
    if spec_hash(request.spec) != request.spec_hash:
        problems.append("The stored action has another hash than its card.")
    broken = [card.glass.click] if card.glass else []
    if any(click.spec_hash != request.spec_hash for click in [*card.clicks, *broken]):
        problems.append("An approval names another hash than the card.")
    if card.settled:
        problems.append(f"Its card was {card.settled} before.")
    people = {click.user for click in card.clicks}
    problems += [f"{user} was none of the card's approvers." for user in _strangers(card, people)]
    lifted = card.glass.lifts if card.glass else ()
    needed = 1 if "approvals_needed" in lifted else request.facts.needed
    if len(people) < needed:
        problems.append(f"It has {len(people)} of {needed} approvals.")
    if at >= request.spec.expires_at:
        problems.append("It was started after the card had expired.")
    return problems


def _strangers(card: _Asked, people: Iterable[str]) -> list[str]:
    """Return who approved and is not on the card; members of user groups cannot be told."""
    facts = card.request.facts
    groups = any(name.startswith("S") for name in facts.approvers)
    lifted = set(card.glass.lifts) if card.glass else set[ev.Lift]()
    breaker = card.glass.click.user if card.glass and lifted & _OF_PEOPLE else ""
    return sorted(
        user
        for user in people
        if user != breaker and (user in facts.barred or not (groups or user in facts.approvers))
    )


def _of_attempt(attempt: Attempt, spec: ActionSpec) -> list[str]:
    """Compare what was run with what was shown."""
    shown = spec.model_dump(include=set(Attempt.model_fields))
    run = attempt.model_dump(exclude={"attempt_id"})
    problems = [
        f"Its {name} is {run[name]!r}, and the card said {shown[name]!r}."
        for name in run
        if run[name] != shown[name]
    ]
    if attempt.attempt_id != attempt_id(approval_cause(spec), spec_hash(spec)):
        problems.append("Its attempt id does not follow from the approved action.")
    return problems


def _misstated(effect: Effect) -> list[str]:
    if effect.spec is None or effect.stated is None:
        return []
    if effect.stated.spec_hash != spec_hash(effect.spec):
        return ["Its outcome was stated of another action."]
    return []
