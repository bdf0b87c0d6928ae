"""Broken glass, and its review."""

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Glass, Review


class FoldGlass(Folding):
    """Broken glass, and its review."""

    def on_glass_broken(self, e: ev.GlassBroken) -> None:
        s = self.state
        card = s.cards[e.call_id]
        card.glass = Glass(e.user, e.reason, e.lifts, self.at)
        card.granted.append(e.spec_hash)
        s.waits_for_block = None
        if card.status == "approved":
            return
        if e.user not in card.approvers:
            card.approvals.append((e.user, self.at))
        card.status, card.decided_by, card.decided_at = "approved", e.user, self.at

    def on_review_asked(self, e: ev.ReviewAsked) -> None:
        self.state.reviews[e.call_id] = Review(e.uses, self.at)

    def on_glass_reviewed(self, e: ev.GlassReviewed) -> None:
        review = self.state.reviews[e.call_id]
        review.reviewed.update(dict.fromkeys(e.uses, (e.user, self.at)))
