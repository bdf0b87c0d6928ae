"""What was done to the world, and what came of it."""

from collections.abc import Sequence

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Run, Verification


class FoldEffects(Folding):
    """What was done to the world, and what came of it."""

    def on_tool_started(self, e: ev.ToolStarted) -> None:
        s = self.state
        attempt = e.attempt
        s.runs[attempt.attempt_id] = Run(attempt, e.call_id, self.at, e.send_by)
        s.locks.update(e.locks)
        s.waits_for_lock = s.waits_for_source = s.waits_for_block = None
        asked = s.asked(e.call_id)
        if e.call_id and asked:
            asked.card.attempts[e.call_id] = attempt.attempt_id
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
        run.cancel_requested, run.cancel_unanswered = e.possible is not None, e.possible is None
        run.cancel_possible = bool(e.possible)

    def on_tool_ended(self, e: ev.ToolEnded) -> None:
        run = self.state.runs[e.attempt_id]
        run.outcome, run.summary, run.ended_at = e.outcome, e.summary, self.at
        run.failing_tests, run.tail, run.seconds = e.failing_tests, e.tail, e.seconds
        if run.is_production_effect and e.outcome != "succeeded":
            self._end_plan_of(run)
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
        s.effects[service] = run.attempt.sha
        s.went_out.pop(service, None)
        s.taken_back.pop(service, None)
        done = s.ran if run.attempt.kind == "job" else s.shipped
        done[service] = run.attempt.sha
        s.verification = None

    def _end_plan_of(self, run: Run) -> None:
        """End the plan of a step that did not succeed: the agent is asked what comes instead."""
        asked = self.state.asked(run.call_id)
        if asked:
            self.void(asked.card, f"{asked.step.name}: {run.outcome}")

    def _was(self, run: Run) -> str | None:
        asked = self.state.asked(run.call_id)
        return asked.spec.production_was if asked else None

    def on_source_waited(self, e: ev.SourceWaited) -> None:
        self.begins_to_wait()
        self.state.waits_for_source = e

    def on_lock_waited(self, e: ev.LockWaited) -> None:
        self.begins_to_wait()
        self.state.waits_for_lock = e

    def on_locks_released(self, e: ev.LocksReleased) -> None:
        self.state.locks.difference_update(e.targets)

    def on_staging_ended(self, e: ev.StagingEnded) -> None:
        s = self.state
        self._end_staging(e)
        s.facts = None
        if e.passed and not s.stopped_by:
            s.owes_step, s.plan_ended = not self._was_withdrawn(), None

    def _was_withdrawn(self) -> bool:
        """Tell whether people are asked what to do instead of what was approved ahead."""
        withdrawn = [c for c in self.state.cards.values() if c.request.ahead and c.was_withdrawn]
        return bool(withdrawn) and self.state.question is not None

    def on_staging_overridden(self, e: ev.StagingOverridden) -> None:
        s = self.state
        if s.staging:
            s.staging.override = ev.Override(
                user=e.user, reason=e.reason, failing_tests=e.failing_tests, at=self.at
            )
        s.owes_step, s.plan_ended, s.facts = True, None, None
        s.steps = s.errors = 0

    def _end_staging(self, e: ev.StagingEnded) -> None:
        staging = self.state.staging
        if staging:
            staging.passed, staging.summary, staging.ended_at = e.passed, e.summary, self.at
            staging.by, staging.red_before = e.by, e.red_before
            self._remember(staging.attempts, e.before)
        self.state.waits_for_lock = None

    def _remember(self, attempts: Sequence[str], before: tuple[ev.FailedBefore, ...]) -> None:
        for run in self.state.runs_of(attempts)[-1:]:
            run.before = before

    def on_verification_ended(self, e: ev.VerificationEnded) -> None:
        s = self.state
        if s.verification is None:
            s.verification = Verification()
        check = s.verification
        check.passed, check.failing_tests, check.at = e.passed, e.failing_tests, self.at
        self._remember(check.attempts, e.before)
        s.owes_step = s.verify_requested and not s.stopped_by
        s.verify_requested = False
        s.red = None if e.passed else check
        s.effects = {}
        s.facts = None
        if e.passed:
            s.mode = "deploy"

    def on_verification_requested(self, e: ev.VerificationRequested) -> None:
        self.obey_words("tests", ())
        self.concluded()
        self.state.verify_requested, self.state.verification = True, None
