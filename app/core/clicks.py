"""What a click is, and what each button of a card does to a thread; pure, one function for each.

Whether the person is an approver is asked of `policy`; what Slack has to be asked for comes in.
The buttons of a thread, and words, are in `thread_clicks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.core import events as ev
from app.core import policy, refusals
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.policy import Denied, Person
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
    known = click.state.cards.get(click.call_id)
    if known and (done := refusals.own_approval(click.state, known, click.user)):
        return Refused(done)
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
        or refusals.unseen(click.state, card, click.facts)
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
    settled = refusals.settled(card, refusals.is_anew(click.state, card))
    if settled:
        return Refused(settled)
    return unexpired(click, card)


def unexpired(click: Click, card: Card) -> Card | Refused:
    """Return the card if its time is not up."""
    expires_at = card.expires_at
    if click.now >= expires_at:
        return Refused(f"Too late: this card expired {when(expires_at)}. Ask for it again.")
    return card
