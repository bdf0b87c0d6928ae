"""What each button and each sentence of a person does to a thread; pure, one function for each.

Whether the person is an approver is asked of `policy`; what Slack has to be asked for comes in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.core import events as ev
from app.core import policy, refusals, words
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.policy import Denied, Person
from app.core.rides import broken
from app.core.spec import spec_hash
from app.core.state import State
from app.core.writing import mentions, when


@dataclass(frozen=True, slots=True)
class Accepted:
    """Append these events, if the facts are as it `expects`."""

    events: tuple[ev.Event, ...]
    expects: Mapping[str, str | None] = field(default_factory=dict[str, str | None])


@dataclass(frozen=True, slots=True)
class Refused:
    """Append nothing and tell the person this sentence (Slack markup)."""

    sentence: str


Decision = Accepted | Refused


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a thread as it is now; `now` is the log's time, `facts` are the repository's.

    On the command line a `token`, named here, stands for what Slack would say of the person.
    """

    state: State
    repo: RepoConfig
    person: Person
    call_id: str
    now: int
    facts: Mapping[str, str]
    text: str = ""
    token: str = ""

    @property
    def by(self) -> Literal["button", "command line"]:
        """Return in which way it came."""
        return "command line" if self.token else "button"

    @property
    def user(self) -> str:
        """Return who clicked."""
        return self.person.user_id


# Cards.


def approve(click: Click) -> Decision:
    """Approve exactly the bytes of a card."""
    card = open_card(click)
    return card if isinstance(card, Refused) else granted(click, card)


def granted(click: Click, card: Card) -> Decision:
    """Approve a card that is open, if the person may and nothing stands against it now."""
    verdict = policy.may_approve(click.repo, click.person, click.state, card)
    if isinstance(verdict, Denied):
        return Refused(verdict.reason)
    against = (
        refusals.stale(click.state, click.repo, card)
        or refusals.held(click.state, card, click.facts)
        or refusals.blocked(click.repo, card, click.facts, click.now)
    )
    if against:
        return Refused(against)
    request = card.request
    approved = ev.ApprovalGranted(
        call_id=request.call_id,
        spec_hash=request.spec_hash,
        user=click.user,
        by=click.by,
        token=click.token,
        covers=verdict.covers,
    )
    return Accepted((approved,))


def reject(click: Click) -> Decision:
    """Reject a card, with the person's words or by asking for them; anyone may."""
    card = _rejectable(click)
    if isinstance(card, Refused):
        return card
    rejected = ev.ApprovalRejected(
        call_id=click.call_id, user=click.user, text=click.text, by=click.by, token=click.token
    )
    if click.text or click.state.unread:
        return Accepted((rejected,))
    asked = ev.BotSaid(
        call_id=f"{click.call_id}-instead", text="What should I do instead?", because="question"
    )
    return Accepted((rejected, asked))


def may_reject(click: Click) -> Decision:
    """Tell whether the card can still be rejected, before anybody types why."""
    card = _rejectable(click)
    return card if isinstance(card, Refused) else Accepted(())


def _rejectable(click: Click) -> Card | Refused:
    """Return the card if it is open; what was approved ahead can be taken back until it begins."""
    card = click.state.revocable
    return card if card and card.request.call_id == click.call_id else open_card(click)


def release(click: Click) -> Decision:
    """Take a card out of a hold that nothing else will end: a silent model's, or a target's."""
    changeable = click.state.changeable
    is_it = changeable is not None and changeable.request.call_id == click.call_id
    card = changeable if changeable and is_it else open_card(click)
    if isinstance(card, Refused):
        return card
    held = None if card is changeable else _held_step(card, click.facts)
    unheard = click.state.unheard
    if not unheard and held is None:
        return Refused(refusals.nothing_to_release(click.state))
    service = held.name if held else card.steps[0].name
    verdict = policy.may_decide(click.repo, service, click.person)
    if isinstance(verdict, Denied):
        return Refused(verdict.reason)
    if unheard or held is None:
        return Accepted((ev.ApprovalReleased(call_id=click.call_id, user=click.user),))
    sha = held.spec.sha
    if policy.hold_on(held.spec, click.facts) == sha:
        return Refused(
            f"{service} is on hold because of this very commit, {sha[:7]}. "
            "It takes a newer one to release the hold."
        )
    return Accepted((ev.HoldReleased(service=service, user=click.user),))


def _held_step(card: Card, facts: Mapping[str, str]) -> ev.PlanStep | None:
    """Return the first step whose service is on hold now."""
    held = (step for step in card.steps if policy.hold_on(step.spec, facts) is not None)
    return next(held, None)


def ask_again(click: Click) -> Decision:
    """Ask for a card that no longer counts to be made anew; anyone may."""
    state, card = click.state, click.state.cards.get(click.call_id)
    if card is None:
        return Refused(refusals.UNKNOWN_CARD)
    if card.status not in ("expired", "stopped"):
        return Refused(refusals.settled(card) or "This card is still open: approve or reject it.")
    if state.ask_again:
        return Refused(f"{mentions([state.ask_again[1]])} asked for it already.")
    occupied = refusals.occupied(state)
    if occupied:
        return Refused(occupied)
    again = ev.AskedAgain(call_id=click.call_id, user=click.user)
    if state.stopped_by:
        return Accepted((ev.Continued(user=click.user), again))
    return Accepted((again,))


# Threads.


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
    return Accepted((ev.HumanSaid(user=click.user, text=question.choices[number]),))


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


# Whose and what.


def services_of(state: State, call_id: str) -> tuple[str, ...]:
    """Return what a card or an effect is about: whose approvers have to be asked."""
    card, asked = state.cards.get(call_id), state.asked(call_id)
    prepared = state.prepared.request if state.prepared else None
    if card:
        return tuple(step.name for step in card.steps)
    if prepared and prepared.call_id == call_id:
        return tuple(step.name for step in prepared.steps)
    return (asked.step.name,) if asked else ()


def open_card(click: Click) -> Card | Refused:
    """Return the card if people can still decide about it."""
    card = click.state.cards.get(click.call_id)
    if card is None:
        return Refused(refusals.UNKNOWN_CARD)
    settled = refusals.settled(card)
    if settled:
        return Refused(settled)
    return unexpired(click, card)


def unexpired(click: Click, card: Card) -> Card | Refused:
    """Return the card if its time is not up."""
    expires_at = card.expires_at
    if click.now >= expires_at:
        return Refused(f"Too late: this card expired {when(expires_at)}. Ask for it again.")
    return card


def _reached_e2e(state: State) -> bool:
    runs = state.runs_of(state.staging.attempts) if state.staging else []
    return bool(runs) and runs[-1].attempt.kind == "e2e"
