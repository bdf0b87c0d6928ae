"""What a thread's state is made of: runs, cards, sentences, words; changed by the fold alone."""

from dataclasses import dataclass, field
from typing import Literal

from app.core.events import ApprovalRequested, Attempt, FailedBefore, GlassUse, Lift, Line

STOPPED = "stopped"

Outcome = Literal["succeeded", "failed", "cancelled", "unknown"]
CardStatus = Literal["pending", "approved", "rejected", "expired", "superseded", "stopped"]
SayKind = Literal["reply", "question", "stuck", "note", "done", "wait", "answer"]


@dataclass(slots=True)
class Words:
    """What a person said, and when."""

    user: str
    text: str
    at: int


@dataclass(slots=True)
class Run:
    """An attempt and what became of it; `before` is what its red tests did earlier."""

    attempt: Attempt
    call_id: str | None
    started_at: int
    send_by: int
    sent: bool = False
    reference: str = ""
    line: str = ""
    line_at: int = 0
    ended_at: int | None = None
    seconds: float | None = None
    outcome: Outcome | None = None
    summary: str = ""
    stated_by: str | None = None
    failing_tests: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    before: tuple[FailedBefore, ...] = ()
    cancel_requested: bool = False
    cancel_unanswered: bool = False
    cancel_possible: bool = False

    @property
    def is_production_effect(self) -> bool:
        """Tell whether this run changes what production runs."""
        return self.attempt.environment == "production" and self.attempt.kind != "e2e"


@dataclass(frozen=True, slots=True)
class Glass:
    """Who broke the glass for a card, when and why, and the rules that this lifts for it."""

    user: str
    reason: str
    lifts: tuple[Lift, ...]
    at: int


@dataclass(slots=True)
class Card:
    """An approval card: what was asked, who answered what, and the run that came of it.

    `unheard_by` is whose words the model could make nothing of: they hold the card, too.
    `by_command` are those who did so on the command line.
    `proposed_by` names the model or planner whose words its reason is.
    """

    request: ApprovalRequested
    at: int
    proposed_by: str = "model"
    status: CardStatus = "pending"
    approvals: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    granted: list[str] = field(default_factory=list[str])
    by_command: set[str] = field(default_factory=set[str])
    decided_by: str = ""
    decided_at: int | None = None
    text: str = ""
    released: bool = False
    unheard_by: str | None = None
    hold_released_by: str = ""
    attempt_id: str | None = None
    glass: Glass | None = None

    @property
    def lifted(self) -> tuple[Lift, ...]:
        """Return the rules that do not count for this card because the glass was broken."""
        return self.glass.lifts if self.glass else ()

    @property
    def needed(self) -> int:
        """Return how many approvals it takes."""
        return 1 if "approvals_needed" in self.lifted else self.request.facts.needed

    @property
    def approvers(self) -> list[str]:
        """Return who approved, in order."""
        return [user for user, _ in self.approvals]


@dataclass(slots=True)
class Say:
    """A sentence of the bot's; `n` names its slot. An answer has `lines`, of which `cut` more."""

    n: int
    call_id: str
    text: str
    because: SayKind
    at: int
    choices: tuple[str, ...] = ()
    answered: bool = False
    until: int | None = None
    lines: tuple[Line, ...] = ()
    cut: int = 0


@dataclass(slots=True)
class Staging:
    """One run through staging for a SHA; `number` counts the runs of this thread from 1."""

    sha: str
    scope: Literal["all", "e2e"]
    number: int
    started_at: int
    attempts: list[str] = field(default_factory=list[str])
    passed: bool | None = None
    summary: str = ""
    ended_at: int | None = None

    @property
    def stopped(self) -> bool:
        """Tell whether people stopped it before it was through."""
        return self.passed is False and self.summary == STOPPED


@dataclass(slots=True)
class Verification:
    """The production e2e tests after the newest effects."""

    attempts: list[str] = field(default_factory=list[str])
    passed: bool | None = None
    failing_tests: tuple[str, ...] = ()
    after_rollback: bool = False
    at: int | None = None


@dataclass(slots=True)
class Locking:
    """A lock that the thread placed, or the end of one (`ends`); `n` names its slot.

    `opens`: the thread was begun for it. `ended` says who ended it for which service.
    """

    n: int
    services: tuple[str, ...]
    user: str
    at: int
    reason: str = ""
    until: int | None = None
    ends: bool = False
    opens: bool = False
    ended: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class Review:
    """Uses of the glass that people were asked to look at; `reviewed`: by whom and when, each."""

    uses: tuple[GlassUse, ...]
    at: int
    reviewed: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    @property
    def open(self) -> list[GlassUse]:
        """Return the uses that nobody has looked at."""
        return [use for use in self.uses if use.name not in self.reviewed]

    @property
    def reviewers(self) -> list[str]:
        """Return who looked at some, each once."""
        return list(dict.fromkeys(user for user, _ in self.reviewed.values()))
