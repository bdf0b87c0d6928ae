"""The fold: events in, `State` out; one small method for each kind of event, no clock, no I/O."""

from collections.abc import Sequence

from app.core import events as ev
from app.core.state import (
    Card,
    CardStatus,
    Locking,
    Run,
    Say,
    SayKind,
    Staging,
    State,
    Verification,
    Words,
)
from app.core.words import sha_like

# What is no step of ours says nothing about whether the next one will work.
KEEPING_A_FAULT = frozenset({"message_posted", "human_said"})


def fold(entries: Sequence[ev.Entry]) -> State:
    """Fold a thread's entries into its state; events of a newer version are only noted."""
    return Fold().follow(entries)


class Fold:
    """Applies events one by one; the method of an event is named after its type."""

    def __init__(self) -> None:
        self.state = State()
        self.at = 0
        self.for_a_click = False
        self.proposed_by = "model"

    def follow(self, entries: Sequence[ev.Entry]) -> State:
        """Apply what is new in a thread's entries, given all of them, and return the state."""
        for entry in entries[self.state.version :]:
            self.apply(entry)
        return self.state

    def apply(self, entry: ev.Entry) -> None:
        """Apply one entry."""
        self.at = entry.at
        self.state.version += 1
        event = entry.event
        if isinstance(event, ev.UnknownEvent):
            self.state.newer.append(event.type)
            return
        if event.type not in KEEPING_A_FAULT:
            self.state.fault = None
        try:
            getattr(self, f"on_{event.type}")(event)
        except LookupError:  # it is about something that an event before it did not bring
            self.state.newer.append(event.type)

    # People.

    def on_thread_started(self, e: ev.ThreadStarted) -> None:
        s = self.state
        s.thread_id, s.repo, s.branch, s.channel = e.thread_id, e.repo, e.branch, e.channel
        s.origin, s.sha, s.pull_request = e.origin, e.sha, e.pull_request
        s.asked_by, s.root_ts, s.started_at = e.asked_by, e.root_ts, self.at
        if e.sha is None:
            return
        title = e.pull_request.title if e.pull_request else ""
        author = e.pull_request.author if e.pull_request else ""
        self._know(ev.Commit(sha=e.sha, title=title, author=author))
        if e.origin == "merge":
            s.stagings.append(Staging(e.sha, "all", 1, self.at))

    def on_change_seen(self, e: ev.ChangeSeen) -> None:
        s = self.state
        s.change, s.channel = e, e.channel
        if not e.touched:
            s.stagings.clear()
            s.plan_ended = "it touches no service"

    def on_human_said(self, e: ev.HumanSaid) -> None:
        self._hear(e.user, e.text)

    def on_stop_requested(self, e: ev.StopRequested) -> None:
        s = self.state
        s.stopped_by, s.wait, s.ask_again = e.user, None, None
        s.owes_step, s.waits_for_source = False, None
        s.waits_for_block = None
        self._let_words_pass()
        for card in s.cards.values():
            if card.status == "pending" or (card.status == "approved" and not card.attempt_id):
                self._settle(card, "stopped", e.user, "")
        self._answer_questions()

    def on_continued(self, e: ev.Continued) -> None:
        s = self.state
        s.stopped_by, s.plan_ended = None, None
        s.steps = s.errors = 0
        staging = s.staging
        if staging and staging.stopped:
            s.stagings.append(Staging(staging.sha, "all", len(s.stagings) + 1, self.at))
        else:
            s.owes_step = staging is None or staging.passed is True

    def on_staging_requested(self, e: ev.StagingRequested) -> None:
        s = self.state
        s.stagings.append(Staging(e.sha, e.scope, len(s.stagings) + 1, self.at))
        s.owes_step, s.plan_ended = False, None
        if e.user is None:  # the agent's answer to the words, and not somebody's button
            self._let_words_pass()
        s.steps = 0 if e.user else s.steps
        self._answer_questions()

    # Effects.

    def on_tool_started(self, e: ev.ToolStarted) -> None:
        s = self.state
        attempt = e.attempt
        s.runs[attempt.attempt_id] = Run(attempt, e.call_id, self.at, e.send_by)
        s.locks.update(e.locks)
        s.waits_for_lock = s.waits_for_source = s.waits_for_block = None
        if e.call_id and e.call_id in s.cards:
            s.cards[e.call_id].attempt_id = attempt.attempt_id
        elif attempt.environment == "staging" and s.staging:
            s.staging.attempts.append(attempt.attempt_id)
        elif attempt.environment == "production":
            if s.verification is None or s.verification.passed is not None:
                s.verification = Verification(after_rollback=s.mode == "rollback")
            s.verification.attempts.append(attempt.attempt_id)

    def on_tool_sent(self, e: ev.ToolSent) -> None:
        run = self.state.runs[e.attempt_id]
        run.sent, run.reference = True, e.reference

    def on_tool_progressed(self, e: ev.ToolProgressed) -> None:
        run = self.state.runs[e.attempt_id]
        run.line, run.line_at = e.line, self.at

    def on_cancel_requested(self, e: ev.CancelRequested) -> None:
        run = self.state.runs[e.attempt_id]
        run.cancel_requested, run.cancel_possible = True, e.possible

    def on_tool_ended(self, e: ev.ToolEnded) -> None:
        run = self.state.runs[e.attempt_id]
        run.outcome, run.summary, run.ended_at = e.outcome, e.summary, self.at
        run.failing_tests, run.tail, run.seconds = e.failing_tests, e.tail, e.seconds
        if run.is_production_effect and e.outcome != "unknown":
            self._effect_settled(run)

    def on_outcome_stated(self, e: ev.OutcomeStated) -> None:
        run = self.state.runs[e.attempt_id]
        run.outcome = "succeeded" if e.happened else "failed"
        run.summary = "it happened" if e.happened else "it did not happen"
        run.stated_by = e.user
        self._effect_settled(run)
        if not e.happened and run.call_id:
            self.state.ask_again = (run.call_id, e.user)

    def _effect_settled(self, run: Run) -> None:
        s = self.state
        service = run.attempt.service or ""
        s.owes_step = s.stopped_by is None
        s.facts = None
        if run.outcome != "succeeded":
            return
        if run.attempt.kind == "rollback":
            bad = s.shipped.get(service) or self._was(run) or ""
            s.rolled_back[service] = bad
            s.holds_due.append((service, bad))
        s.effects[service] = s.shipped[service] = run.attempt.sha
        s.verification = None

    def _was(self, run: Run) -> str | None:
        card = self.state.cards.get(run.call_id or "")
        return card.request.spec.production_was if card else None

    def on_source_waited(self, e: ev.SourceWaited) -> None:
        self.state.waits_for_source = e

    def on_lock_waited(self, e: ev.LockWaited) -> None:
        self.state.waits_for_lock = (e.target, e.holder)

    def on_locks_released(self, e: ev.LocksReleased) -> None:
        self.state.locks.difference_update(e.targets)

    def on_staging_ended(self, e: ev.StagingEnded) -> None:
        s = self.state
        self._end_staging(e.passed, e.summary)
        s.facts = None
        if e.passed and not s.stopped_by:
            s.owes_step, s.plan_ended = True, None

    def _end_staging(self, passed: bool, summary: str) -> None:
        staging = self.state.staging
        if staging:
            staging.passed, staging.summary, staging.ended_at = passed, summary, self.at
        self.state.waits_for_lock = None

    def on_verification_ended(self, e: ev.VerificationEnded) -> None:
        s = self.state
        if s.verification is None:
            s.verification = Verification()
        check = s.verification
        check.passed, check.failing_tests, check.at = e.passed, e.failing_tests, self.at
        s.owes_step = s.verify_requested and not s.stopped_by
        s.verify_requested = False
        s.effects = {}
        s.facts = None
        if e.passed:
            s.mode = "deploy"

    def on_verification_requested(self, e: ev.VerificationRequested) -> None:
        self._concluded()
        self.state.verify_requested, self.state.verification = True, None

    def on_hold_placed(self, e: ev.HoldPlaced) -> None:
        self.state.holds_due = [due for due in self.state.holds_due if due[0] != e.service]

    def on_hold_released(self, e: ev.HoldReleased) -> None:
        for card in self.state.cards.values():
            if card.status == "pending" and card.request.spec.service == e.service:
                card.hold_released_by = e.user

    def on_service_locked(self, e: ev.ServiceLocked) -> None:
        s = self.state
        placed = Locking(len(s.lockings), e.services, e.user, self.at, e.reason, e.until)
        placed.opens = s.version == 2
        s.lockings.append(placed)
        s.facts = None

    def on_service_unlocked(self, e: ev.ServiceUnlocked) -> None:
        s = self.state
        for service in e.services:
            placed = [p for p in s.lockings if service in p.services and not p.ends]
            for newest in placed[-1:]:
                newest.ended[service] = e.user
        s.lockings.append(Locking(len(s.lockings), e.services, e.user, self.at, ends=True))
        s.facts = None

    def on_block_waited(self, e: ev.BlockWaited) -> None:
        self.state.waits_for_block = e.block

    # The agent.

    def on_facts_fetched(self, e: ev.FactsFetched) -> None:
        self.state.facts, self.state.facts_at = e, self.at
        for commit in (*e.commits, *e.staged):
            self._know(commit)
        for running in e.running:
            for sha in (running.sha, running.verified_sha):
                if sha:
                    self._know(ev.Commit(sha=sha))

    def on_shas_resolved(self, e: ev.ShasResolved) -> None:
        self.state.unresolved = []
        for commit in e.found:
            self._know(commit)

    def on_tool_proposed(self, e: ev.ToolProposed) -> None:
        again = self.state.ask_again
        self.for_a_click = again is not None
        # A card made anew for a click keeps the words of its first proposer.
        self.proposed_by = self.state.cards[again[0]].proposed_by if again else e.by
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
            self._know(commit)

    def on_tool_refused(self, e: ev.ToolRefused) -> None:
        self.state.errors += 1
        self.state.last_error = e.error

    def on_wait_started(self, e: ev.WaitStarted) -> None:
        self._concluded()
        self.state.wait = e
        self._say(e.call_id, e.reason, "wait")
        self.state.says[-1].until = e.until

    def on_wait_ended(self, e: ev.WaitEnded) -> None:
        self.state.wait, self.state.owes_step = None, True

    def on_plan_ended(self, e: ev.PlanEnded) -> None:
        s = self.state
        self._concluded()
        s.plan_ended = e.message
        if not s.effects:
            s.mode = "deploy"
        self._say(e.call_id, e.message, "done")

    def on_rollback_opened(self, e: ev.RollbackOpened) -> None:
        s = self.state
        s.mode, s.owes_step, s.plan_ended, s.stopped_by = "rollback", True, None, None
        s.steps, s.errors, s.waits_for_source = 0, 0, None

    def on_bot_said(self, e: ev.BotSaid) -> None:
        self._say(e.call_id, e.text, e.because, e.choices)
        if e.because == "stuck" and self.state.pending:
            self.state.pending.unheard_by = self.state.held_by
        if e.because == "reply":
            self.state.unread, self.state.errors = [], 0
        elif e.because != "note":
            self._concluded()

    def on_step_failed(self, e: ev.StepFailed) -> None:
        self.state.fault = e.error_id

    def on_ignored(self, e: ev.Ignored) -> None:
        self.state.unread, self.state.errors = [], 0

    # Approvals.

    def on_approval_requested(self, e: ev.ApprovalRequested) -> None:
        # A card made anew for a click answers nobody's words: they hold it until they are read.
        unread = self.state.unread if self.for_a_click else []
        self._concluded()
        self.state.unread = unread
        self.state.plan_ended = None
        self.state.cards[e.call_id] = Card(e, self.at, self.proposed_by)

    def on_approval_granted(self, e: ev.ApprovalGranted) -> None:
        card = self.state.cards[e.call_id]
        card.approvals.append((e.user, self.at))
        card.granted.append(e.spec_hash)
        if len(card.approvals) >= card.request.facts.needed:
            card.status, card.decided_by, card.decided_at = "approved", e.user, self.at

    def on_approval_rejected(self, e: ev.ApprovalRejected) -> None:
        s = self.state
        card = s.cards[e.call_id]
        self._settle(card, "rejected", e.user, e.text)
        s.replans += 1
        if e.text:
            self._hear(e.user, e.text)
            s.owes_step = True
        else:
            s.refused.add((card.request.spec.tool, card.request.spec.sha))

    def on_approval_expired(self, e: ev.ApprovalExpired) -> None:
        self._settle(self.state.cards[e.call_id], "expired", "", e.reason)

    def on_approval_superseded(self, e: ev.ApprovalSuperseded) -> None:
        self._settle(self.state.cards[e.call_id], "superseded", e.user, "")
        self.state.replans += 1

    def on_approval_released(self, e: ev.ApprovalReleased) -> None:
        self.state.cards[e.call_id].released = True
        self._let_words_pass()

    def on_asked_again(self, e: ev.AskedAgain) -> None:
        self.state.ask_again = (e.call_id, e.user)
        self.state.steps = self.state.errors = 0

    # Slack.

    def on_message_posted(self, e: ev.MessagePosted) -> None:
        self.state.slots[e.slot] = (e.channel, e.ts)

    # Shared.

    def _hear(self, user: str, text: str) -> None:
        s = self.state
        said = Words(user, text, self.at)
        s.words.append(said)
        s.unread.append(said)
        s.unresolved.extend(sha_like(text))
        s.steps = s.errors = 0
        s.wait = None
        s.refused.clear()
        if s.pending:
            s.pending.released, s.pending.unheard_by = False, None
        self._answer_questions()

    def _let_words_pass(self) -> None:
        # Words alone wait for the model: without them it is asked at once, or the planner is.
        s = self.state
        s.unread, s.unresolved, s.model_down = [], [], None

    def _know(self, commit: ev.Commit) -> None:
        known = self.state.known.get(commit.sha)
        if known is None or not known.title:
            self.state.known[commit.sha] = commit

    def _concluded(self) -> None:
        s = self.state
        s.unread, s.owes_step, s.errors, s.wait = [], False, 0, None

    def _say(
        self, call_id: str, text: str, because: SayKind, choices: tuple[str, ...] = ()
    ) -> None:
        says = self.state.says
        says.append(Say(len(says), call_id, text, because, self.at, choices))

    def _answer_questions(self) -> None:
        for say in self.state.says:
            say.answered = say.answered or say.because in ("question", "stuck")

    def _settle(self, card: Card, status: CardStatus, user: str, text: str) -> None:
        card.status, card.decided_by = status, user
        card.decided_at, card.text = self.at, text
        self.state.waits_for_source = self.state.waits_for_block = None
