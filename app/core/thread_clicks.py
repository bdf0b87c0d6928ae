"""What each button of a thread, and each sentence of a person, does to it; pure, as `clicks`."""

from app.core import events as ev
from app.core import policy, refusals, taking_back, words
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.policy import Denied
from app.core.rides import broken
from app.core.spec import spec_hash
from app.core.state import State
from app.core.writing import mentions, when


def stop(click: Click) -> Decision:
    """Stop the thread; anyone may."""
    return _stop(click.state, click.user)


def _stop(state: State, user: str) -> Decision:
    if state.stopped_by:
        return Refused(f"{mentions([state.stopped_by])} stopped this thread already.")
    ended = state.plan_ended is not None or state.only_locks
    idle = ended and not state.turn_due and not state.effects
    if idle and not refusals.occupied(state) and not state.ask_again:
        return Refused("There is nothing to stop: nothing runs here and nothing waits.")
    return Accepted((ev.StopRequested(user=user),))


def retry(click: Click) -> Decision:
    """Run staging once more, all of it or (text "e2e") only its tests; anyone may."""
    state, scope = click.state, click.text
    staging = state.staging
    if staging is None:
        return Refused("This thread has not been through staging, so there is nothing to retry.")
    if staging.passed is None:
        return Refused("Staging is already running again.")
    if staging.passed:
        return Refused(f"Staging has passed for {staging.sha[:7]}: there is nothing to retry.")
    if staging.override:
        by = mentions([staging.override.user])
        return Refused(f"{by} overrode these tests. Say `run e2e on staging` to run them again.")
    if state.running:
        return Refused(refusals.occupied(state))
    again = ev.StagingRequested(
        sha=staging.sha, scope="e2e" if scope == "e2e" else "all", user=click.user
    )
    if scope == "e2e" and not _reached_e2e(state):
        return Refused("The e2e tests were not reached: retry all of staging.")
    if not state.stopped_by:
        return Accepted((again,))
    continued = ev.Continued(user=click.user)
    return Accepted((continued,) if staging.stopped else (continued, again))


def _reached_e2e(state: State) -> bool:
    runs = state.runs_of(state.staging.attempts) if state.staging else []
    return bool(runs) and runs[-1].attempt.kind == "e2e"


def rollback(click: Click) -> Decision:
    """Call the rollback agent for what this thread shipped; anyone may, its card still waits.

    Of an unknown effect, an approver says with this that it may have happened.
    """
    state = click.state
    if state.unknown and state.unknown.call_id == click.call_id:
        stated = _state_outcome(click, True)
        if isinstance(stated, Refused):
            return stated
        return Accepted((*stated.events, ev.RollbackOpened(user=click.user)))
    if not state.has_shipped:
        return Refused("This thread has nothing on production that could be rolled back.")
    moved = refusals.moved_on(state, click.facts)
    if moved:
        return Refused(moved)
    occupied = refusals.occupied(state)
    if occupied:
        return Refused(occupied)
    if state.mode == "rollback" and state.turn_due:
        return Refused("The rollback is already being prepared.")
    return Accepted((ev.RollbackOpened(user=click.user),))


def choose(click: Click) -> Decision:
    """Answer a question of ours by one of its choices, whose number is the text; anyone may."""
    asked = (say for say in click.state.says if say.call_id == click.call_id and say.choices)
    question = next(asked, None)
    number = int(click.text) if click.text.isascii() and click.text.isdecimal() else -1
    if question is None or not 0 <= number < len(question.choices):
        return Refused("I do not know this question any more.")
    if question.answered:
        return Refused("This question has been answered already. Write here to say more.")
    chosen = question.choices[number]
    kept = taking_back.heard(click.state, click.user, chosen)
    return kept or Accepted((ev.HumanSaid(user=click.user, text=chosen),))


# Effects of which nobody knows.


def happened(click: Click) -> Decision:
    """State that an effect happened; approvers only."""
    return _state_outcome(click, True)


def did_not_happen(click: Click) -> Decision:
    """State that an effect did not happen, once it can no longer be sent; approvers only."""
    return _state_outcome(click, False)


def _state_outcome(click: Click, truth: bool) -> Decision:
    run = click.state.unknown
    if run is None or run.call_id != click.call_id:
        return Refused(refusals.known_outcome(click.state, click.call_id))
    verdict = policy.may_decide(click.repo, run.attempt.service or "", click.person)
    if isinstance(verdict, Denied):
        return Refused(verdict.reason)
    if not truth and click.now < run.send_by:
        until = when(run.send_by)
        return Refused(f"It may still be on its way until {until}: say so after that time.")
    asked = click.state.asked(click.call_id)
    stated = ev.OutcomeStated(
        attempt_id=run.attempt.attempt_id,
        happened=truth,
        user=click.user,
        spec_hash=spec_hash(asked.spec) if asked else "",
    )
    return Accepted((stated,))


# Words.


def said(state: State, user: str, text: str, ts: str | None) -> Decision:
    """Hear what a person wrote in the thread: most of it is for the agent, some for code."""
    if words.is_stop(text):
        return _stop(state, user)
    if words.is_continue(text) and (state.stopped_by or broken(state)):
        return Accepted((ev.Continued(user=user),))
    if words.is_end_of_wait(text) and state.wait:
        ended = ev.WaitEnded(call_id=state.wait.call_id, because="person", user=user)
        return Accepted((ended,))
    taken_back = taking_back.heard(state, user, text)
    if taken_back:
        return taken_back
    if words.is_approval(text) and state.pending and state.question is None:
        return Refused(
            "Only the button approves: press *Approve* on the card. "
            "Words here are for asking, or for changing the plan."
        )
    if words.is_breaking_glass(text) and (state.pending or state.approved):
        return Refused(
            "Words break no glass: press *Break glass* on the card. Where the card does not show "
            "it, press *Approve*: if you may not, and it would help, I offer it to you there."
        )
    return Accepted((ev.HumanSaid(user=user, text=text, ts=ts),))
