"""What the button "Approve when staging is green" does, and words that are about it."""

from dataclasses import replace

from app.core import ahead, clicks, words
from app.core.cards import Card
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.state import State

ONLY_THE_BUTTON = "Words never approve, also not ahead: only a button does."


def approve_when_green(click: Click) -> Decision:
    """Approve exactly the bytes that were prepared; they run when staging is green, not before."""
    if click.call_id in click.state.cards:
        return clicks.approve(click)
    request = ahead.offered(click.state)
    if request is None or request.call_id != click.call_id:
        return Refused(ahead.why_not(click.state))
    card = clicks.unexpired(click, Card(request, click.now))
    decision = card if isinstance(card, Refused) else clicks.granted(click, card)
    if isinstance(decision, Refused):
        return decision
    return Accepted((request, *decision.events))


def heard(click: Click) -> Decision | None:
    """Understand words about an approval while staging runs; None for all others."""
    state = click.state
    if state.revocable and words.is_withdrawal(click.text):
        return clicks.reject(_about(click, state.revocable))
    testing = state.staging is not None and state.staging.passed is None
    means_it = words.is_approval(click.text) and bool(state.ahead or ahead.offered(state))
    if means_it or (testing and words.is_approval_ahead(click.text)):
        return Refused(f"{ONLY_THE_BUTTON} {_where(state)}")
    return None


def _about(click: Click, card: Card) -> Click:
    return replace(click, call_id=card.request.call_id)


def _where(state: State) -> str:
    """Say where that button is, or why there is none."""
    if state.ahead:
        return "It is on the card in this thread, which runs when staging is green."
    if ahead.offered(state):
        return "Press *Approve when staging is green* on the status message of this thread."
    return "A card comes when staging is green; nothing runs before it is approved there."
