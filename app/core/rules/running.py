"""What is under way on a target: it is observed, or cancelled where people stop."""

from app.core.actions import Action, Cancel, Here, Observe
from app.core.state import State


def stop_running(state: State, here: Here) -> Action | None:
    """Cancel what runs when people stop; the tests of what did reach production go on."""
    run = state.running
    if run is None or state.stopped_by is None or run.cancel_requested:
        return None
    verifies = run.attempt.kind == "e2e" and run.attempt.environment == "production"
    return None if verifies else Cancel(run)


def observe(state: State, here: Here) -> Action | None:
    """Look at what runs."""
    return Observe(state.running) if state.running else None
