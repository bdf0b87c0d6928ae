"""A thread that waits looks for what it waits for, whenever it is woken, and now and then."""

from app.core import awaited
from app.core import events as ev
from app.core.actions import LookFor
from app.core.errors import SourceUnavailable
from app.core.fold import fold
from app.desk import Job
from tools.awaiting import happened, leads_to

POLL_SECONDS = 60.0


async def look_for(job: Job, action: LookFor) -> float | None:
    """End the wait if what it is for is there, or never can be; return how long to rest if not.

    The end of another thread wakes this one in the very write that brings it, so nothing has to be
    asked for again; runs of workflows are, because webhooks are lost.
    """
    ended = await _ended(job, action.wait)
    if ended:
        await job.decide_on([ended])
        return None
    rest = (action.until - job.now) / 1000
    polls = not awaited.thread_of(action.wait) and job.ports.source is not None
    return min(rest, POLL_SECONDS) if polls else rest


async def _ended(job: Job, wait: ev.WaitStarted) -> ev.WaitEnded | None:
    try:
        seen = await happened(wait, job.repo, job.ports.log, job.ports.source)
    except SourceUnavailable:
        return None
    if seen:
        return ev.WaitEnded(call_id=wait.call_id, because="event", told=seen.told, url=seen.url)
    if await _gives_way(job, awaited.thread_of(wait)):
        return ev.WaitEnded(call_id=wait.call_id, because="circle")
    return None


async def _gives_way(job: Job, thread_id: str) -> bool:
    """Tell whether threads wait for each other, and this is the one that has to give way.

    Each of them may find it out; so that only one does, it is the one whose id is the last. Who
    waits for a lock waits in line, so if all others do, it is the one that began to wait.
    """
    mine = job.state.thread_id
    circle = await leads_to(job.ports.log, thread_id, mine) if thread_id else []
    waiting = [each for each in circle if await _is_waiting(job, each)]
    return bool(circle) and mine == max([mine, *waiting])


async def _is_waiting(job: Job, thread_id: str) -> bool:
    entries = await job.ports.log.read(thread_id)
    return fold(entries).wait is not None
