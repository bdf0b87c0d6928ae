"""What people were asked to approve, and what they answered."""

from typing import Literal

from app.core.events.values import CallKind, CardFacts, Frozen, PlanStep, Pull
from app.core.spec import ActionSpec


class ApprovalRequested(Frozen):
    """A card: what is to be done, its hash, and what code found out about it.

    `spec` and `facts` are of the first step, `more` holds the others of a plan in their order;
    `spec_hash` is over all of them. `plan` is the plan's number. With `ahead` it counts only once
    that run through staging is green (they count from 1).
    """

    type: Literal["approval_requested"] = "approval_requested"
    call_id: str
    spec: ActionSpec
    spec_hash: str
    plan: int
    facts: CardFacts
    reason: str = ""
    quote: str = ""
    quoted_user: str = ""
    more: tuple[PlanStep, ...] = ()
    ahead: int = 0

    @property
    def steps(self) -> tuple[PlanStep, ...]:
        """Return every step in order; a card for one action is a plan of one step."""
        return (PlanStep(spec=self.spec, facts=self.facts), *self.more)

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Return the specs of every step in order."""
        return (self.spec, *(step.spec for step in self.more))


Way = Literal["button", "command line"]


class ApprovalGranted(Frozen):
    """An approver approved exactly this hash, for the services and jobs that it `covers`.

    Without `covers`, as older versions wrote it, for every step. A `token` said who they are while
    Slack was away.
    """

    type: Literal["approval_granted"] = "approval_granted"
    call_id: str
    spec_hash: str
    user: str
    by: Way = "button"
    token: str = ""
    covers: tuple[str, ...] = ()


class StepRefused(Frozen):
    """A step of a plan under way may not happen now, so the rest of the plan does not, either."""

    type: Literal["step_refused"] = "step_refused"
    call_id: str
    reason: str


class ApprovalRejected(Frozen):
    """A person rejected the card, with words or without."""

    type: Literal["approval_rejected"] = "approval_rejected"
    call_id: str
    user: str
    text: str = ""
    by: Way = "button"
    token: str = ""


class ApprovalExpired(Frozen):
    """The card's time was up, or the world changed under it; `reason` says which.

    `moved`: production did, so what comes next is looked for anew.
    """

    type: Literal["approval_expired"] = "approval_expired"
    call_id: str
    reason: str
    moved: bool = False


class ApprovalSuperseded(Frozen):
    """A person's message led to another step, so this card no longer counts."""

    type: Literal["approval_superseded"] = "approval_superseded"
    call_id: str
    user: str


class ApproversReminded(Frozen):
    """People were called about a card that waits: those who can approve, or who stands above.

    Those who can are called for other reasons, too: somebody said meanwhile that it is urgent, or
    `waiting`, an urgent merge, waits for this card.
    """

    type: Literal["approvers_reminded"] = "approvers_reminded"
    call_id: str
    whom: tuple[str, ...]
    kind: CallKind = "reminder"
    waiting: Pull | None = None


class ApprovalReleased(Frozen):
    """An approver took the card out of its hold while the model was down."""

    type: Literal["approval_released"] = "approval_released"
    call_id: str
    user: str


class AskedAgain(Frozen):
    """A card that no longer counts is to be made anew, with today's facts.

    `user` wants it, empty where code does: more ships with it than it said.
    """

    type: Literal["asked_again"] = "asked_again"
    call_id: str
    user: str
