"""rollback_<service>_in_prod: propose a version that production ran before, by a card."""

from collections.abc import Sequence
from functools import partial

from pydantic import Field

from app.core import ledger
from app.core.config import RepoConfig
from app.core.events import Event
from app.core.ports import HISTORY_KEPT
from app.core.writing import short
from tools.card import request_approval
from tools.tool import Arguments, Desk, Tool, ToolError, proposed_sha


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
    evidence = await _ran_before(service, desk, sha)
    return [
        await request_approval(desk, name, "rollback", service, sha, arguments.reason, evidence)
    ]


async def _ran_before(service: str, desk: Desk, sha: str) -> str:
    facts = desk.facts
    if facts.get(f"verified/{service}") == sha:
        return "passed the production e2e tests before"
    if desk.source is not None:
        await desk.source.commits(desk.repo.name, desk.repo.branch, 1)  # unverified: only if up
    history = ledger.effects(await desk.log.history(desk.repo.name, HISTORY_KEPT), service)
    ran = [effect["sha"] for effect in history if effect["outcome"] == "succeeded"]
    specs = [card.request.spec for card in desk.state.cards.values() if card.attempt_id]
    ran += [s.production_was for s in specs if s.service == service and s.production_was]
    if sha not in ran:
        newest = list(dict.fromkeys(ran))[:5]
        versions = ", ".join(map(short, newest)) or "none that is recorded"
        raise ToolError(f"{service} never ran {sha[:7]} in production. It ran: {versions}")
    return "ran in production before; its production e2e tests are not recorded as green"
