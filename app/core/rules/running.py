"""What is under way on a target: it is observed, or cancelled where people stop."""

from app.core.actions import Action, Cancel, Here, Observe
from app.core.events import Attempt
from app.core.state import State


def stop_running(state: State, here: Here) -> Action | None:
    """Cancel what runs when people stop; the tests of what did reach production go on."""
    run = state.running
    if run is None or state.stopped_by is None or run.cancel_requested:
        return None
    if run.cancel_unanswered and state.unread:
        return None  # people are answered between two tries
    return Cancel(run) if ends_when_stopped(run.attempt) else None


def ends_when_stopped(attempt: Attempt) -> bool:
    """Tell whether a stop ends an attempt; the tests of what did reach production go on."""
    return attempt.kind != "e2e" or attempt.environment != "production"


def observe(state: State, here: Here) -> Action | None:
    """Look at what runs."""
    return Observe(state.running) if state.running else None
