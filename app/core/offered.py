"""What a thread offers to everybody when it is stuck: to run staging again, to ask again."""

from app.core import outgoing
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.records import Staging
from app.core.state import State


def can_retry(state: State, repo: RepoConfig, staging: Staging) -> bool:
    """Tell whether running staging again is the way on; not where another merge brought it out."""
    failed = staging.passed is False and not staging.stopped
    newest = staging is state.staging and staging.override is None
    out = state.went_out and not outgoing.left(state, repo)
    return failed and newest and state.stopped_by is None and not out


def can_ask_again(state: State, card: Card) -> bool:
    """Offer it on the newest card alone, while nothing else is under way."""
    newest = list(state.cards.values())[-1]
    busy = state.running or state.ask_again or state.stopped_by or state.owes_step
    ended = card.status == "expired" and not outgoing.is_out(state, card)
    ran_out = ended and (card.in_effect or not card.request.ahead)
    return ran_out and card is newest and not busy and not is_given_up(state, card)


def is_given_up(state: State, card: Card) -> bool:
    """Tell whether the newest card is about a rollback that ended without being approved."""
    return card.takes_back and card.status == "expired" and state.plan_ended is not None
