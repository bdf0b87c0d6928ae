"""Acting on the world: recorded before it is sent, sent once, observed until it is known."""

import asyncio
from datetime import timedelta

import structlog

from app.core import events as ev
from app.core import lanes
from app.core.actions import Start
from app.core.cards import Asked
from app.core.errors import Blocked, Locked, NotStarted, SourceUnavailable, StoppedBefore, Withheld
from app.core.fold import fold
from app.core.happened import place
from app.core.ports import Observation
from app.core.records import Run
from app.core.rules.staging import STAGING_LOCK
from app.core.spec import attempt_id
from app.desk import Job
from app.last_look import approved_attempt, look_again, standing_against

PROGRESS_EVERY_MS = 3000
SENT_AGAIN_MS = 24 * 3600 * 1000  # a target need not know a key for longer
SLOWEST_POLL_SECONDS = 5.0

log = structlog.get_logger(__name__)


async def start(job: Job, action: Start) -> float | None:
    """Record that an attempt starts, then send it; return how long to pause, if at all."""
    if job.state.shadow or job.repo.mode == "shadow":
        raise LookupError(f"{job.repo.name} is in shadow mode, and nothing is done there")
    asked = job.state.asked(action.call_id)
    try:
        refusal = await standing_against(job, asked) if asked else None
    except SourceUnavailable as error:
        return await job.wait_for_source(ev.SourceWaited(message=str(error)[:500]))
    except Blocked as blocked:
        return await job.wait_for_block(blocked.block)
    if asked and refusal:
        await job.decide_on([_refused(asked, refusal)])
        return None
    attempt = approved_attempt(asked.spec) if asked else _attempt(job, action)
    needed = tuple(lock for lock in action.locks if lock not in job.state.locks)
    started = ev.ToolStarted(
        attempt=attempt,
        call_id=action.call_id,
        fence=job.claim.fence,
        locks=needed,
        send_by=job.now + int(job.ports.send_seconds * 1000),
    )
    # Who begins staging looked at what is green there; another thread may have ended since.
    seen = {lanes.GREEN: job.facts.get(lanes.GREEN)} if STAGING_LOCK in needed else {}
    try:
        await job.decide_on([started], take=needed, urgent=job.state.is_urgent, expects=seen)
    except Locked as locked:
        if asked and await _waits_for_us(job, locked.holder):
            reason = f"{locked.target} is held by a thread that waits for what this one holds"
            call_id = asked.card.request.call_id
            await job.decide_on([ev.ApprovalExpired(call_id=call_id, reason=reason)])
            return None
        if not _is_told(job.state.waits_for_lock, locked):
            waited = await _waited(job, locked)
            await job.decide_on([waited], urgent=job.state.is_urgent)
            return None  # who waits, too, may be newer
        return SLOWEST_POLL_SECONDS
    return await _send(job, attempt, asked)


def _refused(asked: Asked, reason: str) -> ev.Event:
    """Give up a card of which nothing happened; of a plan under way, what is left of it."""
    if asked.card.attempts:
        return ev.StepRefused(call_id=asked.spec.call_id, reason=reason)
    return ev.ApprovalExpired(call_id=asked.card.request.call_id, reason=reason)


def _is_told(waits: ev.LockWaited | None, locked: Locked) -> bool:
    return waits is not None and (waits.target, waits.holder) == (locked.target, locked.holder)


async def _waited(job: Job, locked: Locked) -> ev.LockWaited:
    """Name the thread that has a lock, so that people find it."""
    holder = fold(await job.ports.log.read(locked.holder))
    merge = lanes.merge_of(holder)
    return ev.LockWaited(
        target=locked.target, holder=locked.holder, merge=merge, message=place(holder)
    )


async def _waits_for_us(job: Job, holder: str) -> bool:
    """Tell whether a lock's holder waits, itself or by others, for a lock that this thread has.

    Then one has to give way: an expired card has what was shipped tested, and the locks given back.
    """
    asked: set[str] = set()
    while holder not in asked:
        asked.add(holder)
        waits = fold(await job.ports.log.read(holder)).waits_for_lock
        if waits is None:
            return False
        holder = waits.holder
        if waits.target in job.state.locks:
            return True
    return False


def _attempt(job: Job, action: Start) -> ev.Attempt:
    if action.environment == "production" and action.kind != "e2e":
        raise LookupError(f"nobody was asked about {action.kind} of {action.service}")
    target = job.target(action.environment, action.service)
    if target is None:
        raise LookupError(f"{action.service or 'e2e'} is not configured in {action.environment}")
    arguments = job.ports.deployers[target.deployer].arguments(
        target.options, action.service, action.environment, action.sha
    )
    return ev.Attempt(
        attempt_id=attempt_id(action.cause, f"{target.deployer}\n{arguments!r}"),
        kind=action.kind,
        repo=job.repo.name,
        environment=action.environment,
        service=action.service,
        sha=action.sha,
        deployer=target.deployer,
        arguments=arguments,
    )


