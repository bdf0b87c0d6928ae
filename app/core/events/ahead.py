"""What can be approved while staging still runs, and when such an approval begins to count."""

from typing import Literal

from app.core.events.approvals import ApprovalRequested
from app.core.events.values import Frozen


class ApprovalPrepared(Frozen):
    """What a merge would ask for once its run `staging` is green; without a request, `why` not.

    It asks nobody: the first click on it puts up the card, byte for byte this request.
    """

    type: Literal["approval_prepared"] = "approval_prepared"
    staging: int
    request: ApprovalRequested | None = None
    why: str = ""


class ApprovalTookEffect(Frozen):
    """Staging of its commit is green, so a card that was approved ahead of that counts from now."""

    type: Literal["approval_took_effect"] = "approval_took_effect"
    call_id: str
