"""Approvers who do not answer: they are reminded once, then others hear of it; never at night."""

from app.core import events as ev
from app.core import hours, lanes, policy
from app.core.actions import Append, Here
from app.core.cards import Card
from app.core.events import Block
from app.core.reminding import (
    Call,
    at_any_hour,
    hours_of,
    next_call,
    quiet_until,
    reminded,
    to_call,
)
from app.core.state import State

AGAIN_MS = 5 * 60_000  # a lock of somebody else may end before its time


def remind(state: State, here: Here) -> Append | None:
    """Note that people are called about a card that they can see, when its state says so."""
    card = state.pending
    due = _due(state, here, card) if card else None
    if card is None or due is None or due[0] > here.now:
        return None
    call_id, call = card.request.call_id, due[1]
    return Append([ev.ApproversReminded(call_id=call_id, whom=call.whom, kind=call.kind)])


def call_for_hotfix(state: State, here: Here) -> Append | None:
    """Call those who can decide a card, once, and at any hour, where an urgent merge waits for it.

    What nobody approved yet, and no rule of the team keeps, gives way before this.
    """
    card = state.pending
    if card is None or card.shown_at is None or state.held_by or reminded(card, "hotfix"):
        return None
    hotfix, whom = lanes.hotfix_behind(state, here.facts), to_call(card) or tuple(card.approvers)
    if hotfix is None or state.is_urgent or not whom:
        return None
    call_id = card.request.call_id
    called = ev.ApproversReminded(call_id=call_id, whom=whom, kind="hotfix", waiting=hotfix.pull)
    return Append([called])


def next_reminder(state: State, here: Here) -> int | None:
    """Return when somebody is called next, or when to look whether they may be called yet."""
    due = _due(state, here, state.pending) if state.pending else None
    return due[0] if due else None


def _due(state: State, here: Here, card: Card) -> tuple[int, Call] | None:
    call = next_call(state, here.repo, card)
    if call is None or state.held_by or card.shown_at is None:
        return None
    is_first = quiet_until(state, here.repo, card) is not None
    since = here.now if is_first and is_over(card, here) else max(call.at, here.now)
    at = hours.opens(hours_of(state, here.repo, card), since)
    kept = not at_any_hour(state, card) and _is_kept(card, here)
    return (here.now + AGAIN_MS if at == here.now and kept else at), call


def is_over(card: Card, here: Here) -> bool:
    """Tell whether what a card waits for quietly was ended before its time."""
    return is_early(card, here) and block_on(card, here) is None


def is_early(card: Card, here: Here) -> bool:
    """Tell whether a card waits quietly for the end of what stood against it when it came."""
    return here.now < (card.request.facts.frozen_until or 0)


def block_on(card: Card, here: Here) -> Block | None:
    """Return the lock or the freeze that stands against a step of a card now."""
    specs = card.request.specs
    found = (policy.blocked_by(here.repo, spec, here.facts, here.now) for spec in specs)
    return next((block for block in found if block), None)


def _is_kept(card: Card, here: Here) -> bool:
    """Tell whether nobody could approve it now: a step is locked or frozen.

    A hold ends by nothing but people, so its card calls those who can release it.
    What calls people at any hour does so all the same: they may unlock, or break the glass.
    """
    return any(
        policy.blocked_by(here.repo, spec, here.facts, here.now, card.lifted)
        for spec in card.request.specs
    )
