"""rollback_<service>_in_prod: propose a version that production ran before, by a card."""

from collections.abc import Mapping, Sequence
from functools import partial

from pydantic import Field

from app.core import ledger, way_back
from app.core.config import RepoConfig
from app.core.events import Event
from app.core.happened import Record, records
from app.core.ports import HISTORY_KEPT
from app.core.versions import verified
from app.core.writing import short
from tools.card import Proposal, request_approval
from tools.tool import Arguments, Desk, Tool, ToolError, proposed_sha

PASSED = "passed the production e2e tests before"
UNTESTABLE = "ran in production before; no production tests are configured"
UNTESTED = "ran in production before; its production e2e tests are not recorded as green"


class RollbackArguments(Arguments):
    sha: str = Field(description="The earlier version to bring back, one of the SHAs given above.")
    reason: str = Field(description="One line for the approver: why roll back.", max_length=2000)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return one rollback tool for each production service."""
    return [
        Tool(
            name=f"rollback_{service}_in_prod",
            description=f"Propose to roll back {service} in production; a person approves it.",
            arguments=RollbackArguments,
            act=partial(_rollback, service),
        )
        for service in repo.production.services
    ]


async def _rollback(service: str, desk: Desk, arguments: RollbackArguments) -> Sequence[Event]:
    name = f"rollback_{service}_in_prod"
    sha = proposed_sha(desk.state, name, arguments.sha)
    evidence = await _evidence(service, desk, sha)
    risky = "this version never passed the production tests" if evidence == UNTESTED else ""
    proposal = Proposal(name, "rollback", service, sha, evidence, risky)
    return [await request_approval(desk, [proposal], arguments.reason)]


async def _evidence(service: str, desk: Desk, sha: str) -> str:
    """Say what speaks for a version; raise `ToolError` for one that is not the way back.

    That is the last version that passed the tests. People may name another one that ran.
    """
    happened = records(await desk.log.history(desk.repo.name, HISTORY_KEPT))
    back_to = {
        name: way_back.earlier(desk.repo, desk.facts, happened, name)
        for name in desk.repo.production.services
    }
    if sha == back_to[service]:
        return PASSED if desk.repo.production.e2e else UNTESTABLE
    ran = _ran(service, desk, happened)
    if sha in desk.state.named and sha in verified(desk.facts, service):
        return PASSED
    if sha in desk.state.named and sha in ran:
        if desk.source is not None:
            await desk.source.commits(desk.repo.name, desk.repo.branch, 1)  # unverified: only if up
        return UNTESTED
    raise ToolError(_refusal(desk, service, sha, back_to, ran))


def _ran(service: str, desk: Desk, happened: Sequence[Record]) -> list[str]:
    """Return what a service ran, as far as is recorded, the newest first."""
    ran = [r.sha for r in happened if r.service == service and r.outcome == "succeeded"]
    asked = [desk.state.asked(run.call_id) for run in desk.state.runs.values()]
    specs = [each.spec for each in asked if each]
    ran += [s.production_was for s in specs if s.service == service and s.production_was]
    return list(dict.fromkeys(ran))


def _refusal(
    desk: Desk, service: str, sha: str, back_to: Mapping[str, str | None], ran: Sequence[str]
) -> str:
    if sha in desk.state.named:
        versions = ", ".join(map(short, ran[:5])) or "none that is recorded"
        return f"{service} never ran {short(sha)} in production. It ran: {versions}"
    goes = back_to[service]
    if goes:
        return f"{service} goes back to {short(goes)}; people have to name any other version"
    runs = ledger.production(desk.facts, service)
    return way_back.no_way(desk.repo, back_to, service, [old for old in ran if old != runs])
