"""What happened, one compact line for each event that matters to the agent; no I/O, no clock."""

from collections.abc import Sequence
from typing import assert_never

from app.core import awaited, flaky
from app.core import events as ev
from app.core.lanes import named
from app.core.spec import ActionSpec
from app.core.state import State
from app.core.tokens import tokens_at_most
from app.core.untrusted import as_data, cut
from app.core.writing import short, utc


def outside(text: str, tokens: int) -> str:
    """Return outside text between « and », cut so that it costs at most `tokens`."""
    head = text[: 12 * tokens]
    data, hidden = as_data(head), len(text) - len(head)
    limit = 3 * tokens
    while tokens_at_most(shown := f"«{cut(data, limit, hidden)}»") > tokens and limit > 16:
        limit = limit * 3 // 4
    return shown


def called(specs: Sequence[ActionSpec]) -> str:
    """Name the calls of a card in order."""
    return ", then ".join(f"{spec.tool}({short(spec.sha)})" for spec in specs)


def age(now: int, at: int) -> str:
    """Return how long ago something was; both times in milliseconds."""
    seconds = max(0, now - at) // 1000
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def failed_before(told: ev.FailedBefore) -> str:
    """Say what a red test did in the runs before, and whether it is to be taken as flaky."""
    said = flaky.plainly(told, outside(told.test, 40))
    return f"{said}: known to be flaky" if told.is_flaky else said


def history(state: State, entries: Sequence[ev.Entry], now: int, tokens: int) -> list[str]:
    """Return the newest lines that fit, oldest first, with the number of the events left out."""
    lines: list[str] = []
    writer = _Lines(state)
    left = tokens - tokens_at_most("(99999 earlier events)\n")
    for index in range(len(entries) - 1, -1, -1):
        line = writer.line(entries[index].event)
        if line is None:
            continue
        line = f"- {age(now, entries[index].at)}: {line}"
        left -= tokens_at_most(line + "\n")
        if left < 0:
            lines.append(f"({index + 1} earlier events)")
            break
        lines.append(line)
    return lines[::-1]


def _ride(told: ev.RidersTold | ev.RideChanged) -> str:
    if told.how == "goes on":
        return "it goes on after all"
    if told.how == "left out":
        return f"it is done and left out {', '.join(told.services)}"
    by = f" by @{told.user}" if told.user else ""
    return f"{told.how}{by}, so {', '.join(told.services)} did not go out"


