"""Finds out how the commits of two merges follow each other: by GitHub, else by their arrival."""

from typing import Literal

from app import effects
from app.core import lanes
from app.core.actions import LookAtOrder
from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import OrderSeen, Pull
from app.core.fold import fold
from app.desk import Job

Relation = Literal["newer", "older", "apart"]


async def look_at_order(job: Job, action: LookAtOrder) -> float | None:
    """Append what the other merge is to this one; return how long to pause where nobody can say.

    While GitHub is silent nothing is left to another merge: staging goes on with this one.
    """
    other = action.other
    try:
        relation = await _relation(job, other)
    except SourceUnavailable:
        pause = await effects.start(job, action.otherwise) if action.otherwise else 0
        return None if pause is None else job.ports.source_retry_seconds
    ships = lanes.pulls_of(fold(await job.ports.log.read(other.thread_id)))
    pulls = ships if relation == "newer" else ()
    await job.decide_on([OrderSeen(other=other.thread_id, relation=relation, pulls=pulls)])
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
