"""Whom a card that waits calls next, and when: once those who can approve, then who stands above.

All of it follows from the card, the words in its thread, the configuration and the time (ms).
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.core import approvers, hours
from app.core.cards import Card, Reminded
from app.core.config import RepoConfig
from app.core.events import CallKind, PlanStep
from app.core.hours import Hours
from app.core.made_anew import first_called
from app.core.state import State

LONGEST_QUIET_MS = 30 * 24 * 3600 * 1000  # a freeze or a lock may never end


Whom = Callable[[Card, PlanStep], list[str]]


@dataclass(frozen=True, slots=True)
class Call:
    """A message that is due at a time and mentions some people."""

    kind: CallKind
    at: int
    whom: tuple[str, ...]


def hours_of(state: State, repo: RepoConfig, card: Card) -> Hours | None:
    """Return the hours in which people may be called about a card; None for any hour."""
    return None if at_any_hour(state, card) else repo.hours


def at_any_hour(state: State, card: Card) -> bool:
    """Tell whether people are called about a card at any hour, and though a lock keeps it."""
    return calls_at_any_hour(state, back=card.takes_back)


def calls_at_any_hour(state: State, *, back: bool) -> bool:
    """Tell whether a thread's cards call people at once, whatever stands against them.

    What is urgent does, and so do a rollback (`back`) and all that is asked while production is
    red.
    """
    return state.is_urgent or state.red is not None or back


def next_call(state: State, repo: RepoConfig, card: Card) -> Call | None:
    """Return the next message about a card that nobody decides about, None if there is none left.

    It counts from when the card was shown. Words in the thread put it off: whoever talks has not
    forgotten. That it became urgent is said at once.
    """
    open_in, urgent = hours_of(state, repo, card), reminded(card, "urgent")
    heard = [words.at for words in state.words]
    heard += [call.at for call in card.reminded if call.kind in ("urgent", "hotfix", "again")]
    since = max([card.shown_at or card.at, *heard])
    reminder = reminded(card, "reminder")
    whom = to_call(card)
    if whom and card.urgent_at is not None and urgent is None:
        return Call("urgent", card.urgent_at, whom)
    if whom and reminder is None:
        is_first = _is_quiet_still(card) and urgent is None
        if is_first and card.lost:
            return Call("again", _opens(state, repo, card), to_call(card, first_called))
        again = hours.after(open_in, since, repo.remind_after_seconds * 1000)
        return Call("reminder", _opens(state, repo, card) if is_first else again, whom)
    if not repo.escalate_to or reminded(card, "escalation"):
        return None
    at = hours.after(open_in, since, repo.escalate_after_seconds * 1000)
    if reminder:
        rest = repo.escalate_after_seconds - repo.remind_after_seconds
        at = max(at, hours.after(open_in, reminder.at, rest * 1000))
    return Call("escalation", at, repo.escalate_to)


def to_call(card: Card, of: Whom | None = None) -> tuple[str, ...]:
    """Return whom to mention so that every step gets the approvals that it has not got."""
    called = ((of or _to_call)(card, step) for step in card.steps if card.missing(step))
    return tuple(dict.fromkeys(one for whom in called for one in whom))


def _to_call(card: Card, step: PlanStep) -> list[str]:
    return approvers.to_call(step.facts, [given.user for given in card.approvals_of(step)])


def _is_quiet_still(card: Card) -> bool:
    """Tell whether a card that came quietly has not yet called those whose approval it lost."""
    return card.request.facts.quiet_until is not None and reminded(card, "again") is None


def quiet_until(state: State, repo: RepoConfig, card: Card) -> int | None:
    """Return when those who can approve are called for the first time.

    None if they were, if that is at once, or if there is nobody to call.
    """
    quiet = card.request.facts.quiet_until
    called = reminded(card, "again") or reminded(card, "reminder")
    if quiet is None or at_any_hour(state, card) or called or not to_call(card):
        return None
    return _opens(state, repo, card)


def kept_by(card: Card) -> str:
    """Name what kept people from approving when a card was made, "" where nothing did."""
    facts = card.request.facts
    return "" if facts.frozen_until is None else "lock" if facts.locked else "freeze"


def _opens(state: State, repo: RepoConfig, card: Card) -> int:
    """Return when those who can approve may be called for the first time."""
    frozen = None if at_any_hour(state, card) else card.request.facts.frozen_until
    return hours.opens(hours_of(state, repo, card), max(card.at, frozen or 0))


def reminded(card: Card, kind: CallKind) -> Reminded | None:
    """Return the call of a kind that was made for a card."""
    return next((call for call in card.reminded if call.kind == kind), None)


def first_asked(card: Card) -> int | None:
    """Return when those who can approve were called first, by the card itself or by a call (ms).

    None while nobody was.
    """
    if card.request.facts.quiet_until is None:
        anybody = any(approvers.to_call(step.facts) for step in card.steps)
        return card.at if anybody else None
    return min((call.at for call in card.reminded if call.kind != "escalation"), default=None)
