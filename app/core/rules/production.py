"""Cards and what was approved: expiry, execution, and giving targets back."""

from app.core import events as ev
from app.core import ledger, policy
from app.core.actions import Action, Append, Here, Start
from app.core.rules.renewals import why_late
from app.core.rules.staging import STAGING_LOCK
from app.core.spec import approval_cause
from app.core.state import State


def target_lock(service: str) -> str:
    """Name the lock of a service's production."""
    return f"production/{service}"


def release_locks(state: State, here: Here) -> Action | None:
    """Give targets back that nothing here needs any more."""
    if not state.locks or state.running or state.approved:
        return None
    keep: set[str] = set()
    unverified = bool(state.effects) and here.repo.production.e2e is not None
    open_plan = state.plan_ended is None and state.stopped_by is None and not state.lapsed
    if unverified or open_plan:
        keep.update(lock for lock in state.locks if lock != STAGING_LOCK)
    if state.unknown:
        keep.add(target_lock(state.unknown.attempt.service or ""))
    free = tuple(sorted(state.locks - keep))
    return Append([ev.LocksReleased(targets=free)]) if free else None


def expire(state: State, here: Here) -> Action | None:
    """Let a card expire whose time is up, or whose stored bytes somebody changed."""
    card = state.pending
    if card is None:
        return None
    late = why_late(card, here) if here.now >= card.expires_at else None
    reason = policy.not_as_shown(card) or late
    return (
        Append([ev.ApprovalExpired(call_id=card.request.call_id, reason=reason)])
        if reason
        else None
    )


def notice_moved(state: State, here: Here) -> Action | None:
    """Take a card back that production left behind: nobody could approve it any more."""
    card = state.pending
    if card is None or state.unread:
        return None
    for spec in card.request.specs:
        now_runs = ledger.production(here.facts, spec.service)
        if spec.kind != "job" and now_runs not in (None, spec.production_was):
            moved = policy.moved(spec, now_runs)
            call_id = card.request.call_id
            return Append([ev.ApprovalExpired(call_id=call_id, reason=moved, moved=True)])
    return None


def next_expiry(state: State, here: Here) -> int | None:
    """Return when the card that waits expires."""
    return state.pending.expires_at if state.pending else None


def execute(state: State, here: Here) -> Action | None:
    """Start what was approved, of a plan the next step."""
    step = state.approved.next_step if state.approved else None
    if step is None or state.stopped_by or state.held_by:
        return None
    spec = step.spec
    lock, cause = target_lock(spec.service), approval_cause(spec)
    return Start(spec.kind, "production", spec.service, spec.sha, cause, (lock,), spec.call_id)
