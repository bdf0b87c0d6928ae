"""Broken glass, and its review."""

from app.core import events as ev
from app.core.cards import Approval, Card, Glass
from app.core.folding.folding import Folding
from app.core.records import Review


class FoldGlass(Folding):
    """Broken glass, and its review."""

    def on_glass_broken(self, e: ev.GlassBroken) -> None:
        s = self.state
        card = s.cards[e.call_id]
        card.glass = Glass(e.user, e.spec_hash, e.reason, e.lifts, self.at)
        s.waits_for_block = None
        if card.status == "approved":
            return
        if any(e.user not in _users(card, step) for step in card.steps):
            card.approvals.append(Approval(e.user, self.at, e.spec_hash))
        card.status, card.decided_by, card.decided_at = "approved", e.user, self.at

    def on_review_asked(self, e: ev.ReviewAsked) -> None:
        self.state.reviews[e.call_id] = Review(e.uses, self.at)

    def on_glass_reviewed(self, e: ev.GlassReviewed) -> None:
        review = self.state.reviews[e.call_id]
        review.reviewed.update(dict.fromkeys(e.uses, (e.user, self.at)))


def _users(card: Card, step: ev.PlanStep) -> set[str]:
    return {approval.user for approval in card.approvals_of(step)}
