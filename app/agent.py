"""The agent's turn: facts first, then one answer of the model, checked and done in one write."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

import tools
from app.core import events as ev
from app.core import lanes, ledger, locks, way_back
from app.core.actions import (
    AskModel,
    FetchFacts,
    LookAtChange,
    LookAtProduction,
    Repropose,
    ResolveShas,
)
from app.core.errors import ModelMisbehaved, ModelUnavailable, SourceUnavailable
from app.core.happened import records
from app.core.paths import jobs_in, touched
from app.core.ports import HISTORY_KEPT, ModelAnswer, Turn
from app.core.records import Card
from app.desk import Job
from tools.changes import jobs_due
from tools.order import is_older
from tools.tool import Desk, SourceNeeded, ToolError, nearest_commits

COMMITS_SHOWN = 20
STAGED_SHOWN = 5
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


async def look_at_change(job: Job) -> None:
    """Append which services the merge touches; all, where its files cannot be had now."""
    files, unchecked = await _files(job)
    services = touched(job.repo, files)
    channel = job.repo.channel_of(services)
    jobs = jobs_in(job.repo, files or ())
    seen = ev.ChangeSeen(touched=services, channel=channel, unchecked=unchecked, jobs=jobs)
    await job.decide_on([seen])


async def _files(job: Job) -> tuple[Sequence[str] | None, str]:
    pull_request = job.state.pull_request
    if job.ports.source is None or pull_request is None:
        return None, "which services this touches is unknown without GitHub credentials"
    try:
        files = await job.ports.source.files(job.repo.name, pull_request.number)
    except SourceUnavailable as error:
        return None, f"which services this touches: {error}"
    return files, "" if files is not None else "it changes too many files to say which services"


async def look_at_production(job: Job) -> None:
    """Append what every service runs whose deployer can be asked."""
    versions: dict[str, str] = {}
    for service, target in job.repo.production.services.items():
        deployer = job.ports.deployers[target.deployer]
        with suppress(SourceUnavailable):
            current = await deployer.current(target.options, job.repo.name, service, "production")
            versions |= {service: current} if current else {}
    await job.decide_on([ev.ProductionSeen(versions=versions)])


async def fetch_facts(job: Job) -> None:
    """Append what the agent will surely need: what runs, commits since then, what is staged."""
    repo, ports = job.repo, job.ports
    history = await ports.log.history(repo.name, HISTORY_KEPT)
    happened = records(history)
    running: list[ev.Running] = []
    for service, target in repo.production.services.items():
        current = None
        if ledger.production(job.facts, service) is None:
            deployer = ports.deployers[target.deployer]
            with suppress(SourceUnavailable):
                current = await deployer.current(target.options, repo.name, service, "production")
        blocks = locks.on(repo, job.facts, service, job.now)
        told = ledger.running(job.facts, service, current, blocks)
        back_to = way_back.earlier(repo, job.facts, happened, service)
        out = way_back.takes_out(happened, service, back_to)
        running.append(told.model_copy(update={"back_to": back_to, "takes_out": out}))
    staged = ledger.staged(history)[:STAGED_SHOWN]
    head = job.state.sha or (staged[0].sha if staged else None)
    ahead, commits, problems = await _compared(job, running, head)
    told = (r.model_copy(update={"ahead_of": head}) if r.sha in ahead else r for r in running)
    facts = ev.FactsFetched(
        running=tuple(told),
        commits=commits,
        staged=tuple(staged),
        problems=problems,
        changed_last=way_back.meant(job.state, repo, job.facts),
        jobs=await _jobs_due(job, staged),
    )
    await job.decide_on([facts])


async def _jobs_due(job: Job, staged: Sequence[ev.Commit]) -> dict[str, ev.Files]:
    """Return the jobs that are due for the commit in question; none where GitHub is silent."""
    head = job.state.sha or (staged[0].sha if staged else None)
    seen = job.state.change if head == job.state.sha else None
    with suppress(SourceUnavailable):
        if head:
            return await jobs_due(job.repo, job.ports.source, job.facts, seen, head)
    return {}


async def _compared(
    job: Job, running: Sequence[ev.Running], head: str | None
) -> tuple[set[str], tuple[ev.Commit, ...], tuple[str, ...]]:
    """Return what runs and is ahead of a commit, which commits production lacks, and problems."""
    bases = {r.sha for r in running if r.sha and r.sha != head}
    if head is None or not bases:
        return set(), (), ()
    repo, ports = job.repo, job.ports
    if ports.source is None:
        ahead = {b for b in bases if await is_older(ports.log, repo.name, repo.branch, head, b)}
        return ahead, (), ("no GitHub credentials: the commits since production are unknown",)
    found: dict[str, ev.Commit] = {}
    ahead = set[str]()
    try:
        for base in sorted(bases):
            compared = await ports.source.compare(repo.name, base, head)
            found.update({commit.sha: commit for commit in compared.commits})
            ahead |= {base} if compared.behind and not compared.ahead else set()
    except SourceUnavailable as error:
        return ahead, (), (f"GitHub could not be asked: {error}",)
    return ahead, tuple(found.values())[:COMMITS_SHOWN], ()


async def resolve_shas(job: Job, words: Sequence[str]) -> None:
    """Append what the SHAs in people's words stand for, or why they stand for nothing."""
    found: list[ev.Commit] = []
    refused: list[str] = []
    known = list(job.state.known.values())
    happened = records(await job.ports.log.history(job.repo.name, HISTORY_KEPT))
    history = [ev.Commit(sha=each.sha, title=each.title) for each in happened]
    for word in words:
        matches = {c.sha: c for c in (*known, *history) if c.sha.startswith(word)}
        commit = next(iter(matches.values())) if len(matches) == 1 else None
        if not matches:
            commit, problem = await _ask_source(job, word)
            if problem:
                refused.append(problem)
        elif commit is None:
            shas = ", ".join(sha[:12] for sha in matches)
            refused.append(f"{word!r} is ambiguous: {shas}")
        if commit:
            found.append(commit)
    await job.decide_on([ev.ShasResolved(found=tuple(found), refused=tuple(refused))])


async def _ask_source(job: Job, word: str) -> tuple[ev.Commit | None, str | None]:
    nearest = nearest_commits(list(job.state.known.values()))
    if job.ports.source is None:
        return None, f"{word!r} is in no thread of {job.repo.name}. Known: {nearest}"
    try:
        commit = await job.ports.source.commit(job.repo.name, word)
    except SourceUnavailable as error:
        return None, f"{word!r} could not be looked up: {error}"
    if commit is None:
        return None, f"{word!r} is no commit of {job.repo.name}. Known: {nearest}"
    return commit, None


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
    """Tell whether what runs, or what blocks it, is not what the model would read."""
    running = job.state.facts.running if job.state.facts else ()
    return any(
        told.blocks != locks.on(job.repo, job.facts, told.service, job.now)
        or ledger.production(job.facts, told.service) not in (None, told.sha)
        for told in running
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
            events = _settle(waiting.request, events, call_id, state.unread[0].user)
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
    waiting: ev.ApprovalRequested, events: Sequence[ev.Event], call_id: str, user: str
) -> Sequence[ev.Event]:
    """Settle the card that waits, unless the very same step was proposed again."""
    for event in events:
        if isinstance(event, ev.ApprovalRequested):
            old, new = ([(s.tool, s.sha) for s in r.specs] for r in (waiting, event))
            if old == new:
                return [ev.Ignored(call_id=call_id, reason="the same step waits already")]
    return [ev.ApprovalSuperseded(call_id=waiting.call_id, user=user), *events]
