"""What a thread's events add up to: the one picture that deciding, prompting and Slack share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.core.cards import Asked, Card
from app.core.events import (
    ApprovalPrepared,
    Block,
    ChangeSeen,
    Commit,
    FactsFetched,
    How,
    LockWaited,
    ModelDown,
    OrderSeen,
    Pull,
    PullRequest,
    SourceWaited,
    UndeployedAnswered,
    UndeployedFound,
    WaitStarted,
)
from app.core.records import (
    Elsewhere,
    Joined,
    Locking,
    Offer,
    Review,
    Ride,
    Run,
    Say,
    Series,
    Staging,
    Verification,
    Words,
)

Mode = Literal["deploy", "rollback"]

MAX_STEPS = 20
MAX_ERRORS = 3


@dataclass(slots=True)
class State:
    """Everything that follows from the events; changed by the fold alone."""

    thread_id: str = ""
    repo: str = ""
    branch: str = ""
    channel: str = ""
    origin: Literal["merge", "mention", "command", "schedule"] = "merge"
    sha: str | None = None
    pull_request: PullRequest | None = None
    asked_by: str | None = None
    root_ts: str | None = None
    started_at: int = 0
    version: int = 0
    shadow: bool = False
    newer: list[str] = field(default_factory=list[str])

    change: ChangeSeen | None = None
    undeployed: UndeployedFound | None = None
    undeployed_answer: UndeployedAnswered | None = None
    stagings: list[Staging] = field(default_factory=list[Staging])
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    cards: dict[str, Card] = field(default_factory=dict[str, Card])
    prepared: ApprovalPrepared | None = None
    says: list[Say] = field(default_factory=list[Say])
    words: list[Words] = field(default_factory=list[Words])
    known: dict[str, Commit] = field(default_factory=dict[str, Commit])
    named: set[str] = field(default_factory=set[str])
    refused: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    facts: FactsFetched | None = None
    facts_at: int | None = None
    slots: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    urgent_label: str = ""
    urgent_by: str = ""
    urgent_of: Pull | None = None
    met: dict[str, OrderSeen] = field(default_factory=dict[str, OrderSeen])
    carried: dict[str, Pull] = field(default_factory=dict[str, Pull])
    carried_since: dict[str, int] = field(default_factory=dict[str, int])
    riders_told: How | None = None
    rides: list[Ride] = field(default_factory=list[Ride])
    went_out: dict[str, Elsewhere] = field(default_factory=dict[str, Elsewhere])
    taken_back: dict[str, Elsewhere] = field(default_factory=dict[str, Elsewhere])
    out_at: int | None = None  # when nothing was left to do, for other merges had brought it out
    joined: Joined | None = None
    offers: list[Offer] = field(default_factory=list[Offer])
    series: Series | None = None

    mode: Mode = "deploy"
    owes_step: bool = False
    unread: list[Words] = field(default_factory=list[Words])
    unresolved: list[str] = field(default_factory=list[str])
    replans: int = 0
    steps: int = 0
    errors: int = 0
    plan_ended: str | None = None
    there: set[str] = field(default_factory=set[str])  # what had its commit when the plan ended
    stopped_by: str | None = None
    wait: WaitStarted | None = None
    wait_held: WaitStarted | None = None  # while words are read: an answer to them lets it go on
    question_held: Say | None = None  # likewise
    model_down: ModelDown | None = None
    ask_again: tuple[str, str] | None = None
    last_error: str = ""
    fault: str | None = None
    verify_requested: bool = False

    locks: set[str] = field(default_factory=set[str])
    waits_for_lock: LockWaited | None = None
    waits_for_source: SourceWaited | None = None
    waits_for_block: Block | None = None
    waits_since: int = 0  # when it began to wait for one of these (ms)
    lockings: list[Locking] = field(default_factory=list[Locking])
    proposals: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    sightings: list[tuple[int, Mapping[str, str]]] = field(
        default_factory=list[tuple[int, Mapping[str, str]]]
    )
    reviews: dict[str, Review] = field(default_factory=dict[str, Review])
    effects: dict[str, str] = field(default_factory=dict[str, str])
    shipped: dict[str, str] = field(default_factory=dict[str, str])
    ran: dict[str, str] = field(default_factory=dict[str, str])
    rolled_back: dict[str, str] = field(default_factory=dict[str, str])
    verification: Verification | None = None
    red: Verification | None = None  # the last production tests that ended, unless they were green
    holds_due: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def is_urgent(self) -> bool:
        """Tell whether a label or a person said so: it goes first, and calls people at any hour.

        What is out by another merge is in no hurry any more.
        """
        return bool(self.urgent_label or self.urgent_by) and self.out_at is None

    @property
    def staging(self) -> Staging | None:
        """Return the newest run through staging."""
        return self.stagings[-1] if self.stagings else None

    @property
    def running(self) -> Run | None:
        """Return the attempt that has no outcome yet; there is at most one."""
        return next((run for run in self.runs.values() if run.outcome is None), None)

    @property
    def unknown(self) -> Run | None:
        """Return the production effect of which nobody knows whether it happened."""
        unknown = (r for r in self.runs.values() if r.outcome == "unknown")
        return next((run for run in unknown if run.is_production_effect), None)

    @property
    def pending(self) -> Card | None:
        """Return the card that waits for people; there is at most one."""
        waiting = (c for c in self.cards.values() if c.status == "pending")
        return next((card for card in waiting if not card.is_ahead), None)

    @property
    def ahead(self) -> Card | None:
        """Return the card that is approved, or partly so, for when staging is green."""
        return next((card for card in self.cards.values() if card.is_ahead), None)

    @property
    def revocable(self) -> Card | None:
        """Return the card that was approved ahead of staging and of which nothing began."""
        card = self.ahead or self.approved
        return card if card and card.request.ahead and not card.attempts else None

    @property
    def approved(self) -> Card | None:
        """Return the approved card of which a step has not begun that is to."""
        return next((card for card in self.cards.values() if card.next_step), None)

    @property
    def under_way(self) -> Card | None:
        """Return the approved plan of which a step began and another one is to."""
        card = self.approved
        return card if card and card.attempts else None

    @property
    def to_hold(self) -> Card | None:
        """Return the card whose next step unread words hold: it waits, or is under way."""
        return self.pending or self.changeable

    @property
    def changeable(self) -> Card | None:
        """Return the card that was approved, and can be given up for another plan."""
        return self.ahead or self.under_way

    def asked(self, call_id: str | None) -> Asked | None:
        """Return the step that is known by a call id, with its card."""
        for card in self.cards.values():
            for step in card.steps:
                if step.spec.call_id == call_id:
                    return Asked(card, step)
        return None

    @property
    def held_by(self) -> str | None:
        """Return the person whose words hold the card that waits or is under way, if any."""
        card = self.to_hold
        if card is None or card.released:
            return None
        if self.unread:
            return self.unread[0].user
        doubt = self.in_doubt
        return doubt.about[0].user if doubt else card.unheard_by

    @property
    def in_doubt(self) -> Say | None:
        """Return the open question what people meant by their words, also while more are read.

        A card that waits is held by those words until it is answered.
        """
        question = self.question_held or self.question
        return question if question and question.about else None

    @property
    def held_in_line(self) -> bool:
        """Tell whether words hold a merge that waits for older ones, and has no card yet."""
        return bool(self.in_doubt and self.in_doubt.keeps_place and not self.to_hold)

    @property
    def unheard(self) -> bool:
        """Tell whether the words that hold the card are not about to be read."""
        return self.held_by is not None and (self.model_down is not None or not self.unread)

    @property
    def plan(self) -> int:
        """Return the plan's number: 1 + the number of re-plans."""
        return 1 + self.replans

    @property
    def touches_nothing(self) -> bool:
        """Tell whether the merge changed no service, and nobody wanted anything of it."""
        nothing = self.change is not None and not self.change.touched
        return nothing and not self.words and not self.runs

    def is_untouched(self, service: str) -> bool:
        """Tell whether the merge of this thread is known to change nothing of a service."""
        return self.change is not None and service not in (*self.change.touched, *self.change.jobs)

    @property
    def offer(self) -> Offer | None:
        """Return the open question about a newer merge."""
        newest = self.offers[-1] if self.offers else None
        return newest if newest and not newest.answer and self.pending else None

    @property
    def turn_due(self) -> bool:
        """Tell whether the agent has to say what is next."""
        return self.owes_step or bool(self.unread)

    @property
    def only_locks(self) -> bool:
        """Tell whether the thread is about people's locks, and about nothing else yet."""
        others = self.stagings or self.cards or self.words or self.says or self.runs
        return bool(self.lockings) and not others

    @property
    def lapsed(self) -> bool:
        """Tell whether the newest card expired and nobody asked for it again."""
        newest = next(reversed(self.cards.values()), None)
        expired = newest is not None and newest.status == "expired"
        return expired and not self.turn_due and self.ask_again is None

    @property
    def has_shipped(self) -> bool:
        """Tell whether the newest success of any service is a deploy that was not taken back."""
        newest = self._newest.items()
        return any(kind == "deploy" and name not in self.taken_back for name, kind in newest)

    @property
    def back_since_red(self) -> list[str]:
        """Return the services that were rolled back since production tests were red."""
        return [n for n in self.effects if self.red and self._newest[n] == "rollback"]

    @property
    def _newest(self) -> dict[str, str]:
        """Return of which kind the newest success of each service is."""
        return {
            run.attempt.service or "": run.attempt.kind
            for run in self.runs.values()
            if run.is_production_effect and run.outcome == "succeeded"
        }

    @property
    def question(self) -> Say | None:
        """Return the question that waits for a person's answer."""
        asked = (s for s in reversed(self.says) if s.because in ("question", "stuck"))
        newest = next(asked, None)
        return newest if newest and not newest.answered else None

    def runs_of(self, attempt_ids: Sequence[str]) -> list[Run]:
        """Return the runs with these ids, in order."""
        return [self.runs[attempt_id] for attempt_id in attempt_ids]
