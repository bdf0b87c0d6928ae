"""The agent's turn: facts first, then one answer of the model, checked and done in one write."""

import secrets
from collections.abc import Sequence
from typing import Any

import structlog

import tools
from app.core import events as ev
from app.core import lanes, ledger, locks, taking_back
from app.core.actions import (
    AskModel,
    FetchFacts,
    LookAtChange,
    LookAtProduction,
    Repropose,
    ResolveShas,
)
from app.core.cards import Card
from app.core.errors import ModelMisbehaved, ModelUnavailable, SourceUnavailable
from app.core.ports import ModelAnswer, Turn
from app.core.state import State
from app.desk import Job
from app.facts import fetch_facts, look_at_change, look_at_production, resolve_shas
from tools.tool import Desk, SourceNeeded, ToolError

INSTEAD = "Nothing has changed; write here what I should do instead."

log = structlog.get_logger(__name__)


AgentAction = LookAtChange | LookAtProduction | FetchFacts | ResolveShas | AskModel | Repropose


async def act(job: Job, action: AgentAction) -> float | None:
    """Find out something or propose something; return how long to pause before going on, if so."""
    match action:
        case LookAtChange():
            return await look_at_change(job)
        case LookAtProduction():
            return await look_at_production(job)
        case FetchFacts():
            return await fetch_facts(job)
        case ResolveShas():
            return await resolve_shas(job, action.words)
        case AskModel():
            return await take_turn(job)
        case Repropose():
            return await repropose(job, action.call_id, action.user)


async def take_turn(job: Job) -> float | None:
    """Ask the model for the next step; append it together with everything that follows from it.

    Return how long to pause, if nothing can be done before GitHub answers.
    """
    if _is_outdated(job):
        await fetch_facts(job)
        return None
    waits = job.state.waits_for_source
    if waits and waits.tool and not job.state.unread:  # the model need not say it again
        answer = ModelAnswer(tool=waits.tool, arguments=dict(waits.arguments), by=waits.by)
        return await call_tool(job, answer)
    turn = Turn(
        state=job.state,
        repo=job.repo,
        tools=tools.schemas(job.state, job.repo),
        entries=job.entries,
        now=job.now,
    )
    try:
        answer = await _answer(job, turn)
    except ModelMisbehaved as error:
        await job.decide_on([ev.ModelErred(message=str(error)[:500])])
        return None
    except ModelUnavailable as error:
        retry_at = job.now + int(job.ports.model_retry_seconds * 1000)
        await job.decide_on([ev.ModelDown(message=str(error)[:500], retry_at=retry_at)])
        return None
    return await call_tool(job, answer)


def _is_outdated(job: Job) -> bool:
    """Tell whether what runs, or what blocks it, is not what the model would read.

    The record says nothing in shadow mode: people deploy, and what was proposed counts as done.
    """
    running = job.state.facts.running if job.state.facts else ()
    moved = not job.state.shadow and any(
        ledger.production(job.facts, told.service) not in (None, told.sha) for told in running
    )
    return moved or any(
        told.blocks != locks.on(job.repo, job.facts, told.service, job.now) for told in running
    )


async def _answer(job: Job, turn: Turn) -> ModelAnswer:
    """Ask the model; people's words wait for it, the default order does not."""
    try:
        return await job.ports.model.next_step(turn)
    except ModelUnavailable:
        if job.state.unread or job.ports.planner is None:
            raise
        log.info("planner_stands_in", thread_id=job.claim.thread_id)
        return _in_its_place(await job.ports.planner.next_step(turn))


def _in_its_place(answer: ModelAnswer) -> ModelAnswer:
    """Have the card say why the planner proposes it."""
    if "reason" not in answer.arguments:
        return answer
    reason = f"The model does not answer. {answer.arguments['reason']}"
    return answer.model_copy(update={"arguments": {**answer.arguments, "reason": reason}})


