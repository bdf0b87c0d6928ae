"""Cards, and what people answered."""

from app.core import events as ev
from app.core.cards import Approval, Card, Reminded
from app.core.folding.folding import Folding

PLAN = "propose_plan"  # what an agent would have called for the same card


class FoldApprovals(Folding):
    """Cards, and what people answered."""

    def on_approval_requested(self, e: ev.ApprovalRequested) -> None:
        if e.ahead:  # staging goes on, and so does whatever the agent has to say
            self.state.cards[e.call_id] = Card(e, self.at, tool=PLAN if e.more else e.spec.tool)
            return
        # A card made anew for a click answers nobody's words: they hold it until they are read.
        unread, question = self.state.unread, self.state.question_held
        if not self.for_a_click:
            self.obey_with(e)
        self.concluded()
        if self.for_a_click:
            self.state.unread, self.state.question_held = unread, question
        self.state.plan_ended = self.state.joined = None
        card = Card(e, self.at, self.proposed_by, self.proposed_tool, lost=self.lost)
        self.state.cards[e.call_id] = card

    def on_approval_granted(self, e: ev.ApprovalGranted) -> None:
        card = self.state.cards[e.call_id]
        card.approvals.append(Approval(e.user, self.at, e.spec_hash, e.covers))
        self._note_way(card, e)
        if not any(map(card.missing, card.steps)):
            card.status, card.decided_by, card.decided_at = "approved", e.user, self.at

    def on_step_refused(self, e: ev.StepRefused) -> None:
        asked = self.state.asked(e.call_id)
        if asked is None:
            raise LookupError(e.call_id)
        self.void(asked.card, e.reason)
        self.state.owes_step = True

    def _note_way(self, card: Card, e: ev.ApprovalGranted | ev.ApprovalRejected) -> None:
        if e.by == "command line":
            card.by_command.add(e.user)

    def on_approval_rejected(self, e: ev.ApprovalRejected) -> None:
        s = self.state
        card = s.cards[e.call_id]
        self._note_way(card, e)
        self.settle(card, "rejected", e.user, e.text)
        self.close_questions()
        s.replans += 1
        if e.text:
            self.hear(e.user, e.text)
            s.owes_step = True
        else:
            s.refused.update((step.spec.tool, step.spec.sha) for step in card.steps)

    def on_approval_expired(self, e: ev.ApprovalExpired) -> None:
        self.settle(self.state.cards[e.call_id], "expired", "", e.reason)
        if e.moved:
            self.state.facts, self.state.owes_step = None, True

    def on_approval_superseded(self, e: ev.ApprovalSuperseded) -> None:
        card = self.state.cards[e.call_id]
        if card.attempts or card.is_ahead:
            self.let_words_pass()
            self.state.owes_step = True
        if card.attempts:
            self.void(card, "people changed the plan")
            return
        self.settle(card, "superseded", e.user, "")
        self.state.replans += 1

    def on_said_meanwhile(self, e: ev.SaidMeanwhile) -> None:
        card = self.state.cards[e.call_id]
        card.declined, card.spoken = e.declined, e.spoken

    def on_approvers_reminded(self, e: ev.ApproversReminded) -> None:
        called = Reminded(e.kind, e.whom, self.at, e.waiting)
        self.state.cards[e.call_id].reminded.append(called)

    def on_approval_released(self, e: ev.ApprovalReleased) -> None:
        self.state.cards[e.call_id].released = True
        self.let_words_pass()
        if self.state.in_doubt:
            self.close_questions()

    def on_asked_again(self, e: ev.AskedAgain) -> None:
        self.state.ask_again = (e.call_id, e.user)
        self.state.steps = self.state.errors = 0