class _Lines:
    """Writes the line of an event, newest event first; the method is named after its type."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.errors = state.errors
        self.results = 2

    def line(self, event: ev.Event) -> str | None:
        writer = getattr(self, f"on_{event.type}", None)
        return writer(event) if writer is not None else None

    def on_change_seen(self, e: ev.ChangeSeen) -> str:
        return f"the merge touches {', '.join(e.touched) or 'no service'}"

    def on_undeployed_found(self, e: ev.UndeployedFound) -> str:
        told = f"commits up to {short(e.sha)} are not on production ({len(e.merges)} of them)"
        return f"code asked people on a schedule: {told}. Deploy to {', '.join(e.was)}?"

    def on_undeployed_answered(self, e: ev.UndeployedAnswered) -> str:
        return f"@{e.user} answered by a button: {'deploy' if e.deploy else 'not now'}"

    def on_human_said(self, e: ev.HumanSaid) -> str:
        return f"@{e.user} said {outside(e.text, 110)}"

    def on_stop_requested(self, e: ev.StopRequested) -> str:
        return f"@{e.user} stopped everything"

    def on_continued(self, e: ev.Continued) -> str:
        return f"@{e.user} took the thread up again"

    def on_staging_requested(self, e: ev.StagingRequested) -> str:
        what = "everything" if e.scope == "all" else "the e2e tests"
        return f"staging was asked to run {what} for {short(e.sha)}"

    def on_tool_started(self, e: ev.ToolStarted) -> str:
        a = e.attempt
        return f"{a.kind} of {a.service or a.environment} {short(a.sha)} started on {a.environment}"

    def on_tool_ended(self, e: ev.ToolEnded) -> str:
        a = self.state.runs[e.attempt_id].attempt
        what = f"{a.kind} of {a.service or a.environment} {short(a.sha)} on {a.environment}"
        if e.outcome == "succeeded":
            return f"{what} succeeded"
        parts = [f"{what} {e.outcome.upper()}: {outside(e.summary, 80)}"]
        if e.failing_tests:
            parts.append(f"failing tests {outside(', '.join(e.failing_tests), 120)}")
        elif e.tail:
            parts.append(f"last lines {outside(' | '.join(e.tail[-5:]), 160)}")
        return "; ".join(parts)

    def on_source_waited(self, e: ev.SourceWaited) -> str:
        return f"nothing new may start on production until GitHub answers: {outside(e.message, 60)}"

    def on_outcome_stated(self, e: ev.OutcomeStated) -> str:
        return f"@{e.user} says of the unknown run: {'it happened' if e.happened else 'it did not'}"

    def on_staging_ended(self, e: ev.StagingEnded) -> str:
        told = f"staging {'passed' if e.passed else 'FAILED'} for {short(e.sha)}"
        if e.by:
            told += f" with the newer {named(e.by)}, which has it"
        if e.red_before:
            told += f", as before it {', '.join(map(named, e.red_before))}, which it has in it"
        return "; ".join([told, *map(failed_before, e.before[:3])])

    def on_staging_overridden(self, e: ev.StagingOverridden) -> str:
        why = outside(e.reason, 80)
        return f"@{e.user} overrode the red tests of {short(e.sha)}, so it counts as passed: {why}"

    def on_verification_ended(self, e: ev.VerificationEnded) -> str:
        if e.passed:
            return "production e2e tests passed"
        told = f"production e2e tests FAILED, twice: {outside(', '.join(e.failing_tests), 160)}"
        return "; ".join([told, *map(failed_before, e.before[:3])])

    def on_hold_placed(self, e: ev.HoldPlaced) -> str:
        return f"{e.service} is on hold: {short(e.bad_sha)} is bad"

    def on_hold_released(self, e: ev.HoldReleased) -> str:
        return f"@{e.user} released the hold of {e.service}"

    def on_service_locked(self, e: ev.ServiceLocked) -> str:
        until = f" until {utc(e.until)}" if e.until is not None else ""
        why = f": {outside(e.reason, 80)}" if e.reason else ""
        return f"@{e.user} locked {', '.join(e.services)}{until}{why}"

    def on_service_unlocked(self, e: ev.ServiceUnlocked) -> str:
        return f"@{e.user} unlocked {', '.join(e.services)}"

    def on_block_waited(self, e: ev.BlockWaited) -> str:
        how = "locked" if e.block.user else "frozen"
        return f"the approved action waits: {e.block.service} is {how}"

    def on_model_erred(self, e: ev.ModelErred) -> str | None:
        return self._error(f"your answer was no valid call: {outside(e.message, 120)}")

    def on_tool_refused(self, e: ev.ToolRefused) -> str | None:
        return self._error(f"your call was refused by code: {outside(e.error, 120)}")

    def _error(self, line: str) -> str | None:
        self.errors -= 1
        return line if self.errors >= 0 else None

    def on_tool_answered(self, e: ev.ToolAnswered) -> str:
        self.results -= 1
        if self.results < 0:
            return "a list was fetched"
        return f"you fetched {outside(e.result, 400)}"

    def on_newer_offered(self, e: ev.NewerOffered) -> str:
        newer = named(e.pulls[0])
        return f"code asked on the card what is to become of it and of the newer merge {newer}"

    def on_newer_answered(self, e: ev.NewerAnswered) -> str:
        answers = {"both": "ship both", "keep": "keep this one", "wait": "wait for the next"}
        return f"@{e.user} answered: {answers[e.answer]}"

    def on_superseded(self, e: ev.Superseded) -> str:
        return f"the newer merge {named(e.into)} ships this one, too"

    def on_riders_told(self, e: ev.RidersTold) -> str:
        return f"code told the merges that ship with this one: {_ride(e)}"

    def on_ride_changed(self, e: ev.RideChanged) -> str:
        return f"the newer merge {named(e.by)} was to ship this one, too: {_ride(e)}"

    def on_went_out(self, e: ev.WentOut) -> str:
        verb = "took it back from" if e.back else "brought this commit, too, to"
        return f"the other merge {named(e.by)} {verb} {e.service} in production"

    def on_said_meanwhile(self, e: ev.SaidMeanwhile) -> str:
        said = dict.fromkeys(named(each.pull) for each in (*e.declined, *e.spoken))
        about = f"people said no to {', '.join(said)}, or wrote about it" if said else "nothing"
        return f"the card shows what stands of merges that go out with it: {about}"

    def on_marked_urgent(self, e: ev.MarkedUrgent) -> str:
        about = f" for {named(e.of)}, which ships with it" if e.of else ""
        by = f"@{e.user}" if e.user else "a label"
        return f"{by} marked this merge as urgent{about}"

    def on_urgency_passed(self, e: ev.UrgencyPassed) -> str:
        return f"code told {named(e.into)}, which ships this one, that it is urgent"

    def on_place_kept(self, e: ev.PlaceKept) -> str:
        return "the merge keeps its place behind older ones; those words will hold its card"

    def on_wait_started(self, e: ev.WaitStarted) -> str:
        what = awaited.plainly(e)
        return f"you wait{' for ' + what if what else ''}: {outside(e.reason, 60)}"

    def on_wait_ended(self, e: ev.WaitEnded) -> str:
        match e.because:
            case "time":
                return "the wait is over: its time is there"
            case "event":
                return f"the wait is over, what you waited for has happened: {e.told}"
            case "person":
                return f"@{e.user} ended the wait: go on"
            case "circle":
                return "the wait is over: what you waited for waits for this thread itself"
            case _:
                assert_never(e.because)

    def on_plan_ended(self, e: ev.PlanEnded) -> str:
        return f"you ended the plan: {outside(e.message, 80)}"

    def on_plan_kept(self, e: ev.PlanKept) -> str:
        return f"@{e.user}'s words change nothing after all: it goes on as it was"

    def on_rollback_opened(self, e: ev.RollbackOpened) -> str:
        return f"a rollback was opened by {'@' + e.user if e.user else 'red production tests'}"

    def on_bot_said(self, e: ev.BotSaid) -> str:
        choices = f", choices: {outside(' / '.join(e.choices), 80)}" if e.choices else ""
        verb = "asked" if e.because in ("question", "stuck") else "said"
        return f"you {verb} {outside(e.text, 110)}{choices}"

    def on_answer_told(self, e: ev.AnswerTold) -> str:
        lines = ("".join(piece.text for piece in line) for line in e.lines)
        return f"code answered {outside(' | '.join([e.title, *lines]), 110)}"

    def on_approval_requested(self, e: ev.ApprovalRequested) -> str:
        return f"card: {called(e.specs)}, plan {e.plan}"

    def on_approval_granted(self, e: ev.ApprovalGranted) -> str:
        return f"@{e.user} approved the card {self._card(e.call_id)}"

    def on_glass_broken(self, e: ev.GlassBroken) -> str:
        why = outside(e.reason, 80)
        return f"@{e.user} BROKE THE GLASS for the card {self._card(e.call_id)}: {why}"

    def on_step_refused(self, e: ev.StepRefused) -> str:
        asked = self.state.asked(e.call_id)
        name = asked.step.name if asked else "a step"
        return f"the rest of the plan from {name} on was given up: {outside(e.reason, 60)}"

    def on_approval_rejected(self, e: ev.ApprovalRejected) -> str:
        words = f" with {outside(e.text, 110)}" if e.text else " without words"
        return f"@{e.user} REJECTED the card {self._card(e.call_id)}{words}"

    def on_approval_expired(self, e: ev.ApprovalExpired) -> str:
        return f"the card {self._card(e.call_id)} expired: {outside(e.reason, 60)}"

    def on_approval_superseded(self, e: ev.ApprovalSuperseded) -> str:
        return f"the card {self._card(e.call_id)} was replaced after @{e.user}'s message"

    def on_approvers_reminded(self, e: ev.ApproversReminded) -> str:
        whom = ", ".join(f"@{one}" for one in e.whom)
        return f"{whom} were called about the card {self._card(e.call_id)}: {e.kind}"

    def on_asked_again(self, e: ev.AskedAgain) -> str:
        card = self._card(e.call_id)
        return f"@{e.user} asked for the card {card} again" if e.user else f"{card} is asked again"

    def _card(self, call_id: str) -> str:
        return called(self.state.cards[call_id].request.specs)
