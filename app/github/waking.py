"""A workflow's run that ended, told to the threads that wait for it; the telling is durable."""

from app.core import awaited, ledger
from app.core.errors import Conflict
from app.core.events import WaitEnded
from app.core.fold import fold
from app.core.ports import ThreadLog
from app.core.state import State
from app.github.webhook import Ran

TRIES = 10


async def tell_waiting(log: ThreadLog, repo: str, run: Ran, cause: str) -> list[str]:
    """End the waits for a run that ended, each once for a delivery; return whose they were.

    Raise `StoreUnavailable` where it is not known whether all were told.
    """
    if run.conclusion is None:
        return []
    facts = await log.facts(repo)
    waiting = awaited.waiting_for_run(facts, run.run_id, run.workflow)
    return [thread_id for thread_id in waiting if await _tell(log, thread_id, run, cause)]


async def _tell(log: ThreadLog, thread_id: str, run: Ran, cause: str) -> bool:
    for _ in range(TRIES):
        here = await log.look(thread_id)
        state = fold(here.entries)
        ended = _end(state, run)
        if ended is None:
            return False
        write = ledger.write(
            state, [ended], here.now, state.version, dedupe=[f"{cause}|{thread_id}"]
        )
        try:
            return await log.append(write) is not None
        except Conflict:
            continue
    raise Conflict(thread_id)


def _end(state: State, run: Ran) -> WaitEnded | None:
    """Return the end of a thread's wait, None if it does not wait for this run (any more)."""
    wait = state.wait or state.wait_held
    if wait is None or not awaited.met_by_run(wait, run.run_id, run.workflow):
        return None
    told = run.conclusion or ""
    return WaitEnded(call_id=wait.call_id, because="event", told=told, url=run.url)