async def _send(job: Job, attempt: ev.Attempt, asked: Asked | None) -> float | None:
    """Send an attempt that is recorded; with its target locked, look once more before.

    Return how long to pause, where nothing can be said of it yet.
    """
    deployer = job.ports.deployers[attempt.deployer]
    log.info("attempt_sent", thread_id=job.claim.thread_id, attempt_id=attempt.attempt_id)
    deadline = job.asked_at + job.ports.send_seconds
    try:
        await look_again(job, attempt, asked, deadline)
        async with asyncio.timeout_at(deadline):
            reference = await deployer.start(attempt)
    except (TimeoutError, SourceUnavailable):
        return None  # whether it arrived is for the next look at the target to say
    except NotStarted as error:
        if _may_arrive(job, attempt):
            return SLOWEST_POLL_SECONDS
        await job.record([_not_started(attempt, error)])
        return None
    await job.record([ev.ToolSent(attempt_id=attempt.attempt_id, reference=reference)])
    return None


def _not_started(attempt: ev.Attempt, error: NotStarted) -> ev.ToolEnded:
    """State that an attempt did not begin, and whether its deployer was asked at all."""
    return ev.ToolEnded(
        attempt_id=attempt.attempt_id,
        outcome="cancelled" if isinstance(error, StoppedBefore) else "failed",
        summary=str(error),
        withheld=isinstance(error, Withheld),
    )


def _may_arrive(job: Job, attempt: ev.Attempt) -> bool:
    """Tell whether an earlier send of the same attempt may still be on its way."""
    earlier = job.state.runs.get(attempt.attempt_id)
    return earlier is not None and job.now < earlier.send_by


async def observe(job: Job, run: Run) -> float | None:
    """Ask the target about a running attempt and record what is new."""
    deployer = job.ports.deployers[run.attempt.deployer]
    seen = await deployer.observe(run.attempt, run.reference)
    if seen.status == "running":
        return await _progress(job, run, seen)
    keyed = deployer.recovery(run.attempt.arguments) == "keyed"
    if seen.status == "missing" and not run.sent and keyed:
        return await _lost_start(job, run, seen)
    await job.record([await _outcome(job, run, seen)])
    return None


async def _lost_start(job: Job, run: Run, seen: Observation) -> float | None:
    """Send a keyed attempt again that never arrived, while its target is sure to know the key.

    What may not be sent any more has not begun as soon as the first send can no longer arrive.
    """
    if job.now - run.started_at > SENT_AGAIN_MS:
        await job.record([await _outcome(job, run, seen)])
        return None
    return await _send(job, run.attempt, job.state.asked(run.call_id))


async def _progress(job: Job, run: Run, seen: Observation) -> float:
    if seen.line and seen.line != run.line and job.now - run.line_at >= PROGRESS_EVERY_MS:
        progressed = ev.ToolProgressed(attempt_id=run.attempt.attempt_id, line=seen.line)
        await job.record([progressed])
    elapsed = timedelta(milliseconds=job.now - run.started_at).total_seconds()
    usual = max(job.ports.poll_seconds, min(elapsed / 20, SLOWEST_POLL_SECONDS))
    return max(usual, seen.again_seconds)


async def _outcome(job: Job, run: Run, seen: Observation) -> ev.ToolEnded:
    outcome, summary = seen.status, seen.summary
    if outcome in ("missing", "running"):
        outcome, summary = "unknown", "the target has no record of this attempt"
    if outcome == "succeeded" and run.attempt.kind in ("deploy", "rollback"):
        other = await _runs_another(job, run)
        if other:
            outcome, summary = "failed", f"{seen.summary}, but the target says it runs {other[:12]}"
    return ev.ToolEnded(
        attempt_id=run.attempt.attempt_id,
        outcome=outcome,
        summary=summary,
        failing_tests=seen.failing_tests,
        tail=seen.tail,
        seconds=seen.seconds,
    )


async def _runs_another(job: Job, run: Run) -> str | None:
    """Return what the target says it runs, where it can be asked and that is not what was sent."""
    repo, service, environment = job.repo.name, run.attempt.service, run.attempt.environment
    target = job.target(environment, service)
    if target is None or service is None:
        return None
    deployer = job.ports.deployers[target.deployer]
    try:
        current = await deployer.current(target.options, repo, service, environment)
    except SourceUnavailable:
        return None  # it said already how the attempt ended
    return current if current != run.attempt.sha else None


async def cancel(job: Job, run: Run) -> float | None:
    """Ask the target to end an attempt; it is observed to its end either way."""
    deployer = job.ports.deployers[run.attempt.deployer]
    try:
        possible = await deployer.cancel(run.attempt, run.reference)
    except SourceUnavailable:
        if not run.cancel_unanswered:
            unanswered = ev.CancelRequested(attempt_id=run.attempt.attempt_id, possible=None)
            await job.record([unanswered])
        return await observe(job, run)  # it may end by itself, or never be heard of again
    asked = ev.CancelRequested(attempt_id=run.attempt.attempt_id, possible=possible)
    await job.record([asked])
    return None
