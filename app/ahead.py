"""Prepares, while staging runs, what can be approved for when it is green; decides nothing."""

import secrets

from app.core.actions import Prepare
from app.core.errors import SourceUnavailable
from app.core.events import ApprovalPrepared
from app.desk import Job
from tools.ahead import request_ahead
from tools.tool import Desk, ToolError


async def prepare(job: Job, action: Prepare) -> None:
    """Append the request that a click would approve, or why there is none; it is not tried again.

    Nobody waits for it: where GitHub is silent or code forbids it, the agent asks when it is green.
    """
    number, ports = action.staging, job.ports
    desk = Desk(
        *(job.state, job.repo, ports.log, ports.source, ports.deployers),
        *(job.now, job.facts, secrets.token_hex(5), ports.directory),
    )
    try:
        request = await request_ahead(desk, number)
        prepared = ApprovalPrepared(staging=number, request=request)
    except (ToolError, SourceUnavailable) as error:
        prepared = ApprovalPrepared(staging=number, why=str(error)[:500])
    await job.decide_on([prepared])
