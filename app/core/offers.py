"""The question on a card about a newer merge: how the ways to answer it are named."""

from app.core.records import Offer
from app.core.state import State

KEEP, WAIT = "Keep this", "Wait for the next"


def ship_all(state: State, offer: Offer) -> str:
    """Name the button that leaves a card to the newer merge, by how many ship then."""
    number = 1 + len({*state.carried, *(pull.thread_id for pull in offer.pulls)})
    return "Ship both" if number == 2 else f"Ship all {number}"


def chosen(state: State, offer: Offer) -> str:
    """Name what somebody chose."""
    named = {"keep": KEEP, "wait": WAIT}.get(offer.answer)
    return f"*{named or ship_all(state, offer)}*"
