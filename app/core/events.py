"""Every event that a thread can hold; a thread is a list of these and nothing else."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.core.instant import Instant
from app.core.spec import ActionSpec, Environment


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False
    )


class Commit(_Frozen):
    """A commit as code fetched it; `title` is its first line, `author` a GitHub login or a name."""

    sha: str
    title: str = ""
    author: str = ""


class PullRequest(_Frozen):
    """The merged pull request; people are GitHub logins."""

    number: int
    title: str
    url: str
    author: str
    merged_by: str
    body: str = ""


class Block(_Frozen):
    """What keeps a service in production as it is: a person's lock or, without `user`, a freeze.

    Times are in milliseconds; without `until` it lasts until a person ends it.
    """

    service: str
    user: str = ""
    reason: str = ""
    since: Instant
    until: Instant | None = None


class Running(_Frozen):
    """What a service runs in production; `sha` is None when nobody knows."""

    service: str
    sha: str | None
    source: Literal["recorded", "deployer", "unknown"]
    verified_sha: str | None = None
    hold: str | None = None
    blocks: tuple[Block, ...] = ()


class CardFacts(_Frozen):
    """What code found out for a card; every line of `unchecked` says what could not be checked."""

    commits: tuple[Commit, ...] = ()
    commits_total: int = 0
    compare_url: str = ""
    pull_request: PullRequest | None = None
    staging: str = ""
    approvers: tuple[str, ...] = ()
    needed: int = 1
    barred: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    hold: str = ""
    left_out: tuple[str, ...] = ()


class Attempt(_Frozen):
    """One run of one deployer: what it does, with the exact arguments it gets."""

    model_config = ConfigDict(extra="forbid")

    attempt_id: str
    kind: Literal["deploy", "rollback", "e2e"]
    repo: str
    environment: Environment
    service: str | None
    sha: str
    deployer: str
    arguments: Mapping[str, Any]


# How a thread begins, and what people say and do.


class ThreadStarted(_Frozen):
    """A merge, a mention or a command began it; `root_ts` is the mention's own message."""

    type: Literal["thread_started"] = "thread_started"
    thread_id: str
    repo: str
    branch: str
    channel: str
    origin: Literal["merge", "mention", "command"]
    sha: str | None = None
    pull_request: PullRequest | None = None
    asked_by: str | None = None
    root_ts: str | None = None


class HumanSaid(_Frozen):
    """A person wrote in the thread or chose an answer; `ts` is the Slack message's, if any."""

    type: Literal["human_said"] = "human_said"
    user: str
    text: str
    ts: str | None = None


class ChangeSeen(_Frozen):
    """What the thread's merge is for: the services that its files touch, and their channel.

    `unchecked` says why nobody knows its files; then all services count as touched.
    """

    type: Literal["change_seen"] = "change_seen"
    touched: tuple[str, ...]
    channel: str
    unchecked: str = ""


class StopRequested(_Frozen):
    """A person stopped the thread, by word or by button."""

    type: Literal["stop_requested"] = "stop_requested"
    user: str


class Continued(_Frozen):
    """A person took up a stopped thread again."""

    type: Literal["continued"] = "continued"
    user: str


class StagingRequested(_Frozen):
    """Staging is (again) to be run for a SHA: everything, or only the e2e tests."""

    type: Literal["staging_requested"] = "staging_requested"
    sha: str
    scope: Literal["all", "e2e"]
    user: str | None = None


# Effects on the world.


class ToolStarted(_Frozen):
    """The one writer that may start this attempt says so, before anything is sent."""

    type: Literal["tool_started"] = "tool_started"
    attempt: Attempt
    call_id: str | None
    fence: int
    locks: tuple[str, ...]
    send_by: Instant


class ToolSent(_Frozen):
    """The target took the attempt; `reference` is the target's own name for it."""

    type: Literal["tool_sent"] = "tool_sent"
    attempt_id: str
    reference: str = ""


class ToolProgressed(_Frozen):
    """The newest line of a running attempt."""

    type: Literal["tool_progressed"] = "tool_progressed"
    attempt_id: str
    line: str


class CancelRequested(_Frozen):
    """The deployer was asked to cancel; `possible` is False where it cannot."""

    type: Literal["cancel_requested"] = "cancel_requested"
    attempt_id: str
    possible: bool


class ToolEnded(_Frozen):
    """The outcome of an attempt; `tail` holds at most its last 20 lines.

    `seconds` is how long the target says it took, None where it does not say.
    """

    type: Literal["tool_ended"] = "tool_ended"
    attempt_id: str
    outcome: Literal["succeeded", "failed", "cancelled", "unknown"]
    summary: str
    failing_tests: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    seconds: float | None = None


