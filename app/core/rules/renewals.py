"""Cards whose time is up while something keeps them are made anew instead of expiring."""

from app.core import events as ev
from app.core import hours, lanes, locks, policy
from app.core.actions import Append, Here
from app.core.cards import Card
from app.core.events import Block
from app.core.reminding import LONGEST_QUIET_MS, hours_of
from app.core.rules.reminders import AGAIN_MS, block_on, is_early, is_over
from app.core.state import State

OVER = "what kept people from approving is over, so it is made anew"


def renew(state: State, here: Here) -> Append | None:
    """Let a card be made anew that would expire while it is locked or frozen, or soon after that.

    So is one that waits quietly for the end of a lock that somebody ended before: people are called
    at once, and it lives from then on; where somebody was faster and approved it since, it stays,
    and the others are called about it. And so is one that was approved, when its time is up before
    it could begin: an approval counts no longer than was shown, but people did answer. So is one on
    hold, too, when its time is up, until people were asked about it for `LONGEST_QUIET_MS`.
    """
    card = state.pending
    if state.approved:
        return _renew_approved(state, here, state.approved)
    why = _why(state, here, card) if card else ""
    if card is None or not why or policy.not_as_shown(card):
        return None
    call_id = card.request.call_id
    expired = ev.ApprovalExpired(call_id=call_id, reason=why)
    return Append([expired, ev.AskedAgain(call_id=call_id, user="")])


def _renew_approved(state: State, here: Here, card: Card) -> Append | None:
    """Ask again for what was approved, or for what is left of it, and waited until it expired."""
    step = card.next_step
    if step is None or here.now < card.expires_at or state.stopped_by:
        return None
    if state.held_by or _waited_for_ever(card) or policy.not_as_shown(card):
        return None
    call_id, waited = card.request.call_id, _waited_for(state, here, card, step)
    told = f": {waited}" if waited else ""
    why = f"its approval ran out while it waited, so it is made anew{told}"
    over: ev.Event = ev.ApprovalExpired(call_id=call_id, reason=why)
    if card.attempts:
        over = ev.StepRefused(call_id=step.spec.call_id, reason=why)
    return Append([over, ev.AskedAgain(call_id=call_id, user="")])


def _waited_for(state: State, here: Here, card: Card, step: ev.PlanStep) -> str:
    """Say what an approved step waits for, "" for nothing."""
    block = policy.blocked_by(here.repo, step.spec, here.facts, here.now, card.lifted)
    if block:
        return _told(block, here)
    if lock := state.waits_for_lock:
        by = lanes.named(lock.merge) if lock.merge else "another thread"
        return f"{lock.target} is in use by {by}"
    return state.waits_for_source.message.rstrip(".") if state.waits_for_source else ""


def why_late(card: Card, here: Here) -> str:
    """Say why a card expires whose time is up."""
    if held := _held(card, here):
        return f"nobody released it in time: {held}"
    block = block_on(card, here)
    if block is None:
        return "nobody decided in time"
    return f"nobody could approve it when its time was up: {_told(block, here)}"


def next_look(state: State, here: Here) -> int | None:
    """Return when to look whether a card is to be made anew; a lock may end sooner than it says."""
    card = state.pending
    if card is None:
        return None
    soon, due = here.now + AGAIN_MS, _late(state, here, card)
    unlocked_early = card.request.facts.locked and is_early(card, here)
    return soon if due <= here.now or unlocked_early else due


def _why(state: State, here: Here, card: Card) -> str:
    if is_over(card, here) and not card.approvals:
        return OVER
    held = _held(card, here) if here.now >= card.expires_at else ""
    if held and not _held_for_ever(state):
        return f"nobody released it in time, so it is made anew: {held}"
    block = block_on(card, here) if here.now >= _late(state, here, card) else None
    if block is None or _waited_for_ever(card):
        return ""
    missing = "what was missing" if card.approvals else "it"
    return f"nobody could approve {missing}, so it is made anew: {_told(block, here)}"


def _late(state: State, here: Here, card: Card) -> int:
    """Return when too little of a card's life is left for people to be called, and to act."""
    begins = max(card.at, card.request.facts.frozen_until or 0)
    ends = hours.closes(hours_of(state, here.repo, card), begins, card.expires_at)
    return max((begins + ends) // 2, ends - here.repo.escalate_after_seconds * 1000)


def _waited_for_ever(card: Card) -> bool:
    until = card.request.facts.frozen_until
    return until is not None and until - card.at >= LONGEST_QUIET_MS


def _held(card: Card, here: Here) -> str:
    """Say which hold somebody has to release for a card, "" for none; the bad commit stays held."""
    for spec in card.request.specs:
        bad = policy.hold_on(spec, here.facts)
        if bad is not None and bad != spec.sha:
            return f"{spec.service} is on hold since {bad[:7] or 'a bad commit'} was rolled back"
    return ""


def _held_for_ever(state: State) -> bool:
    """Tell whether people were asked to release a hold for so long that it is enough."""
    asked = [card for card in state.cards.values() if any(s.facts.hold for s in card.steps)]
    return bool(asked) and asked[-1].expires_at - asked[0].at >= LONGEST_QUIET_MS


def _told(block: Block, here: Here) -> str:
    return f"{block.service} is {locks.plainly(block, here.repo)}"
