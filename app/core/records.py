"""What a state consists of besides cards: runs, sentences, words; changed by the fold alone."""

from dataclasses import dataclass, field
from typing import Literal

from app.core.events import (
    Attempt,
    FailedBefore,
    GlassUse,
    Line,
    Override,
    Pull,
    RideChanged,
    WaitEnded,
    WaitStarted,
)
from app.core.spec import EffectKind

STOPPED = "stopped"

Outcome = Literal["succeeded", "failed", "cancelled", "unknown"]
SayKind = Literal["reply", "question", "stuck", "note", "done", "wait", "answer"]


@dataclass(slots=True)
class Words:
    """What a person said, and when; `answered` by words alone, which changed nothing.

    It was `obeyed` if it was an order and nothing else, and this came of it.
    """

    user: str
    text: str
    at: int
    answered: bool = False
    obeyed: EffectKind | Literal["tests", ""] = ""


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


@dataclass(slots=True)
class Say:
    """A sentence of the bot's; `n` names its slot. An answer has `lines`, of which `cut` more.

    Of a wait it says what for and how it ended. A question is `about` the words that it was asked
    for, if any; `owed` says that a step was due besides, which their answer may bring back.
    It `keeps_place` where the merge, behind older ones, stays in line meanwhile.
    """

    n: int
    call_id: str
    text: str
    because: SayKind
    at: int
    choices: tuple[str, ...] = ()
    answered: bool = False
    wait: WaitStarted | None = None
    wait_end: WaitEnded | None = None
    lines: tuple[Line, ...] = ()
    cut: int = 0
    about: tuple[Words, ...] = ()
    owed: bool = False
    keeps_place: bool = False


@dataclass(slots=True)
class Staging:
    """One run through staging for a SHA; `number` counts the runs of this thread from 1.

    It was `asked_for` by people or the agent, or else is what the merge began. The tests of a newer
    merge counted for it if it is `by` that. `red_before` were others that it has in it.
    """

    sha: str
    scope: Literal["all", "e2e"]
    number: int
    started_at: int
    attempts: list[str] = field(default_factory=list[str])
    passed: bool | None = None
    summary: str = ""
    ended_at: int | None = None
    asked_for: bool = False
    override: Override | None = None
    by: Pull | None = None
    red_before: tuple[Pull, ...] = ()

    @property
    def is_good(self) -> bool:
        """Tell whether its commit may go on: it passed, or an approver overrode its red tests."""
        return self.passed is True or self.override is not None

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
    chosen: str = ""


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


@dataclass(slots=True)
class Joined:
    """The newer merge that ships this one; `tested`: this one was tested by itself before.

    `ride` is what came of it where that one ended without this; `urgent`: that one was told so.
    """

    into: Pull
    at: int
    tested: bool = False
    user: str = ""
    ride: "Ride | None" = None
    urgent: bool = False


@dataclass(slots=True)
class Ride:
    """The end of the merge that was to ship this one, and when it went on, if it did (ms).

    `n` names its slot; `at` is when people heard of it first.
    """

    n: int
    end: RideChanged
    at: int
    ended_at: int
    goes_on_at: int | None = None

    @property
    def is_broken(self) -> bool:
        """Tell whether that merge did not go on."""
        return self.goes_on_at is None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another thread that brought this one's commit to a service, or took it back, at `at` (ms).

    `message` is where that thread is in Slack, "<channel>|<ts>". `was` is the merge with which the
    commit had gone out, where it was taken back; None where that was this thread's own.
    """

    by: Pull
    message: str
    at: int
    was: Pull | None = None


@dataclass(slots=True)
class Offer:
    """The question on a card what is to become of it and of a newer merge, the first of `pulls`.

    `carries` is how many merges shipped with that one when it was put.
    """

    pulls: tuple[Pull, ...]
    at: int
    carries: int = 0
    answer: Literal["", "both", "keep", "wait"] = ""
    user: str = ""
    answered_at: int | None = None


@dataclass(slots=True)
class Series:
    """The merges that are tested one by one, oldest first."""

    pulls: tuple[Pull, ...]