class OutcomeStated(_Frozen):
    """An approver said what came of exactly this action, whose outcome was unknown."""

    type: Literal["outcome_stated"] = "outcome_stated"
    attempt_id: str
    happened: bool
    user: str
    spec_hash: str = ""


class SourceWaited(_Frozen):
    """GitHub could not be asked for what has to be known before production changes.

    `tool` is the call that waits for it; empty where an approved action does.
    """

    type: Literal["source_waited"] = "source_waited"
    message: str
    tool: str = ""
    arguments: Mapping[str, Any] = {}
    by: str = ""


class LockWaited(_Frozen):
    """A target that the thread needs is locked by another thread."""

    type: Literal["lock_waited"] = "lock_waited"
    target: str
    holder: str


class LocksReleased(_Frozen):
    """The thread gave these targets back."""

    type: Literal["locks_released"] = "locks_released"
    targets: tuple[str, ...]


class StagingEnded(_Frozen):
    """Staging was tested for a SHA, or stopped at a failure."""

    type: Literal["staging_ended"] = "staging_ended"
    sha: str
    passed: bool
    summary: str


class VerificationEnded(_Frozen):
    """The production e2e tests settled, after their re-run if there was one."""

    type: Literal["verification_ended"] = "verification_ended"
    passed: bool
    versions: Mapping[str, str]
    failing_tests: tuple[str, ...] = ()


class VerificationRequested(_Frozen):
    """The production e2e tests are to be run without anything having been deployed."""

    type: Literal["verification_requested"] = "verification_requested"
    call_id: str


class HoldPlaced(_Frozen):
    """A service may get nothing until a newer SHA passed staging and an approver releases it."""

    type: Literal["hold_placed"] = "hold_placed"
    service: str
    bad_sha: str


class HoldReleased(_Frozen):
    """An approver released the hold of a service."""

    type: Literal["hold_released"] = "hold_released"
    service: str
    user: str


class ServiceLocked(_Frozen):
    """A person locked services: nothing begins on them before `until` (None: before an unlock)."""

    type: Literal["service_locked"] = "service_locked"
    services: tuple[str, ...]
    user: str
    reason: str = ""
    until: Instant | None = None


class ServiceUnlocked(_Frozen):
    """A person ended locks that this thread placed; `by` says in which way."""

    type: Literal["service_unlocked"] = "service_unlocked"
    services: tuple[str, ...]
    user: str
    by: Literal["words", "command line"] = "words"


class BlockWaited(_Frozen):
    """An approved action waits for the end of a lock or a freeze."""

    type: Literal["block_waited"] = "block_waited"
    block: Block


# The agent.


class FactsFetched(_Frozen):
    """What code knows before the agent's turn: production, the commits since then, other SHAs."""

    type: Literal["facts_fetched"] = "facts_fetched"
    running: tuple[Running, ...] = ()
    commits: tuple[Commit, ...] = ()
    staged: tuple[Commit, ...] = ()
    problems: tuple[str, ...] = ()


class ShasResolved(_Frozen):
    """What the SHAs in a person's words stand for; `refused` has a sentence for each bad one."""

    type: Literal["shas_resolved"] = "shas_resolved"
    found: tuple[Commit, ...] = ()
    refused: tuple[str, ...] = ()


class ToolProposed(_Frozen):
    """The agent's next step as structured output; `by` names the model, planner or person."""

    type: Literal["tool_proposed"] = "tool_proposed"
    call_id: str
    tool: str
    arguments: Mapping[str, Any]
    reason: str = ""
    by: str


class ModelErred(_Frozen):
    """The model's answer was no valid tool call; `message` goes back to it."""

    type: Literal["model_erred"] = "model_erred"
    message: str


class ModelDown(_Frozen):
    """No model answered; the thread tries again at `retry_at` (milliseconds since the epoch)."""

    type: Literal["model_down"] = "model_down"
    message: str
    retry_at: Instant


class ToolAnswered(_Frozen):
    """The result of a tool that only reads; its commits count as known from now on."""

    type: Literal["tool_answered"] = "tool_answered"
    call_id: str
    result: str
    commits: tuple[Commit, ...] = ()


class ToolRefused(_Frozen):
    """Code refused the agent's call; the sentence goes back to the model and never on a card."""

    type: Literal["tool_refused"] = "tool_refused"
    call_id: str
    error: str


class WaitStarted(_Frozen):
    """The agent waits until a time or until a person writes."""

    type: Literal["wait_started"] = "wait_started"
    call_id: str
    until: Instant
    reason: str


class WaitEnded(_Frozen):
    """The time that the agent waited for is there."""

    type: Literal["wait_ended"] = "wait_ended"
    call_id: str


class PlanEnded(_Frozen):
    """The agent has nothing more to propose."""

    type: Literal["plan_ended"] = "plan_ended"
    call_id: str
    message: str


