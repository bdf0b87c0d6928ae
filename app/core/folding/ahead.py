"""Approvals ahead of the end of staging."""

from app.core import events as ev
from app.core.folding.folding import Folding


class FoldAhead(Folding):
    """Approvals ahead of the end of staging."""

    def on_approval_prepared(self, e: ev.ApprovalPrepared) -> None:
        self.state.prepared = e

    def on_approval_took_effect(self, e: ev.ApprovalTookEffect) -> None:
        card = self.state.cards[e.call_id]
        card.in_effect, self.state.waits_for_source = True, None
        if card.status == "pending":  # it waits for people now, as any other card
            self.concluded()
