"""What people were asked to approve, and what they answered."""

from typing import Literal

from app.core.events.values import CardFacts, Frozen
from app.core.spec import ActionSpec


class ApprovalRequested(Frozen):
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


Way = Literal["button", "command line"]


class ApprovalGranted(Frozen):
    """An approver approved exactly this hash; a `token` said who they are while Slack was away."""

    type: Literal["approval_granted"] = "approval_granted"
    call_id: str
    spec_hash: str
    user: str
    by: Way = "button"
    token: str = ""


class ApprovalRejected(Frozen):
    """A person rejected the card, with words or without."""

    type: Literal["approval_rejected"] = "approval_rejected"
    call_id: str
    user: str
    text: str = ""
    by: Way = "button"
    token: str = ""


class ApprovalExpired(Frozen):
    """The card's time was up, or the world changed under it; `reason` says which."""

    type: Literal["approval_expired"] = "approval_expired"
    call_id: str
    reason: str


class ApprovalSuperseded(Frozen):
    """A person's message led to another step, so this card no longer counts."""

    type: Literal["approval_superseded"] = "approval_superseded"
    call_id: str
    user: str


class ApprovalReleased(Frozen):
    """An approver took the card out of its hold while the model was down."""

    type: Literal["approval_released"] = "approval_released"
    call_id: str
    user: str


class AskedAgain(Frozen):
    """A person wants a card that no longer counts to be made anew, with today's facts."""

    type: Literal["asked_again"] = "asked_again"
    call_id: str
    user: str
