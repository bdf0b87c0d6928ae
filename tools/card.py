"""Builds an approval card from facts: the steps that will run, and what people must know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core import lanes, ledger
from app.core.declined import declined, spoken
from app.core.errors import SourceUnavailable
from app.core.events import (
    ApprovalRequested,
    CardFacts,
    PlanStep,
)
from app.core.outgoing import has, is_back
from app.core.overrides import override_of
from app.core.ports import HISTORY_KEPT
from app.core.spec import ActionSpec, EffectKind, plan_hash
from app.core.state import State
from tools.approvers import calls_for, expires_at, with_approvers
from tools.changes import Change, change_of, compare_url, files_for_jobs, risk_of, run_from
from tools.riders import Riders
from tools.tool import Desk, SourceNeeded, ToolError

MAX_SPOKEN = 5
MAX_COMMITS = 20  # those that a card keeps; all that are known are looked through
OVERRIDDEN = "deployed; its e2e tests are red, and were overridden"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step that is proposed: one effect on one service or job.

    `evidence` says how its SHA was tested; `risky` says why it is to be asked about twice.
    """

    tool: str
    kind: EffectKind
    name: str
    sha: str
    evidence: str
    risky: str = ""


async def request_approval(
    desk: Desk, proposals: Sequence[Proposal], reason: str
) -> ApprovalRequested:
    """Build the card for steps in this order; raise `ToolError` where code forbids one of them."""
    riders = Riders(desk)
    steps = [await _step(desk, proposals, number, riders) for number in range(len(proposals))]
    first, *more = steps
    state = desk.state
    asked = state.unread[-1] if state.unread else None
    return ApprovalRequested(
        call_id=desk.call_id,
        spec=first.spec,
        spec_hash=plan_hash([step.spec for step in steps]),
        plan=state.plan + (1 if state.pending else 0),
        facts=first.facts,
        reason=reason,
        quote=asked.text if asked else "",
        quoted_user=asked.user if asked else "",
        more=tuple(more),
    )


async def _step(desk: Desk, proposals: Sequence[Proposal], number: int, riders: Riders) -> PlanStep:
    repo, recorded, proposal = desk.repo, desk.facts, proposals[number]
    kind, name, sha = proposal.kind, proposal.name, proposal.sha
    target = repo.production.targets[name]
    calls = calls_for(desk, [(each.kind, each.name) for each in proposals])
    was = None
    if kind != "job":
        was = ledger.production(recorded, name) or await _current(desk, name)
    if was is not None and was == sha:
        raise ToolError(f"{name} already runs {sha[:7]} in production")
    base = run_from(repo, recorded, name) if kind == "job" else was
    change = await change_of(desk, kind, base, sha)
    spec = ActionSpec(
        tool=proposal.tool,
        kind=kind,
        repo=repo.name,
        service=name,
        environment="production",
        sha=sha,
        deployer=target.deployer,
        arguments=desk.deployers[target.deployer].arguments(
            target.options, name, "production", sha
        ),
        channel=desk.state.channel,
        thread_id=desk.state.thread_id,
        call_id=desk.call_id if len(proposals) == 1 else f"{desk.call_id}.{number + 1}",
        production_was=was,
        policy_version=repo.policy_version(name),
        expires_at=expires_at(desk, calls),
    )
    facts = await _facts(desk, proposal, was, change, riders)
    facts = await with_approvers(desk, name, facts, calls)
    planned = {each.name for each in proposals}
    left_out = tuple(service for service in _left_out(desk, sha) if service not in planned)
    return PlanStep(spec=spec, facts=facts.model_copy(update={"left_out": left_out}))


async def _facts(
    desk: Desk, proposal: Proposal, was: str | None, change: Change, riders: Riders
) -> CardFacts:
    repo, state = desk.repo, desk.state
    kind, name, sha = proposal.kind, proposal.name, proposal.sha
    merges = await riders.merges(kind, name, sha, change)
    others = merges or await riders.taken_out(kind, name, was, sha, change)
    barred, unmapped = await riders.barred(kind, name, sha, change, others)
    rides = [merge for merge in merges if _moves(kind, name, merge)]
    jobs = await files_for_jobs(desk, kind, name, sha, change)
    return CardFacts(
        commits=change.commits[:MAX_COMMITS],
        commits_total=change.total,
        compared=change.compared,
        compare_url=compare_url(state.pull_request, was, sha),
        pull_request=state.pull_request if state.sha == sha else None,
        staging=proposal.evidence,
        barred=barred,
        unchecked=(*change.unchecked, *_unsorted(desk), *unmapped),
        hold=_hold(desk.facts, kind, name),
        override=override_of(desk.facts, sha),
        jobs=jobs,
        risky=proposal.risky or risk_of(repo, kind, name, change, jobs),
        others=tuple(lanes.pull_of(m) for m in others if _moves(kind, name, m)),
        declined=tuple(each for each in map(declined, rides) if each),
        spoken=tuple(each for each in map(spoken, rides) if each)[:MAX_SPOKEN],
        failed=tuple(merge.thread_id for merge in rides if _failed(name, merge)),
    )


def _moves(kind: EffectKind, name: str, merge: State) -> bool:
    """Tell whether a step brings a merge to a service that lacks it, or takes it back."""
    return not (is_back(merge, name) if kind == "rollback" else has(merge, name))


def _failed(name: str, merge: State) -> bool:
    """Tell whether a merge's own deploy of a service, or its job, failed last."""
    runs = [run for run in merge.runs.values() if run.is_production_effect]
    mine = [run for run in runs if (run.attempt.service, run.attempt.sha) == (name, merge.sha)]
    return bool(mine) and mine[-1].outcome == "failed"


def _hold(recorded: Mapping[str, str], kind: EffectKind, name: str) -> str:
    bad = ledger.hold(recorded, name) if kind == "deploy" else None
    return "" if bad is None else f"on hold since {bad[:7] or 'a bad commit'} was rolled back"


def _left_out(desk: Desk, sha: str) -> tuple[str, ...]:
    """Return the services that the merge of this thread does not touch."""
    services = desk.repo.production.services if desk.state.sha == sha else ()
    return tuple(service for service in services if desk.state.is_untouched(service))


def _unsorted(desk: Desk) -> tuple[str, ...]:
    change = desk.state.change
    return (change.unchecked,) if change and change.unchecked else ()


async def _current(desk: Desk, service: str) -> str | None:
    """Return the SHA that the target says it runs; raise `SourceNeeded` if only GitHub can say."""
    target = desk.repo.production.services[service]
    deployer = desk.deployers[target.deployer]
    try:
        return await deployer.current(target.options, desk.repo.name, service, "production")
    except SourceUnavailable as error:
        raise SourceNeeded(error) from None


async def refuse_older(desk: Desk, service: str, sha: str) -> None:
    """Raise `ToolError` if production runs something newer, before staging is used for it."""
    recorded = ledger.production(desk.facts, service)
    was = recorded or await _current(desk, service)
    if was is not None:
        await change_of(desk, "deploy", was, sha)


async def staging_evidence(desk: Desk, sha: str) -> str | None:
    """Say how this SHA passed staging; None if it did not."""
    for staging in reversed(desk.state.stagings):
        if staging.sha == sha and staging.passed:
            return staging.summary
    history = await desk.log.history(desk.repo.name, HISTORY_KEPT)
    if ledger.has_passed_staging(history, sha):
        return "passed staging in an earlier thread"
    return OVERRIDDEN if override_of(desk.facts, sha) else None
