"""Who approved which bytes: every production effect of a thread, traced to its clicks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.core import events as ev
from app.core.events import Attempt, Entry
from app.core.spec import ActionSpec, approval_cause, attempt_id, plan_hash, spec_hash

LATE = "It was started after the card had expired."
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

    `stated` is the click that said what became of it, where nobody could know. What was `withheld`
    was never sent: the look right before the send refused it.
    """

    attempt: Attempt
    started_at: int
    spec: ActionSpec | None
    approvals: Sequence[Click]
    problems: list[str]
    outcome: str = "running"
    withheld: bool = False
    ended_at: int | None = None
    stated: Click | None = None
    glass: Broken | None = None
    override: ev.Override | None = None


@dataclass(slots=True)
class _Card:
    request: ev.ApprovalRequested
    glass: Broken | None = None
    clicks: list[tuple[Click, tuple[str, ...]]] = field(
        default_factory=list[tuple[Click, tuple[str, ...]]]
    )
    settled: str = ""
    ended: str = ""
    in_effect: bool = False
    started: set[str] = field(default_factory=set[str])

    @property
    def is_under_way(self) -> bool:
        return bool(self.started) and len(self.started) < len(self.request.steps)

    def clicks_for(self, step: ev.PlanStep) -> tuple[Click, ...]:
        """Return the clicks that cover a step."""
        return tuple(click for click, covers in self.clicks if not covers or step.name in covers)


@dataclass(frozen=True, slots=True)
class _Asked:
    card: _Card
    step: ev.PlanStep
    number: int


def effects(entries: Iterable[Entry]) -> list[Effect]:
    """Trace every production effect to the clicks that approved exactly its bytes."""
    cards: dict[str, _Card] = {}
    traced: dict[str, Effect] = {}
    sent: set[str] = set()
    for entry in entries:
        _follow_cards(entry, cards)
        match entry.event:
            case ev.ToolStarted() as e if _is_effect(e.attempt):
                asked = _asked(cards, e.call_id or "")
                traced[e.attempt.attempt_id] = _traced(e.attempt, asked, entry.at, traced)
            case ev.ToolSent() as e if e.attempt_id in traced:
                sent.add(e.attempt_id)
            case ev.ToolEnded() as e if e.attempt_id in traced:
                effect = traced[e.attempt_id]
                effect.outcome, effect.ended_at = e.outcome, entry.at
                effect.withheld = e.withheld and e.attempt_id not in sent
                _end_plan(effect, cards)
                if effect.withheld:  # only its record came too late
                    effect.problems = [each for each in effect.problems if each != LATE]
            case ev.OutcomeStated() as e if e.attempt_id in traced:
                effect = traced[e.attempt_id]
                effect.outcome = "happened" if e.happened else "did not happen"
                effect.stated = Click(e.user, e.spec_hash, entry.at)
                effect.problems += _misstated(effect)
            case _:
                pass
    return list(traced.values())


def _asked(cards: Mapping[str, _Card], call_id: str) -> _Asked | None:
    for card in cards.values():
        for number, step in enumerate(card.request.steps):
            if step.spec.call_id == call_id:
                return _Asked(card, step, number)
    return None


def _follow_cards(entry: Entry, cards: dict[str, _Card]) -> None:
    match entry.event:
        case ev.ApprovalRequested() as e:
            cards[e.call_id] = _Card(e)
        case ev.ApprovalGranted() as e if e.call_id in cards:
            click = Click(e.user, e.spec_hash, entry.at, e.token)
            cards[e.call_id].clicks.append((click, e.covers))
        case ev.ApprovalTookEffect() as e if e.call_id in cards:
            cards[e.call_id].in_effect = True
        case ev.GlassBroken() as e if e.call_id in cards:
            _break_glass(entry.at, e, cards[e.call_id])
        case ev.ApprovalRejected() | ev.ApprovalExpired() | ev.ApprovalSuperseded() as e:
            if e.call_id in cards:
                cards[e.call_id].settled = e.type.removeprefix("approval_")
        case ev.StopRequested():
            for card in cards.values():
                if not card.started or card.is_under_way:
                    card.settled = card.settled or "stopped"
        case _:
            pass


def _break_glass(at: int, event: ev.GlassBroken, card: _Card) -> None:
    """Note that the glass was broken, which approves what was not approved yet."""
    card.glass = Broken(Click(event.user, event.spec_hash, at), event.reason, event.lifts)
    lacking = (
        len({click.user for click in card.clicks_for(step)}) < step.facts.needed
        for step in card.request.steps
    )
    if any(lacking):
        card.clicks.append((card.glass.click, ()))


def _end_plan(effect: Effect, cards: Mapping[str, _Card]) -> None:
    """Note that a plan ended with a step that did not succeed."""
    asked = _asked(cards, effect.spec.call_id) if effect.spec else None
    if asked and effect.outcome != "succeeded":
        asked.card.ended = f"{asked.step.name} {effect.outcome}"


def _is_effect(attempt: Attempt) -> bool:
    return attempt.environment == "production" and attempt.kind != "e2e"


def _traced(
    attempt: Attempt, asked: _Asked | None, at: int, before: Mapping[str, Effect]
) -> Effect:
    if asked is None:
        return Effect(attempt, at, None, (), ["Nobody was asked for it."])
    spec = asked.step.spec
    problems = [*_of_card(asked, at), *_of_order(asked), *_of_attempt(attempt, spec)]
    asked.card.started.add(spec.call_id)
    if attempt.attempt_id in before:
        problems.append("It was started twice.")
    effect = Effect(attempt, at, spec, asked.card.clicks_for(asked.step), problems)
    effect.glass, effect.override = asked.card.glass, asked.step.facts.override
    return effect


def _of_card(asked: _Asked, at: int) -> list[str]:
    request, facts = asked.card.request, asked.step.facts
    clicks = asked.card.clicks_for(asked.step)
    problems: list[str] = []
    if plan_hash(request.specs) != request.spec_hash:
        problems.append("The stored action has another hash than its card.")
    glass = asked.card.glass
    broken = [glass.click] if glass else []
    if any(click.spec_hash != request.spec_hash for click in [*clicks, *broken]):
        problems.append("An approval names another hash than the card.")
    if request.ahead and not asked.card.in_effect:
        problems.append("It was approved for when staging is green, and that had not been seen.")
    if asked.card.settled:
        problems.append(f"Its card was {asked.card.settled} before.")
    people = {click.user for click in clicks}
    problems += [f"{user} was none of the card's approvers." for user in _strangers(asked, people)]
    needed = 1 if glass and "approvals_needed" in glass.lifts else facts.needed
    if len(people) < needed:
        problems.append(f"It has {len(people)} of {needed} approvals.")
    if at >= asked.step.spec.expires_at:
        problems.append(LATE)
    return problems


def _of_order(asked: _Asked) -> list[str]:
    """Compare the order in which a plan's steps began with the order that was approved."""
    card, before = asked.card, asked.card.request.steps[: asked.number]
    problems = [
        f"It was started before {step.name}, which the plan has in front of it."
        for step in before
        if step.spec.call_id not in card.started
    ]
    return [*problems, f"Its plan had ended before: {card.ended}."] if card.ended else problems


def _strangers(asked: _Asked, people: Iterable[str]) -> list[str]:
    """Return who approved and is not on the card; members of user groups cannot be told."""
    facts, card = asked.step.facts, asked.card
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
