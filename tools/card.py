"""Builds an approval card from facts: the steps that will run, and what people must know."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from app.core import ledger
from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import (
    ApprovalRequested,
    CardFacts,
    PlanStep,
    PullRequest,
    ThreadStarted,
)
from app.core.ids import thread_id_for
from app.core.overrides import override_of
from app.core.ports import HISTORY_KEPT
from app.core.spec import ActionSpec, EffectKind, plan_hash
from tools.approvers import expires_at, with_approvers
from tools.changes import Change, change_of, compare_url, files_for_jobs, risk_of, run_from
from tools.tool import Desk, SourceNeeded, ToolError

OVERRIDDEN = "deployed; its e2e tests are red, and were overridden"
PUSHER_NOT_ASKED = "the last pusher could not be asked for"


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
    first, *more = [await _step(desk, proposals, number) for number in range(len(proposals))]
    state = desk.state
    asked = state.unread[-1] if state.unread else None
    return ApprovalRequested(
        call_id=desk.call_id,
        spec=first.spec,
        spec_hash=plan_hash([step.spec for step in (first, *more)]),
        plan=state.plan + (1 if state.pending else 0),
        facts=first.facts,
        reason=reason,
        quote=asked.text if asked else "",
        quoted_user=asked.user if asked else "",
        more=tuple(more),
    )


async def _step(desk: Desk, proposals: Sequence[Proposal], number: int) -> PlanStep:
    repo, recorded, proposal = desk.repo, desk.facts, proposals[number]
    kind, name, sha = proposal.kind, proposal.name, proposal.sha
    target = repo.production.targets[name]
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
        expires_at=expires_at(desk),
    )
    facts = await _facts(desk, proposal, was, change)
    planned = {each.name for each in proposals}
    left_out = tuple(service for service in _left_out(desk, sha) if service not in planned)
    return PlanStep(spec=spec, facts=facts.model_copy(update={"left_out": left_out}))


async def _facts(desk: Desk, proposal: Proposal, was: str | None, change: Change) -> CardFacts:
    repo, state = desk.repo, desk.state
    kind, name, sha = proposal.kind, proposal.name, proposal.sha
    barred, unmapped = await _barred(desk, kind, sha)
    jobs = await files_for_jobs(desk, kind, name, sha, change)
    facts = CardFacts(
        commits=change.commits,
        commits_total=change.total,
        compare_url=compare_url(state.pull_request, was, sha),
        pull_request=state.pull_request if state.sha == sha else None,
        staging=proposal.evidence,
        barred=barred,
        unchecked=(*change.unchecked, *_unsorted(desk), *unmapped),
        hold=_hold(desk.facts, kind, name),
        override=override_of(desk.facts, sha),
        jobs=jobs,
        risky=proposal.risky or risk_of(repo, kind, name, change, jobs),
    )
    return await with_approvers(desk, name, facts)


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


async def _barred(desk: Desk, kind: str, sha: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the users who may not approve their own change, and what was not compared.

    Every merge that goes out with this one counts like it.
    """
    if desk.repo.allow_self_approval:
        return (), ()
    carried = [pull.sha for pull in desk.state.carried.values()] if desk.state.sha == sha else []
    owned = await asyncio.gather(*[_owners(desk, kind, each) for each in (sha, *carried)])
    logins = [login for found, _ in owned for login in found if login]
    notes = [note for _, told in owned for note in told]
    users = {login: desk.repo.slack_user(login) for login in logins}
    unmapped = [login for login, user in users.items() if user is None]
    notes += [f"{login} has no Slack user here, so was not compared" for login in unmapped]
    barred = dict.fromkeys(user for user in users.values() if user)
    return tuple(barred), tuple(dict.fromkeys(notes))


async def _owners(desk: Desk, kind: str, sha: str) -> tuple[list[str], list[str]]:
    """Return the logins of those whose change a commit is, and what could not be compared."""
    pull_request = await _pull_request(desk, sha)
    if pull_request is None:
        return await _author(desk, sha)
    logins = [pull_request.author, pull_request.merged_by]
    if desk.source is None:
        return logins, ["the last pusher is unknown without GitHub credentials"]
    try:
        return [*logins, *await desk.source.pushers(desk.repo.name, pull_request.number)], []
    except SourceUnavailable as error:
        if kind != "rollback" and not isinstance(error, SourceMissing):
            raise SourceNeeded(error) from None
        return logins, [PUSHER_NOT_ASKED]


async def _pull_request(desk: Desk, sha: str) -> PullRequest | None:
    """Return the pull request that brought a commit, as the thread of its merge knows it."""
    if desk.state.sha == sha and desk.state.pull_request:
        return desk.state.pull_request
    entries = await desk.log.read(thread_id_for(desk.repo.name, desk.repo.branch, sha))
    started = entries[0].event if entries else None
    return started.pull_request if isinstance(started, ThreadStarted) else None


async def _author(desk: Desk, sha: str) -> tuple[list[str], list[str]]:
    """Return who wrote a commit that no thread knows the merge of, and what cannot be compared."""
    known = desk.state.known.get(sha)
    author = known.author if known else ""
    if not author and desk.source is not None:
        with suppress(SourceUnavailable):
            commit = await desk.source.commit(desk.repo.name, sha)
            author = commit.author if commit else ""
    others = "merged or pushed" if author else "wrote, merged or pushed"
    note = f"who {others} this commit is unknown, so was not compared"
    return [author] if author else [], [note]


async def staging_evidence(desk: Desk, sha: str) -> str | None:
    """Say how this SHA passed staging; None if it did not."""
    for staging in reversed(desk.state.stagings):
        if staging.sha == sha and staging.passed:
            return staging.summary
    history = await desk.log.history(desk.repo.name, HISTORY_KEPT)
    if ledger.has_passed_staging(history, sha):
        return "passed staging in an earlier thread"
    return OVERRIDDEN if override_of(desk.facts, sha) else None
