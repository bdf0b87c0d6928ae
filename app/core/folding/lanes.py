"""Merges of the same services: what one knows of the others."""

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Joined, Offer, Series


class FoldLanes(Folding):
    """Merges of the same services: what one knows of the others."""

    def on_order_seen(self, e: ev.OrderSeen) -> None:
        self.state.met[e.other] = e

    def on_coalesced(self, e: ev.Coalesced) -> None:
        self.state.stagings.pop()  # it never began
        self._join(Joined(e.into, self.at))

    def on_superseded(self, e: ev.Superseded) -> None:
        card = self.state.pending or self.state.ahead
        if card:
            self.settle(card, "superseded", e.user, "")
            card.into = e.into
            self.close_questions()
        self._join(Joined(e.into, self.at, tested=True, user=e.user))

    def _join(self, joined: Joined) -> None:
        s = self.state
        self.concluded()
        self.answer_questions()
        s.joined, s.plan_ended = joined, f"#{joined.into.number} ships it"
        s.waits_for_lock = s.waits_for_source = s.waits_for_block = s.ask_again = None

    def on_carried(self, e: ev.Carried) -> None:
        for pull in e.pulls:
            self.state.carried[pull.thread_id] = pull
            self.state.carried_since[pull.thread_id] = self.at
            self.know(ev.Commit(sha=pull.sha, title=pull.title, author=pull.author))

    def on_newer_offered(self, e: ev.NewerOffered) -> None:
        self.state.offers.append(Offer(e.pulls, self.at, e.carries))

    def on_newer_answered(self, e: ev.NewerAnswered) -> None:
        offer = self.state.offers[-1]
        offer.answer, offer.user, offer.answered_at = e.answer, e.user, self.at

    def on_marked_urgent(self, e: ev.MarkedUrgent) -> None:
        self.mark_urgent(e.user, e.label, e.of)

    def on_urgency_passed(self, e: ev.UrgencyPassed) -> None:
        if self.state.joined:
            self.state.joined.urgent = True

    def on_place_kept(self, e: ev.PlaceKept) -> None:
        for say in self.state.says:
            say.keeps_place = say.keeps_place or say.call_id == e.call_id
        self.state.owes_step = True

    def on_one_by_one_requested(self, e: ev.OneByOneRequested) -> None:
        oldest_first = sorted(self.state.carried.values(), key=lambda pull: (pull.at, pull.number))
        self.state.series = Series(tuple(oldest_first))

    def on_one_by_one_ended(self, e: ev.OneByOneEnded) -> None:
        self.state.series = None
