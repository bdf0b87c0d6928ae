"""What stands against an attempt right before it begins, and again right before it is sent."""

import asyncio
from collections.abc import Mapping, Sequence

from app.core import events as ev
from app.core import ledger, locks, policy
from app.core.cards import Asked
from app.core.config import TargetConfig
from app.core.errors import Blocked, SourceUnavailable, StoppedBefore, StoreUnavailable, Withheld
from app.core.policy import last_look
from app.core.rules.running import ends_when_stopped
from app.core.spec import ActionSpec, approval_cause, attempt_id, spec_hash
from app.desk import AGAIN_SECONDS, Job
from tools.order import is_older


def approved_attempt(spec: ActionSpec) -> ev.Attempt:
    """Build the attempt from the approved spec alone, never from today's configuration."""
    return ev.Attempt(
        attempt_id=attempt_id(approval_cause(spec), spec_hash(spec)),
        kind=spec.kind,
        repo=spec.repo,
        environment=spec.environment,
        service=spec.service,
        sha=spec.sha,
        deployer=spec.deployer,
        arguments=spec.arguments,
    )


async def standing_against(job: Job, asked: Asked) -> str | None:
    """Return why an approved action may not happen now; None if it may.

    Raise `SourceUnavailable` or `Blocked` where it may neither happen nor be given up.
    """
    refusal = await _against(job, asked, job.facts, job.now)
    return refusal or await _off_branch(job, asked.spec)


async def _against(job: Job, asked: Asked, facts: Mapping[str, str], now: int) -> str | None:
    """Return what stands against an approved action, GitHub aside; raise `Blocked` for a while."""
    spec = asked.spec
    target = job.target("production", spec.service)
    if target is None:
        return f"{spec.service} is no longer configured"
    deployer = job.ports.deployers[target.deployer]
    arguments = deployer.arguments(target.options, spec.service, spec.environment, spec.sha)
    if (spec.deployer, dict(spec.arguments)) != (target.deployer, arguments):
        return "how this is deployed has been configured anew since the card was made"
    block = policy.blocked_by(job.repo, spec, facts, now, asked.card.lifted)
    if block and now < spec.expires_at:
        raise Blocked(block)
    refusal = last_look(
        asked,
        await _production(job, spec, target, facts),
        policy.hold_on(spec, facts),
        job.repo.policy_version(spec.service),
        now,
    )
    refusal = refusal or policy.unauthorised(job.repo, job.state, asked)
    return refusal or await _went_back(job, spec)


async def _went_back(job: Job, spec: ActionSpec) -> str | None:
    """Say that production would go back, where only the order of arrival can tell."""
    was, repo = spec.production_was, job.repo
    if job.ports.source is not None or spec.kind != "deploy" or was is None:
        return None
    older = await is_older(job.ports.log, repo.name, repo.branch, spec.sha, was)
    return f"{spec.sha[:7]} is older than {was[:7]}, which production runs" if older else None


async def _production(
    job: Job, spec: ActionSpec, target: TargetConfig, facts: Mapping[str, str]
) -> str | None:
    """Return what production runs of a service; of a job nothing does."""
    if spec.kind == "job":
        return None
    recorded = ledger.production(facts, spec.service)
    deployer = job.ports.deployers[target.deployer]
    return recorded or await deployer.current(target.options, spec.repo, spec.service, "production")


async def _off_branch(job: Job, spec: ActionSpec) -> str | None:
    """Ask once more whether the branch has the commit; a rollback may go without GitHub."""
    if spec.kind == "rollback" or job.ports.source is None:
        return None
    commit = await job.ports.source.commit(spec.repo, spec.sha)
    return None if commit else f"{spec.sha[:7]} is no commit of {job.repo.branch} any more"


async def look_again(job: Job, attempt: ev.Attempt, asked: Asked | None, deadline: float) -> None:
    """Raise `Withheld` where an attempt may not be sent, or not by us, or not any more."""
    try:
        async with asyncio.timeout_at(deadline):
            refusal = await _refusal_now(job, attempt, asked)
    except SourceUnavailable as error:
        refusal = str(error)
    except Blocked as blocked:
        refusal = f"{blocked.block.service} is {locks.plainly(blocked.block, job.repo)}"
    except TimeoutError:
        refusal = None
    if asyncio.get_running_loop().time() >= deadline:
        refusal = refusal or "it took too long to find out whether it still may be"
    if refusal:
        raise Withheld(f"not started: {refusal}")


async def _refusal_now(job: Job, attempt: ev.Attempt, asked: Asked | None) -> str | None:
    """Return why an attempt may not be sent; a store that is away is asked until it answers."""
    while True:
        try:
            refusal = await _refusal(job, attempt, asked)
            # Who was frozen here and replaced meanwhile must not send any more.
            await job.ports.log.renew(job.claim, "work")
            return refusal
        except StoreUnavailable:
            await asyncio.sleep(AGAIN_SECONDS)


async def _refusal(job: Job, attempt: ev.Attempt, asked: Asked | None) -> str | None:
    if asked and attempt != approved_attempt(asked.spec):
        return "what was recorded is not what was approved"
    if asked is None and attempt.environment == "production" and attempt.kind != "e2e":
        return "nobody was asked about it"
    # GitHub first: whoever stops or locks while it is asked is heard.
    gone = await _off_branch(job, asked.spec) if asked else None
    here = await job.ports.log.look(job.claim.thread_id)
    if ends_when_stopped(attempt) and _is_stopped(job, here.entries):
        raise StoppedBefore("stopped before it was sent")
    return gone or (await _against(job, asked, here.facts, here.now) if asked else None)


def _is_stopped(job: Job, entries: Sequence[ev.Entry]) -> bool:
    """Tell whether people stopped the thread, also since it was read."""
    missed = (entry.event for entry in entries[job.state.version :])
    return bool(job.state.stopped_by) or any(isinstance(e, ev.StopRequested) for e in missed)
