"""Prepares what can be approved ahead, and looks once more before that counts; decides nothing."""

import secrets

from app.core.actions import Prepare, TakeEffect
from app.core.errors import SourceUnavailable
from app.core.events import ApprovalExpired, ApprovalPrepared, ApprovalTookEffect, SourceWaited
from app.desk import Job
from tools.ahead import request_ahead, said_since
from tools.riders import Riders
from tools.tool import Desk, SourceNeeded, ToolError


async def act(job: Job, action: Prepare | TakeEffect) -> float | None:
    """Do one of these; return how long to pause where GitHub has to be asked first."""
    if isinstance(action, TakeEffect):
        return await take_effect(job, action)
    await prepare(job, action)
    return None


async def prepare(job: Job, action: Prepare) -> None:
    """Append the request that a click would approve, or why there is none; it is not tried again.

    Nobody waits for it: where GitHub is silent or code forbids it, the agent asks when it is green.
    """
    number = action.staging
    try:
        request = await request_ahead(_desk(job), number)
        prepared = ApprovalPrepared(staging=number, request=request)
    except (ToolError, SourceUnavailable) as error:
        prepared = ApprovalPrepared(staging=number, why=str(error)[:500])
    await job.decide_on([prepared])


async def take_effect(job: Job, action: TakeEffect) -> float | None:
    """Let the card count, or lapse where it did not show what was said of a merge that it ships.

    Return how long to pause where GitHub has to be asked first.
    """
    call_id = action.card.request.call_id
    desk = _desk(job)
    riders = Riders(desk)
    try:
        why = await said_since(desk, action.card, riders)
    except SourceNeeded as error:
        return await job.wait_for_source(SourceWaited(message=error.why[:500]))
    except ToolError as error:
        why = str(error)
    lapsed = ApprovalExpired(call_id=call_id, reason=why[:500])
    event = lapsed if why else ApprovalTookEffect(call_id=call_id)
    await job.decide_on([event], expects=action.expects, others=riders.read)
    return None


def _desk(job: Job) -> Desk:
    ports = job.ports
    return Desk(
        *(job.state, job.repo, ports.log, ports.source, ports.deployers),
        *(job.now, job.facts, secrets.token_hex(5), ports.directory),
    )
