"""Every event that a thread can hold; a thread is a list of these and nothing else."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from app.core.events.agent import (
    BotSaid,
    FactsFetched,
    Ignored,
    ModelDown,
    ModelErred,
    PlanEnded,
    PlanKept,
    RollbackOpened,
    ShasResolved,
    StepFailed,
    ToolAnswered,
    ToolProposed,
    ToolRefused,
    WaitEnded,
    WaitStarted,
)
from app.core.events.ahead import ApprovalPrepared, ApprovalTookEffect
from app.core.events.approvals import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalReleased,
    ApprovalRequested,
    ApprovalSuperseded,
    ApproversReminded,
    AskedAgain,
    StepRefused,
)
from app.core.events.blocks import (
    BlockWaited,
    HoldPlaced,
    HoldReleased,
    ServiceLocked,
    ServiceUnlocked,
)
from app.core.events.effects import (
    CancelRequested,
    LocksReleased,
    LockWaited,
    OutcomeStated,
    SourceWaited,
    StagingEnded,
    StagingOverridden,
    ToolEnded,
    ToolProgressed,
    ToolSent,
    ToolStarted,
    VerificationEnded,
    VerificationRequested,
)
from app.core.events.glass import GlassBroken, GlassReviewed, ReviewAsked
from app.core.events.glass import GlassUse as GlassUse
from app.core.events.glass import Lift as Lift
from app.core.events.lanes import (
    Carried,
    Coalesced,
    MarkedUrgent,
    NewerAnswered,
    NewerOffered,
    OneByOneEnded,
    OneByOneRequested,
    OrderSeen,
    PlaceKept,
    Superseded,
    UrgencyPassed,
)
from app.core.events.meanwhile import SaidMeanwhile
from app.core.events.outgoing import WentOut
from app.core.events.rides import How as How
from app.core.events.rides import RideChanged, RidersTold
from app.core.events.shadow import ProductionSeen, ShadowProposed
from app.core.events.threads import (
    ChangeSeen,
    Continued,
    HumanSaid,
    StagingRequested,
    StopRequested,
    ThreadStarted,
)
from app.core.events.told import AnswerTold
from app.core.events.told import Line as Line
from app.core.events.told import Piece as Piece
from app.core.events.undeployed import Merged as Merged
from app.core.events.undeployed import UndeployedAnswered, UndeployedFound
from app.core.events.values import Attempt as Attempt
from app.core.events.values import Block as Block
from app.core.events.values import CallKind as CallKind
from app.core.events.values import Candidate as Candidate
from app.core.events.values import CardFacts as CardFacts
from app.core.events.values import Commit as Commit
from app.core.events.values import Declined as Declined
from app.core.events.values import FailedBefore as FailedBefore
from app.core.events.values import Files as Files
from app.core.events.values import Frozen
from app.core.events.values import Override as Override
from app.core.events.values import PlanStep as PlanStep
from app.core.events.values import Pull as Pull
from app.core.events.values import PullRequest as PullRequest
from app.core.events.values import Running as Running
from app.core.events.values import Spoken as Spoken
from app.core.events.values import Why as Why
from app.core.instant import Instant


class MessagePosted(Frozen):
    """A slot of the thread has a message in Slack; a later one for the same slot replaces it."""

    type: Literal["message_posted"] = "message_posted"
    slot: str
    channel: str
    ts: str


class UnknownEvent(Frozen):
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
    | StagingOverridden
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
    | PlanKept
    | RollbackOpened
    | BotSaid
    | AnswerTold
    | UndeployedFound
    | UndeployedAnswered
    | Ignored
    | StepFailed
    | ApprovalRequested
    | ApprovalGranted
    | ApprovalRejected
    | ApprovalExpired
    | ApprovalSuperseded
    | ApprovalReleased
    | ApproversReminded
    | ApprovalPrepared
    | ApprovalTookEffect
    | StepRefused
    | AskedAgain
    | GlassBroken
    | ReviewAsked
    | GlassReviewed
    | ShadowProposed
    | ProductionSeen
    | OrderSeen
    | Coalesced
    | Superseded
    | Carried
    | NewerOffered
    | NewerAnswered
    | MarkedUrgent
    | UrgencyPassed
    | PlaceKept
    | OneByOneRequested
    | OneByOneEnded
    | RidersTold
    | RideChanged
    | WentOut
    | SaidMeanwhile
    | MessagePosted
)
Event = KnownEvent | UnknownEvent

_known: TypeAdapter[KnownEvent] = TypeAdapter(Annotated[KnownEvent, Field(discriminator="type")])
KNOWN_TYPES: frozenset[str] = frozenset(
    model.model_fields["type"].default for model in KnownEvent.__args__
)


class Entry(Frozen):
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