async def repropose(job: Job, call_id: str, user: str) -> float | None:
    """Make a settled card anew for a person, with today's facts and the steps that are left."""
    if job.state.facts is None or _is_outdated(job):
        await fetch_facts(job)
        return None
    asked = job.state.asked(call_id)
    card = asked.card if asked else job.state.cards[call_id]
    steps = [step for step in card.steps if not _is_done(job, card, step)]
    left = [step for step in steps if not _is_overtaken(job, step)] or steps
    first = left[0].spec
    tool, arguments = first.tool, dict[str, Any](reason=card.request.reason)
    if len(left) > 1:
        tool, arguments["steps"] = card.tool, [step.name for step in left]
    if len(left) == 1 or first.kind != "rollback":  # of those, code says which version of each
        arguments["sha"] = first.sha
    return await call_tool(job, ModelAnswer(tool=tool, arguments=arguments, by=user))


def _is_done(job: Job, card: Card, step: ev.PlanStep) -> bool:
    run = job.state.runs.get(card.attempts.get(step.spec.call_id, ""))
    return run is not None and run.outcome == "succeeded"


def _is_overtaken(job: Job, step: ev.PlanStep) -> bool:
    """Tell whether production has the commit of a deploy already, in a newer one."""
    told = job.state.facts.running if job.state.facts else ()
    ahead = {(running.service, running.ahead_of) for running in told}
    return step.spec.kind == "deploy" and (step.name, step.spec.sha) in ahead


async def call_tool(job: Job, answer: ModelAnswer) -> float | None:
    """Carry out one call; a refusal goes back to the model, or to the person who asked.

    What answers no words is put off while GitHub does not answer.
    """
    call_id = secrets.token_hex(5)
    state = job.state
    proposed = ev.ToolProposed(
        call_id=call_id,
        tool=answer.tool,
        arguments=answer.arguments,
        reason=str(answer.arguments.get("reason", ""))[:2000],
        by=answer.by,
    )
    events: Sequence[ev.Event]
    try:
        tool = tools.available(state, job.repo).get(answer.tool)
        if tool is None:
            raise ToolError(f"{answer.tool[:80]!r} is no tool that can be called now")
        ports = job.ports
        desk = Desk(
            *(state, job.repo, ports.log, ports.source, ports.deployers),
            *(job.now, job.facts, call_id, ports.directory),
        )
        events = await tool.act(desk, tool.parse(answer.arguments))
        waiting = state.pending or state.ahead
        if tool.settles and waiting:
            events = _settle(state, waiting.request, events, call_id)
    except (ToolError, SourceUnavailable) as error:
        if isinstance(error, SourceNeeded) and not state.unread:
            return await job.wait_for_source(_waited(error, answer))
        events = [ev.ToolRefused(call_id=call_id, error=str(error))]
        if state.ask_again:
            note = f"I did not ask again: {_sentence(error)} {INSTEAD}"
            events = [*events, ev.BotSaid(call_id=call_id, text=note, because="note")]
    log.info("step", thread_id=state.thread_id, tool=answer.tool, by=answer.by)
    asks = any(isinstance(event, ev.ApprovalRequested) for event in events)
    expects = lanes.relied_on(state, job.facts) if asks else {}
    await job.decide_on([proposed, *events], expects=expects)
    return None


def _sentence(error: Exception) -> str:
    return f"{str(error).removesuffix('.')}."


def _waited(error: SourceNeeded, answer: ModelAnswer) -> ev.SourceWaited:
    return ev.SourceWaited(
        message=error.why[:500], tool=answer.tool, arguments=answer.arguments, by=answer.by
    )


def _settle(
    state: State, waiting: ev.ApprovalRequested, events: Sequence[ev.Event], call_id: str
) -> Sequence[ev.Event]:
    """Settle the card that waits, unless the very same step was proposed again."""
    for event in events:
        if isinstance(event, ev.ApprovalRequested):
            old, new = ([(s.tool, s.sha) for s in r.specs] for r in (waiting, event))
            if old == new:
                return taking_back.same_again(state, call_id)
    superseded = ev.ApprovalSuperseded(call_id=waiting.call_id, user=state.unread[0].user)
    return [superseded, *events]
