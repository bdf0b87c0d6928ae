"""deploy_<service>_to_prod: propose a SHA for one service in production, by a card."""

from collections.abc import Sequence
from functools import partial

from pydantic import Field

from app.core import ledger
from app.core.config import RepoConfig
from app.core.errors import SourceUnavailable
from app.core.events import Event, StagingRequested
from tools.card import refuse_older, request_approval, staging_evidence
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
            name=f"deploy_{service}_to_prod",
            description=f"Propose to deploy {service} to production; a person approves it first.",
            arguments=DeployArguments,
            act=partial(_deploy, service),
            modes=("deploy",),
        )
        for service in repo.production.services
    ]


async def _deploy(service: str, desk: Desk, arguments: DeployArguments) -> Sequence[Event]:
    name = f"deploy_{service}_to_prod"
    sha = proposed_sha(desk.state, name, arguments.sha)
    if desk.state.is_untouched(service) and not desk.state.words:
        raise ToolError(f"this merge changes nothing of {service}; propose it only when asked to")
    bad = ledger.hold(desk.facts, service)
    if bad == sha:
        raise ToolError(f"{service} is on hold because of {sha[:7]}, which was rolled back")
    await _is_on_branch(desk, sha)
    evidence = await staging_evidence(desk, sha)
    if evidence is None:
        await refuse_older(desk, service, sha)
        return [StagingRequested(sha=sha, scope="all")]
    return [await request_approval(desk, name, "deploy", service, sha, arguments.reason, evidence)]


async def _is_on_branch(desk: Desk, sha: str) -> None:
    if desk.source is None:
        return
    try:
        commit = await desk.source.commit(desk.repo.name, sha)
    except SourceUnavailable as error:
        raise SourceNeeded(error) from None
    if commit is None:
        raise ToolError(f"{sha[:7]} is no commit of {desk.repo.branch}")
