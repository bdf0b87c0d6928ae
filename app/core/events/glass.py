"""Breaking the glass: who lifted which rules for what and why, and who looked at it afterwards."""

from typing import Literal

from app.core.events.values import Frozen
from app.core.instant import Instant

Lift = Literal["freeze", "approvers", "approvals_needed", "self_approval"]


class GlassBroken(Frozen):
    """An approver of the repository had exactly this hash go past the rules that it lifts."""

    type: Literal["glass_broken"] = "glass_broken"
    call_id: str
    spec_hash: str
    user: str
    reason: str
    lifts: tuple[Lift, ...]


class GlassUse(Frozen):
    """One time that the glass was broken, in whichever thread: what a review is about."""

    thread_id: str
    call_id: str
    service: str
    sha: str
    user: str
    reason: str
    lifts: tuple[Lift, ...]
    at: Instant

    @property
    def name(self) -> str:
        """Return what this use alone is called."""
        return f"{self.thread_id}:{self.call_id}"


class ReviewAsked(Frozen):
    """The morning after: people are asked to look at every use since the last review."""

    type: Literal["review_asked"] = "review_asked"
    call_id: str
    uses: tuple[GlassUse, ...]


class GlassReviewed(Frozen):
    """An approver looked at uses of somebody else's."""

    type: Literal["glass_reviewed"] = "glass_reviewed"
    call_id: str
    uses: tuple[str, ...]
    user: str
