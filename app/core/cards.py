"""An approval card: what was asked, who answered what; changed by the fold alone."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.core.events import (
    ApprovalRequested,
    CallKind,
    Declined,
    Lift,
    PlanStep,
    Pull,
    Spoken,
)
from app.core.spec import ActionSpec

CardStatus = Literal["pending", "approved", "rejected", "expired", "superseded", "stopped"]


@dataclass(frozen=True, slots=True)
class Glass:
    """Who broke the glass for a card, when and why, and the rules that this lifts for it."""

    user: str
    spec_hash: str
    reason: str
    lifts: tuple[Lift, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A click on Approve: by whom, when (ms), on which hash, and for which steps; () is all."""

    user: str
    at: int
    spec_hash: str
    covers: tuple[str, ...] = ()


@dataclass(slots=True)
class Reminded:
    """People who were called about a card that waited; `waiting` is the hotfix behind it."""

    kind: CallKind
    whom: tuple[str, ...]
    at: int
    waiting: Pull | None = None


CARD_SLOT = "card:"


@dataclass(slots=True)
class Card:
    """An approval card: what was asked, who answered what, and the runs that came of it.

    It is about one step, or an ordered plan of several; `steps` are all of them either way.
    `unheard_by` is whose words the model could make nothing of: they hold the card, too.
    `by_command` are those who did so on the command line.
    `proposed_by` names the model or planner whose words its reason is, `tool` is what it called.
    `attempts` holds the attempt of each step that began, by the step's call id. `void` says why
    the steps that have not begun never will. `into` is the merge whose card ships this, too.
    `shown_at` is when its message was posted (ms), None while nobody can see it.
    `urgent_at` is when a person said that it is urgent while it waited (ms).
    One that people approve while staging runs is `in_effect` from the moment that it is green.
    `lost` are the approvals of the card that code made anew as this one: they no longer count.
    `declined` and `spoken` are what was said since it was made of merges that go out with it.
    """

    request: ApprovalRequested
    at: int
    proposed_by: str = "model"
    tool: str = ""
    status: CardStatus = "pending"
    approvals: list[Approval] = field(default_factory=list[Approval])
    by_command: set[str] = field(default_factory=set[str])
    decided_by: str = ""
    decided_at: int | None = None
    text: str = ""
    released: bool = False
    unheard_by: str | None = None
    holds_released: dict[str, str] = field(default_factory=dict[str, str])
    attempts: dict[str, str] = field(default_factory=dict[str, str])
    void: str = ""
    reminded: list[Reminded] = field(default_factory=list[Reminded])
    urgent_at: int | None = None
    glass: Glass | None = None
    into: Pull | None = None
    shown_at: int | None = None
    in_effect: bool = False
    lost: tuple[Approval, ...] = ()
    declined: tuple[Declined, ...] = ()
    spoken: tuple[Spoken, ...] = ()

    @property
    def is_ahead(self) -> bool:
        """Tell whether it waits for a green staging before anything else: nothing of it begins."""
        is_open = self.status in ("pending", "approved")
        return bool(self.request.ahead) and not self.in_effect and is_open

    @property
    def takes_back(self) -> bool:
        """Tell whether it is about a rollback: its rejection leaves what is out."""
        return self.request.spec.kind == "rollback"

    @property
    def was_withdrawn(self) -> bool:
        """Tell whether people rejected it without saying what they want instead."""
        return self.status == "rejected" and not self.text

    @property
    def lifted(self) -> tuple[Lift, ...]:
        """Return the rules that do not count for this card because the glass was broken."""
        return self.glass.lifts if self.glass else ()

    @property
    def slot(self) -> str:
        """Return the slot of its message."""
        return f"{CARD_SLOT}{self.request.call_id}"

    @property
    def steps(self) -> tuple[PlanStep, ...]:
        """Return every step in order."""
        return self.request.steps

    @property
    def fullest(self) -> PlanStep:
        """Return the step that brings the most commits, or takes the most out."""
        return max(self.steps, key=lambda s: (s.facts.commits_total, len(s.facts.commits)))

    @property
    def approvers(self) -> list[str]:
        """Return who approved, in order."""
        return [approval.user for approval in self.approvals]

    @property
    def expires_at(self) -> int:
        """Return when it expires (ms); all its steps do so at once."""
        return self.request.spec.expires_at

    @property
    def left(self) -> list[PlanStep]:
        """Return the steps that have not begun."""
        return [step for step in self.steps if step.spec.call_id not in self.attempts]

    @property
    def next_step(self) -> PlanStep | None:
        """Return the approved step that is to begin next."""
        begins = self.status == "approved" and not self.void and not self.is_ahead
        left = self.left if begins else []
        return left[0] if left else None

    @property
    def held_steps(self) -> list[PlanStep]:
        """Return the steps whose service was on hold, where no approver released it."""
        return [s for s in self.steps if s.facts.hold and s.name not in self.holds_released]

    def approvals_of(self, step: PlanStep) -> list[Approval]:
        """Return the clicks that approve a step."""
        return [a for a in self.approvals if not a.covers or step.name in a.covers]

    def missing(self, step: PlanStep) -> int:
        """Return how many approvals a step needs that are not there."""
        people = {approval.user for approval in self.approvals_of(step)}
        return max(0, self.needed(step) - len(people))

    def needed(self, step: PlanStep) -> int:
        """Return how many approvals a step needs in all."""
        return 1 if "approvals_needed" in self.lifted else max(1, step.facts.needed)


class Asked(NamedTuple):
    """A step that people were asked to approve, and the card that did."""

    card: Card
    step: PlanStep

    @property
    def spec(self) -> ActionSpec:
        """Return what the step consists of."""
        return self.step.spec
