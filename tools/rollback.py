"""rollback_<service>_in_prod: propose a version that production ran before, by a card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
            name=tool_of(service),
            description=f"Propose to roll back {service} in production; a person approves it.",
            arguments=RollbackArguments,
            act=partial(_rollback, service),
        )
        for service in repo.production.services
    ]


async def _rollback(service: str, desk: Desk, arguments: RollbackArguments) -> Sequence[Event]:
    refuse_for_others(desk, service)
    sha = proposed_sha(desk.state, tool_of(service), arguments.sha)
    ways = await ways_back(desk)
    evidence = await _evidence(service, desk, sha, ways)
    return [await request_approval(desk, [ways.step(service, sha, evidence)], arguments.reason)]


def refuse_for_others(desk: Desk, service: str) -> None:
    """Raise `ToolError` for a service that a thread has no business with, unless people named it.

    "Revert that" in a merge's thread should not take back what another team has just shipped.
    """
    if way_back.is_for_others(desk.state, desk.repo, desk.facts, service):
        raise ToolError(
            f"{service} runs nothing of this thread, and nobody here named it: people have to"
        )


def tool_of(service: str) -> str:
    """Name the tool of one step."""
    return f"rollback_{service}_in_prod"


@dataclass(frozen=True, slots=True)
class Ways:
    """To which version each service goes back, and what happened before, newest first."""

    repo: RepoConfig
    happened: Sequence[Record]
    back_to: Mapping[str, str | None]

    @property
    def evidence(self) -> str:
        """Say what speaks for the versions that services go back to."""
        return PASSED if self.repo.production.e2e else UNTESTABLE

    def step(self, service: str, sha: str, evidence: str) -> Proposal:
        """Propose a step; asked about twice where it was not tested, or a job ran since."""
        untested = "this version never passed the production tests" if evidence == UNTESTED else ""
        jobs = way_back.jobs_since(self.repo, self.happened, service, sha)
        ran = ", ".join(f"{job.service} ran for {short(job.sha)} since then" for job in jobs[:3])
        stays = f"{ran}, and no rollback takes that back" if ran else ""
        risky = "; ".join(filter(None, [untested, stays]))
        return Proposal(tool_of(service), "rollback", service, sha, evidence, risky)


async def ways_back(desk: Desk) -> Ways:
    """Find out where services go back to."""
    happened = records(await desk.log.history(desk.repo.name, HISTORY_KEPT))
    services = desk.repo.production.services
    back_to = {s: way_back.earlier(desk.repo, desk.facts, happened, s) for s in services}
    return Ways(desk.repo, happened, back_to)


async def _evidence(service: str, desk: Desk, sha: str, ways: Ways) -> str:
    """Say what speaks for a version; raise `ToolError` for one that is not the way back.

    That is the last version that passed the tests. People may name another one that ran.
    """
    if sha == ways.back_to[service]:
        return ways.evidence
    ran = _ran(service, desk, ways.happened)
    if sha in desk.state.named and sha in verified(desk.facts, service):
        return PASSED
    if sha in desk.state.named and sha in ran:
        if desk.source is not None:
            await desk.source.commits(desk.repo.name, desk.repo.branch, 1)  # unverified: only if up
        return UNTESTED
    raise ToolError(_refusal(desk, service, sha, ways, ran))


def _ran(service: str, desk: Desk, happened: Sequence[Record]) -> list[str]:
    """Return what a service ran, as far as is recorded, the newest first."""
    ran = [r.sha for r in happened if r.service == service and r.outcome == "succeeded"]
    asked = [desk.state.asked(run.call_id) for run in desk.state.runs.values()]
    specs = [each.spec for each in asked if each]
    ran += [s.production_was for s in specs if s.service == service and s.production_was]
    return list(dict.fromkeys(ran))


def _refusal(desk: Desk, service: str, sha: str, ways: Ways, ran: Sequence[str]) -> str:
    if sha in desk.state.named:
        versions = ", ".join(map(short, ran[:5])) or "none that is recorded"
        return f"{service} never ran {short(sha)} in production. It ran: {versions}"
    goes = ways.back_to[service]
    if goes:
        return f"{service} goes back to {short(goes)}; people have to name any other version"
    runs = ledger.production(desk.facts, service)
    return way_back.no_way(desk.repo, ways.back_to, service, [old for old in ran if old != runs])
