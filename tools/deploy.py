"""deploy_<service>_to_prod: propose a SHA for one service in production, by a card."""

from collections.abc import Sequence
from functools import partial

from pydantic import Field

from app.core import ledger
from app.core.config import RepoConfig
from app.core.errors import SourceUnavailable
from app.core.events import Event, ShadowProposed, StagingRequested
from app.core.spec import EffectKind
from tools.card import Proposal, refuse_older, request_approval, staging_evidence
from tools.order import refuse_out_of_turn
from tools.tool import Arguments, Desk, SourceNeeded, Tool, ToolError, proposed_sha


class DeployArguments(Arguments):
    sha: str = Field(description="The commit to deploy, one of the SHAs given above.")
    reason: str = Field(
        description="One line for the approver: why this, why now.", max_length=2000
    )


def tools(repo: RepoConfig) -> list[Tool]:
    """Return one deploy tool for each production service, in the default order."""
    return [
        Tool(
            name=tool_of("deploy", service),
            description=f"Propose to deploy {service} to production; a person approves it first.",
            arguments=DeployArguments,
            act=partial(_deploy, service),
            modes=("deploy",),
        )
        for service in repo.production.services
    ]


async def _deploy(service: str, desk: Desk, arguments: DeployArguments) -> Sequence[Event]:
    return await propose(desk, [service], arguments.sha, arguments.reason)


def tool_of(kind: EffectKind, name: str) -> str:
    """Name the tool of one step."""
    return f"run_{name}_in_prod" if kind == "job" else f"deploy_{name}_to_prod"


async def propose(desk: Desk, names: Sequence[str], named: str, reason: str) -> Sequence[Event]:
    """Ask for approval of services and jobs in this order, or put the SHA on staging first."""
    jobs = desk.repo.production.jobs
    steps: list[tuple[str, EffectKind]] = [(n, "job" if n in jobs else "deploy") for n in names]
    sha = ""
    for name, kind in steps:
        sha = proposed_sha(desk.state, tool_of(kind, name), named)
        _refuse_unwanted(desk, kind, name, sha)
    refuse_out_of_turn(desk.state, desk.facts, sha)
    await _is_on_branch(desk, sha)
    if desk.state.shadow:
        return [_noted(desk, kind, name, sha, reason) for name, kind in steps]
    evidence = await staging_evidence(desk, sha)
    if evidence is None:
        for name, kind in steps:
            if kind == "deploy":
                await refuse_older(desk, name, sha)
        return [StagingRequested(sha=sha, scope="all")]
    proposals = [Proposal(tool_of(kind, n), kind, n, sha, evidence) for n, kind in steps]
    return [await request_approval(desk, proposals, reason)]


def _noted(desk: Desk, kind: EffectKind, name: str, sha: str, reason: str) -> ShadowProposed:
    """Note a step instead of asking for it, once."""
    if (name, sha) in desk.state.proposals:
        raise ToolError(f"{name} {sha[:7]} was proposed already")
    is_job = kind == "job"
    return ShadowProposed(call_id=desk.call_id, service=name, sha=sha, is_job=is_job, reason=reason)


def _refuse_unwanted(desk: Desk, kind: EffectKind, name: str, sha: str) -> None:
    """Raise `ToolError` for what nobody asked for, or what is on hold because of this SHA."""
    state = desk.state
    if state.is_untouched(name) and not state.words:
        raise ToolError(f"this merge changes nothing of {name}; propose it only when asked to")
    if kind == "job":
        is_due = state.facts is not None and name in state.facts.jobs
        if not state.words and (not is_due or state.ran.get(name) == sha):
            raise ToolError(f"{sha[:7]} has nothing for {name}; propose it only when asked to")
        return
    if ledger.hold(desk.facts, name) == sha:
        raise ToolError(f"{name} is on hold because of {sha[:7]}, which was rolled back")


async def _is_on_branch(desk: Desk, sha: str) -> None:
    if desk.source is None:
        return
    try:
        commit = await desk.source.commit(desk.repo.name, sha)
    except SourceUnavailable as error:
        raise SourceNeeded(error) from None
    if commit is None:
        raise ToolError(f"{sha[:7]} is no commit of {desk.repo.branch}")
