"""Whom a card that waits calls next, and when: once those who can approve, then who stands above.

All of it follows from the card, the words in its thread, the configuration and the time (ms).
"""

from dataclasses import dataclass
from typing import Literal

from app.core import approvers, hours
from app.core.config import RepoConfig
from app.core.hours import Hours
from app.core.records import Card, Reminded
from app.core.state import State


@dataclass(frozen=True, slots=True)
class Call:
    """A message that is due at a time and mentions some people."""

    kind: Literal["reminder", "escalation"]
    at: int
    whom: tuple[str, ...]


def hours_of(state: State, repo: RepoConfig) -> Hours | None:
    """Return the hours in which a thread may call people; None for any hour."""
    return None if state.is_urgent else repo.hours


def next_call(state: State, repo: RepoConfig, card: Card) -> Call | None:
    """Return the next message about a card that nobody decides about, None if there is none left.

    It counts from when the card was shown. Words in the thread put it off: whoever talks has not
    forgotten.
    """
    open_in = hours_of(state, repo)
    since = max([card.shown_at or card.at, *(words.at for words in state.words)])
    reminder = reminded(card, "reminder")
    whom = to_call(card)
    if whom and reminder is None:
        quiet = card.request.facts.quiet_until
        first = hours.after(open_in, since, repo.remind_after_seconds * 1000)
        morning = hours.opens(open_in, card.at)
        return Call("reminder", first if quiet is None else morning, whom)
    if not repo.escalate_to or reminded(card, "escalation"):
        return None
    at = hours.after(open_in, since, repo.escalate_after_seconds * 1000)
    if reminder:
        rest = repo.escalate_after_seconds - repo.remind_after_seconds
        at = max(at, hours.after(open_in, reminder.at, rest * 1000))
    return Call("escalation", at, repo.escalate_to)


def to_call(card: Card) -> tuple[str, ...]:
    """Return whom to mention so that every step gets the approvals that it has not got."""
    open_steps = [step for step in card.steps if card.missing(step)]
    given = {step.name: [a.user for a in card.approvals_of(step)] for step in open_steps}
    called = (approvers.to_call(step.facts, given[step.name]) for step in open_steps)
    return tuple(dict.fromkeys(one for whom in called for one in whom))


def quiet_until(state: State, repo: RepoConfig, card: Card) -> int | None:
    """Return when those who can approve are called for the first time; None if they were."""
    quiet = card.request.facts.quiet_until
    if quiet is None or reminded(card, "reminder"):
        return None
    return hours.opens(hours_of(state, repo), card.at)


def reminded(card: Card, kind: Literal["reminder", "escalation"]) -> Reminded | None:
    """Return the call of a kind that was made for a card."""
    return next((call for call in card.reminded if call.kind == kind), None)
