"""Approvals that a card lost when code made it anew: of whom, and whom to call first for it.

An approval is for exactly the bytes that were shown, and those are gone: it is asked for again.
"""

from app.core import approvers
from app.core.cards import Approval, Card
from app.core.events import CardFacts, PlanStep


def lost(card: Card) -> tuple[Approval, ...]:
    """Return the approvals that who replaces a card has to ask for again.

    With its own come those of the card before it, where nobody was called about that in between.
    """
    was_quiet = card.request.facts.quiet_until is not None and not card.reminded
    before = card.lost if was_quiet else ()
    return (*card.approvals, *before)


def again(card: Card) -> list[str]:
    """Return who approved the card before this one, can approve this one, and did not yet."""
    return list(
        dict.fromkeys(
            user
            for step in card.steps
            for user in _lost_of(card, step)
            if user not in {given.user for given in card.approvals_of(step)}
        )
    )


def first_called(card: Card, step: PlanStep) -> list[str]:
    """Return whom to mention when people are asked about a step first.

    Those who approved it before alone, where they are enough: the others were called then.
    """
    here = [user for user in _lost_of(card, step) if not _is_away(step.facts, user)]
    if len(here) >= card.needed(step):
        return here
    return list(dict.fromkeys([*here, *approvers.to_call(step.facts)]))


def _lost_of(card: Card, step: PlanStep) -> list[str]:
    """Return who approved a step before, as far as they still can."""
    users = (each.user for each in card.lost if not each.covers or step.name in each.covers)
    return [user for user in dict.fromkeys(users) if approvers.could(step.facts, user)]


def _is_away(facts: CardFacts, user: str) -> bool:
    return any(each.away for each in facts.candidates if each.user == user)
