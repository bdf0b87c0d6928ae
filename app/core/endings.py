"""How a thread ended, for others that wait for it, and whom it waits for itself."""

from app.core import awaited
from app.core.config import RepoConfig
from app.core.rides import broken, ended
from app.core.state import State
from app.core.writing import short


def ending(state: State, repo: RepoConfig) -> str:
    """Say how a thread ended, "" while it goes on or waits for people; nothing is from outside.

    It is through when its plan has ended and what it shipped was tested.
    """
    if _goes_on(state, repo):
        return ""
    staging, check = state.staging, state.verification
    if ride := broken(state):
        return f"#{ride.by.number}, which was to ship it, {ended(ride)}"
    if state.joined:
        by = next((each.by for each in reversed(state.went_out.values())), state.joined.into)
        return f"a newer merge ships it, #{by.number}"
    if state.stopped_by:
        return f"it was stopped, {_production(state)}"
    if staging and staging.passed is False and not staging.is_good and not state.shipped:
        return "its staging is red"
    if state.lapsed:
        return f"its approval expired, {_production(state)}"
    if state.plan_ended is None:
        return ""
    red = ", and its tests are red" if check and check.passed is False else ""
    return f"{_production(state)}{red}"


def waits_for_thread(state: State) -> str | None:
    """Return the thread that this one waits for, by a wait or for a lock."""
    if state.waits_for_lock:
        return state.waits_for_lock.holder
    return awaited.thread_of(state.wait) if state.wait else None


def _goes_on(state: State, repo: RepoConfig) -> bool:
    untested = bool(state.effects) and repo.production.e2e is not None
    under_way = state.running or state.unknown or state.pending or state.approved or untested
    return bool(under_way or state.turn_due or state.verify_requested or state.ask_again)


def _production(state: State) -> str:
    if not state.shipped:
        return "it brought nothing to production"
    shipped = ", ".join(f"{name} {short(sha)}" for name, sha in state.shipped.items())
    return f"it brought {shipped} to production"
