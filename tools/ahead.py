"""What a merge would ask for once its staging is green, found out by code alone: no tool."""

from app.core import ahead, lanes, ledger
from app.core.cards import Card
from app.core.declined import declined, spoken
from app.core.events import ApprovalRequested, PlanStep
from app.core.spec import MAX_PLAN_STEPS, EffectKind
from tools.card import Proposal, request_approval
from tools.changes import Change, change_of, jobs_due, run_from
from tools.deploy import tool_of
from tools.order import refuse_out_of_turn
from tools.riders import Riders
from tools.tool import Desk, ToolError


async def request_ahead(desk: Desk, staging: int) -> ApprovalRequested:
    """Build the card for every service that the merge touches, and the jobs that are due for them.

    `staging` is the run that has to be green. Raise `ToolError` where one click cannot stand for
    all of it, or what production runs until then is about to change; and `SourceUnavailable`.
    """
    sha = desk.state.sha or ""
    refuse_out_of_turn(desk.state, desk.facts, sha)
    steps = await _steps(desk, sha)
    if not steps:
        raise ToolError("production runs all of it already")
    if len(steps) > (MAX_PLAN_STEPS if desk.repo.approval == "plan" else 1):
        raise ToolError("it takes several cards")
    proposals = [Proposal(tool_of(kind, name), kind, name, sha, "") for name, kind in steps]
    request = await request_approval(desk, proposals, "")
    return request.model_copy(update={"ahead": staging})


async def said_since(desk: Desk, card: Card, riders: Riders) -> str:
    """Say what was said of a merge that goes out with a card, and the card does not show; or "".

    What it says stands as long as the threads that `riders` has read then get no event more.
    Raise `ToolError` where the branch has gone back, and `SourceNeeded`.
    """
    for step in card.steps:
        spec, shown = step.spec, step.facts
        change = await _change(desk, step)
        for merge in await riders.merges(spec.kind, step.name, spec.sha, change):
            said_no, said = declined(merge), spoken(merge)
            named = f"{lanes.named(lanes.pull_of(merge))}, which goes out with it,"
            if said_no and said_no not in shown.declined:
                where = "red on staging" if said_no.how == "red" else said_no.how
                return f"{named} was {where} meanwhile"
            if said and said not in shown.spoken:
                return f"people wrote about {named} in its thread meanwhile"
    return ""


async def _change(desk: Desk, step: PlanStep) -> Change:
    """Return the commits that a step brings; a card keeps no more than the newest of them."""
    spec, facts = step.spec, step.facts
    if len(facts.commits) >= facts.commits_total:
        return Change(facts.commits, facts.commits_total, ())
    is_job = spec.kind == "job"
    base = run_from(desk.repo, desk.facts, step.name) if is_job else spec.production_was
    return await change_of(desk, spec.kind, base, spec.sha)


async def _steps(desk: Desk, sha: str) -> list[tuple[str, EffectKind]]:
    """Return the steps in the default order, a job in front of the service that it is for."""
    repo, recorded = desk.repo, desk.facts
    there = {name: ledger.production(recorded, name) for name in repo.production.services}
    services = [name for name in ahead.touched(desk.state, repo) if there[name] != sha]
    for name in services:
        if ledger.hold(recorded, name) is not None:
            raise ToolError(f"{name} is on hold")
    due = await jobs_due(repo, desk.source, recorded, desk.state.change, sha) if services else {}
    wanted = [job for job in due if repo.production.jobs[job].before in (None, *services)]
    kinds: dict[str, EffectKind] = {**dict.fromkeys(services, "deploy")}
    kinds |= dict.fromkeys(wanted, "job")
    return [(name, kinds[name]) for name in repo.production.order if name in kinds]