class RollbackOpened(_Frozen):
    """The rollback agent takes over, after red production tests or at a person's request."""

    type: Literal["rollback_opened"] = "rollback_opened"
    user: str | None = None


class BotSaid(_Frozen):
    """A sentence of ours in the thread; `choices` become buttons, `quiet` needs no answer.

    `because` says what it is: an answer, a question, a question of code's after too many steps
    or errors ("stuck"), or a note about the thread ("note").
    """

    type: Literal["bot_said"] = "bot_said"
    call_id: str
    text: str
    because: Literal["reply", "question", "stuck", "note"]
    choices: tuple[str, ...] = ()


class Ignored(_Frozen):
    """The agent let a person's message pass."""

    type: Literal["ignored"] = "ignored"
    call_id: str
    reason: str


class StepFailed(_Frozen):
    """A step of ours failed unexpectedly; it is tried again, and the log knows more by the id."""

    type: Literal["step_failed"] = "step_failed"
    error_id: str


# Approvals.


class ApprovalRequested(_Frozen):
    """A card: the spec, its hash, and what code found out about it; `plan` is the plan's number."""

    type: Literal["approval_requested"] = "approval_requested"
    call_id: str
    spec: ActionSpec
    spec_hash: str
    plan: int
    facts: CardFacts
    reason: str = ""
    quote: str = ""
    quoted_user: str = ""


class ApprovalGranted(_Frozen):
    """An approver approved exactly this hash."""

    type: Literal["approval_granted"] = "approval_granted"
    call_id: str
    spec_hash: str
    user: str


class ApprovalRejected(_Frozen):
    """A person rejected the card, with words or without."""

    type: Literal["approval_rejected"] = "approval_rejected"
    call_id: str
    user: str
    text: str = ""


class ApprovalExpired(_Frozen):
    """The card's time was up, or the world changed under it; `reason` says which."""

    type: Literal["approval_expired"] = "approval_expired"
    call_id: str
    reason: str


class ApprovalSuperseded(_Frozen):
    """A person's message led to another step, so this card no longer counts."""

    type: Literal["approval_superseded"] = "approval_superseded"
    call_id: str
    user: str


class ApprovalReleased(_Frozen):
    """An approver took the card out of its hold while the model was down."""

    type: Literal["approval_released"] = "approval_released"
    call_id: str
    user: str


class AskedAgain(_Frozen):
    """A person wants a card that no longer counts to be made anew, with today's facts."""

    type: Literal["asked_again"] = "asked_again"
    call_id: str
    user: str


# Slack.


class MessagePosted(_Frozen):
    """A slot of the thread has a message in Slack; a later one for the same slot replaces it."""

    type: Literal["message_posted"] = "message_posted"
    slot: str
    channel: str
    ts: str


class UnknownEvent(_Frozen):
    """An event that this version does not understand: kept and shown, never interpreted."""

    model_config = ConfigDict(frozen=True, extra="allow")
    type: str


KnownEvent = (
    ThreadStarted
    | ChangeSeen
    | HumanSaid
    | StopRequested
    | Continued
    | StagingRequested
    | ToolStarted
    | ToolSent
    | ToolProgressed
    | CancelRequested
    | ToolEnded
    | OutcomeStated
    | SourceWaited
    | LockWaited
    | LocksReleased
    | StagingEnded
    | VerificationRequested
    | VerificationEnded
    | HoldPlaced
    | HoldReleased
    | ServiceLocked
    | ServiceUnlocked
    | BlockWaited
    | FactsFetched
    | ShasResolved
    | ToolProposed
    | ModelErred
    | ModelDown
    | ToolAnswered
    | ToolRefused
    | WaitStarted
    | WaitEnded
    | PlanEnded
    | RollbackOpened
    | BotSaid
    | Ignored
    | StepFailed
    | ApprovalRequested
    | ApprovalGranted
    | ApprovalRejected
    | ApprovalExpired
    | ApprovalSuperseded
    | ApprovalReleased
    | AskedAgain
    | MessagePosted
)
Event = KnownEvent | UnknownEvent

_known: TypeAdapter[KnownEvent] = TypeAdapter(Annotated[KnownEvent, Field(discriminator="type")])
KNOWN_TYPES: frozenset[str] = frozenset(
    model.model_fields["type"].default for model in KnownEvent.__args__
)


class Entry(_Frozen):
    """An event as it stands in the log: with the store's time and the write that brought it."""

    at: Instant
    write: str
    event: Event


def parse_event(data: Mapping[str, Any]) -> Event:
    """Build the event from its JSON form; what is not understood becomes an `UnknownEvent`.

    That is a type or a form of a newer version. Raise `ValueError` for what has no type at all.
    """
    if data.get("type") in KNOWN_TYPES:
        with suppress(ValidationError):
            return _known.validate_python(data)
    return UnknownEvent.model_validate(data)
