"""The agent's turns."""

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.made_anew import lost
from app.core.records import Say


class FoldAgent(Folding):
    """The agent's turns."""

    def on_facts_fetched(self, e: ev.FactsFetched) -> None:
        self.state.facts, self.state.facts_at = e, self.at
        for service, sha in self.state.proposals:
            self.take_as_done(service, sha)
        for commit in (*e.commits, *e.staged):
            self.know(commit)
        for running in e.running:
            for sha in (running.sha, running.verified_sha, running.back_to):
                if sha:
                    self.know(ev.Commit(sha=sha))

    def on_shas_resolved(self, e: ev.ShasResolved) -> None:
        self.state.unresolved = []
        for commit in e.found:
            self.know(commit)
            self.state.named.add(commit.sha)

    def on_tool_proposed(self, e: ev.ToolProposed) -> None:
        self.for_a_click = self.state.ask_again is not None
        # A card made anew for a click keeps the words of its first proposer.
        card = self.card_asked_again()
        self.proposed_by = card.proposed_by if card else e.by
        self.proposed_tool = e.tool
        by_code = self.state.ask_again is not None and not self.state.ask_again[1]
        self.lost = lost(card) if card and by_code else ()
        self.state.steps += 1
        self.state.model_down = self.state.waits_for_source = None
        self.state.ask_again = None

    def on_model_erred(self, e: ev.ModelErred) -> None:
        self.state.steps += 1
        self.state.errors += 1
        self.state.last_error = e.message
        self.state.model_down = None

    def on_model_down(self, e: ev.ModelDown) -> None:
        self.state.model_down = e

    def on_tool_answered(self, e: ev.ToolAnswered) -> None:
        self.state.errors = 0
        for commit in e.commits:
            self.know(commit)

    def on_tool_refused(self, e: ev.ToolRefused) -> None:
        self.state.errors += 1
        self.state.last_error = e.error

    def on_wait_started(self, e: ev.WaitStarted) -> None:
        self.concluded()
        self.state.wait = e
        self.say(e.call_id, e.reason, "wait")
        self.state.says[-1].wait = e

    def on_wait_ended(self, e: ev.WaitEnded) -> None:
        self.end_waits()
        self.state.owes_step = True
        for say in self.state.says:
            say.wait_end = e if say.wait and say.call_id == e.call_id else say.wait_end
        if e.because == "person":
            self.state.steps = self.state.errors = 0

    def on_plan_ended(self, e: ev.PlanEnded) -> None:
        s = self.state
        self.concluded()
        s.plan_ended, s.ask_again = e.message, None
        running = s.facts.running if s.facts else ()
        s.there = {each.service for each in running if s.sha in (each.sha, each.ahead_of)}
        if not s.effects:
            s.mode = "deploy"
        self.say(e.call_id, e.message, "done")

    def on_rollback_opened(self, e: ev.RollbackOpened) -> None:
        s = self.state
        s.mode, s.owes_step, s.plan_ended, s.stopped_by = "rollback", True, None, None
        self.end_waits()
        self.close_questions()
        s.steps, s.errors, s.waits_for_source = 0, 0, None

    def on_bot_said(self, e: ev.BotSaid) -> None:
        doubt = self.state.in_doubt
        self.say(e.call_id, e.text, e.because, e.choices)
        if e.because in ("question", "stuck"):
            self._ask_about(self.state.says[-1], doubt)
        if e.because == "stuck" and self.state.to_hold:
            self.state.to_hold.unheard_by = self.state.held_by
        if e.because == "reply":
            self.answer_words()
        elif e.because != "note":
            self.concluded()

    def _ask_about(self, question: Say, doubt: Say | None) -> None:
        """Note whose words a question is about, also those of an open one that it stands for."""
        s = self.state
        unread = tuple(s.unread) if question.because == "question" else ()
        question.about, question.owed = unread, s.owes_step
        if doubt:
            question.about = (*doubt.about, *unread)
            question.owed = question.owed or doubt.owed
            doubt.answered = True

    def on_plan_kept(self, e: ev.PlanKept) -> None:
        s = self.state
        doubt = s.in_doubt
        for words in s.unread:
            words.answered = True
        self.let_words_pass()
        s.steps = s.errors = 0
        if s.to_hold and s.to_hold.unheard_by == e.user:
            s.to_hold.unheard_by = None
        if doubt:
            self._settle_doubt(doubt, e.user)
        self.let_waits_go_on()

    def _settle_doubt(self, doubt: Say, user: str) -> None:
        """Let a person's words go; what others wrote still holds the card that waits."""
        s = self.state
        left = tuple(words for words in doubt.about if words.user != user)
        if left and (s.to_hold or doubt.keeps_place):
            doubt.about = left
            return
        s.owes_step = s.owes_step or doubt.owed
        self.close_questions()

    def on_answer_told(self, e: ev.AnswerTold) -> None:
        self.say(e.call_id, e.title, "answer")
        self.state.says[-1].lines, self.state.says[-1].cut = e.lines, e.cut
        self.answer_words()

    def on_step_failed(self, e: ev.StepFailed) -> None:
        self.state.fault = e.error_id

    def on_ignored(self, e: ev.Ignored) -> None:
        self.state.unread, self.state.errors = [], 0
        self.let_waits_go_on()
