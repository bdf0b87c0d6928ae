"""Finds out how two merges follow each other, and what one adds to the card of the other."""

from collections.abc import Collection
from contextlib import suppress
from typing import Literal

from app import effects
from app.core import ahead, lanes, outgoing
from app.core.actions import LookAtAdded, LookAtOrder
from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import NewerOffered, OrderSeen, Pull
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Comparison
from app.desk import Job

Relation = Literal["newer", "older", "apart"]


async def look(job: Job, action: LookAtOrder | LookAtAdded) -> float | None:
    """Do one of these; return how long to pause where nobody can say."""
    if isinstance(action, LookAtOrder):
        return await look_at_order(job, action)
    await look_at_added(job, action)
    return None


async def look_at_order(job: Job, action: LookAtOrder) -> float | None:
    """Append what the other merge is to this one; return how long to pause where nobody can say.

    By GitHub, else by their arrival. While GitHub is silent nothing is left to another merge:
    staging goes on with this one.
    """
    other = action.other
    try:
        relation = await _relation(job, other)
    except SourceUnavailable:
        pause = await effects.start(job, action.otherwise) if action.otherwise else 0
        return None if pause is None else job.ports.source_retry_seconds
    await job.decide_on([OrderSeen(other=other.thread_id, relation=relation)])
    return None


async def _relation(job: Job, other: Pull) -> Relation:
    own = lanes.pull_of(job.state)
    if job.ports.source is None:
        return "newer" if lanes.arrival(other) > lanes.arrival(own) else "older"
    try:
        compared = await job.ports.source.compare(job.repo.name, own.sha, other.sha)
    except SourceMissing:
        return "apart"
    if not compared.behind:
        return "newer"
    return "apart" if compared.ahead else "older"


async def look_at_added(job: Job, action: LookAtAdded) -> None:
    """Ask on the card about a newer merge and all that comes with it, also what nobody tested."""
    other = action.other
    carried = fold(await job.ports.log.read(other.thread_id)).carried.values()
    joining, _ = lanes.riders(job.facts, other.thread_id)
    with_it = [*carried, *joining]
    compared = await _compared(job, other)
    new = {commit.sha for commit in compared.commits} if compared else set[str]()
    if compared and len(new) == compared.ahead:
        with_it = [pull for pull in with_it if pull.sha in new]
    with_it += await _merges(job, new)
    known = {job.state.thread_id, other.thread_id, *job.state.carried}
    more = {pull.thread_id: pull for pull in with_it if pull.thread_id not in known}
    newest = sorted(more.values(), key=lanes.arrival, reverse=True)
    await job.decide_on([NewerOffered(pulls=(other, *newest), carries=action.carries)])


async def _compared(job: Job, other: Pull) -> Comparison | None:
    """Return what the other merge has and this one has not; None where nobody can say."""
    if job.ports.source is None:
        return None
    with suppress(SourceUnavailable):
        own = lanes.pull_of(job.state)
        return await job.ports.source.compare(job.repo.name, own.sha, other.sha)
    return None


async def _merges(job: Job, commits: Collection[str]) -> list[Pull]:
    """Return the merges of commits that change a service of this one and are not out yet."""
    touched, found = set(ahead.touched(job.state, job.repo)), list[Pull]()
    for sha in commits:
        thread_id = thread_id_for(job.repo.name, job.repo.branch, sha)
        merge = fold(await job.ports.log.read(thread_id))
        if lanes.merge_of(merge) and touched.intersection(outgoing.left(merge, job.repo)):
            found.append(lanes.pull_of(merge))
    return found
