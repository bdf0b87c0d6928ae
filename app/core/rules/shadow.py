"""Shadow mode: the agent proposes into the log, and production is only looked at."""

from app.core.actions import Action, Here, LookAtChange, LookAtProduction, Wait
from app.core.rules import agent
from app.core.state import State
from app.core.unsorted import is_unsorted

SOONEST_MS = 5 * 60_000
LATEST_MS = 60 * 60_000
LOOKED_AT_MS = 24 * 60 * 60_000


def shadow(state: State, here: Here) -> Action | None:
    """Do nothing but read, for a thread that began in shadow mode or whose repository is in it.

    A thread that began in it stays closed when its repository is live.
    """
    if not state.shadow:
        return Wait(None) if here.repo.mode == "shadow" else None
    if here.repo.mode != "shadow":
        return Wait(None)
    if is_unsorted(state, here.repo):
        return LookAtChange()
    if not state.sightings:
        return LookAtProduction()
    return agent.take_turn(state, here) or _look(state, here)


def _look(state: State, here: Here) -> Action:
    turn = agent.next_turn(state, here)
    if is_over(state, here.now):
        return Wait(turn)
    seen_at = state.sightings[-1][0]
    due = seen_at + min(max(SOONEST_MS, (seen_at - state.started_at) // 4), LATEST_MS)
    if here.now >= due:
        return LookAtProduction()
    return Wait(min(due, turn or due))


def is_over(state: State, now: int) -> bool:
    """Tell whether there is nothing more to see of what people do about the merge."""
    if not state.sightings:
        return False
    before, latest = state.sightings[0][1], dict[str, str]()
    for _, versions in state.sightings:  # who does not answer now still runs what it said last
        latest |= versions
    if not before or now - state.started_at >= LOOKED_AT_MS:
        return True
    services = [service for service, _ in state.proposals if service in before]
    moved = [service for service in services if latest[service] != before[service]]
    return bool(services) and not state.turn_due and moved == services
