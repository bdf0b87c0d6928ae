"""Several steps on one card: in order, each once, up to the first that does not succeed."""

import json
from typing import Any

import pytest

from app.core import clicks
from app.core import events as ev
from app.core.clicks import Accepted, Click, Refused
from app.core.config import RepoConfig, TargetConfig
from app.core.errors import ModelUnavailable
from app.core.people import Person
from app.core.ports import Model, Observation, Write
from app.core.spec import plan_hash, spec_hash
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.shop import ALICE, BOB, CARA, REPO, repo_config

DAN = "U04DAN"
STEPS = ["backend", "frontend"]


def planned(**changes: Any) -> RepoConfig:
    """Configure the shop to ask once for a whole plan."""
    return repo_config(approval="plan", **changes)


def with_own(repo: RepoConfig, service: str, **rules: Any) -> RepoConfig:
    """Give a service rules of its own."""
    target = TargetConfig.model_validate({"deployer": "command", "options": {}, **rules})
    services = {**repo.production.services, service: target}
    production = repo.production.model_copy(update={"services": services})
    return repo.model_copy(update={"production": production})


async def proposed(config: RepoConfig | None = None) -> Box:
    """Merge, and let the model propose backend, then frontend."""
    box = Box(config or planned())
    box.model.will("propose_plan", sha=SHA, steps=STEPS, reason="as ever")
    await box.merges()
    return box


async def clicked(box: Box, user: str) -> None:
    """Let somebody press Approve, as the button decides it."""
    decision = await verdict(box, user)
    assert isinstance(decision, Accepted), decision
    await box.does(*decision.events)


async def verdict(box: Box, user: str) -> clicks.Decision:
    """Decide what a press of Approve means."""
    state = await box.state()
    [call_id] = state.cards
    here = await box.log.look(box.thread_id)
    return clicks.approve(Click(state, box.config, Person(user), call_id, here.now, here.facts))


def production(box: Box) -> list[str]:
    """Return what was done to production, in order."""
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_a_plan_is_one_card_with_one_hash_over_all_its_steps() -> None:
    box = await proposed()
    request = (await box.card()).request
    assert [spec.service for spec in request.specs] == STEPS
    assert [spec.call_id for spec in request.specs] == [f"{request.call_id}.{n}" for n in (1, 2)]
    assert request.spec_hash == plan_hash(request.specs) != spec_hash(request.spec)
    assert plan_hash(request.specs[::-1]) != request.spec_hash
    assert plan_hash(request.specs[:1]) == spec_hash(request.spec)


async def test_one_click_does_all_steps_in_order_and_then_the_tests() -> None:
    box = await proposed()
    box.model.will("done_for_now", message="done")
    await clicked(box, BOB)
    assert production(box) == [
        "production backend 4af9ec0",
        "production frontend 4af9ec0",
        "production e2e 4af9ec0",
    ]
    state = await box.state()
    [card] = state.cards.values()
    assert (card.left, card.next_step, card.void) == ([], None, "")
    assert state.plan == 1


async def test_a_red_step_ends_the_plan_and_the_agent_is_asked_again() -> None:
    box = await proposed()
    box.deployer.prepare("production backend", Observation(status="failed", summary="boom"))
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="the other")
    await clicked(box, BOB)
    assert production(box) == ["production backend 4af9ec0"]
    assert (await box.card()).request.plan == 2


async def test_an_unknown_step_ends_the_plan() -> None:
    box = await proposed()
    box.deployer.recovers, box.deployer.forgets = "blind", True
    await clicked(box, BOB)
    state = await box.state()
    assert state.unknown
    assert state.approved is None
    assert [card.void for card in state.cards.values()] == ["backend: unknown"]


async def test_what_is_left_is_asked_for_again_when_a_step_did_not_happen() -> None:
    box = await proposed()
    box.deployer.recovers, box.deployer.forgets = "blind", True
    await clicked(box, BOB)
    box.deployer.forgets = False
    unknown = (await box.state()).unknown
    assert unknown
    stated = ev.OutcomeStated(
        attempt_id=unknown.attempt.attempt_id, happened=False, user=BOB, spec_hash=""
    )
    await box.does(stated)
    card = await box.card()
    assert [step.name for step in card.steps] == STEPS
    assert card.proposed_by == "scripted"


async def test_only_what_is_left_is_asked_for_again_when_a_step_happened() -> None:
    box = await proposed()
    box.deployer.prepare("production frontend", Observation(status="missing"))
    box.deployer.recovers = "blind"
    await clicked(box, BOB)
    unknown = (await box.state()).unknown
    assert unknown
    assert unknown.attempt.service == "frontend"
    stated = ev.OutcomeStated(
        attempt_id=unknown.attempt.attempt_id, happened=False, user=BOB, spec_hash=""
    )
    await box.does(stated)
    assert (await box.card()).request.spec.tool == "deploy_frontend_to_prod"


async def test_a_stop_between_two_steps_gives_up_the_rest() -> None:
    box = await proposed()
    box.deployer.prepare("production backend", Observation(status="running"))
    await clicked(box, BOB)
    box.deployer.prepared.clear()
    await box.does(ev.StopRequested(user=BOB))
    assert production(box) == ["production backend 4af9ec0"]
    [card] = (await box.state()).cards.values()
    assert card.void == "stopped"


async def test_a_step_that_may_not_happen_any_more_ends_the_plan() -> None:
    box = await proposed()
    box.deployer.prepare("production backend", Observation(status="running"))
    await clicked(box, BOB)
    fact = json.dumps({"sha": OLD, "thread": "acme/shop/0", "at": 0})
    await box.log.append(Write("acme/shop/0", [], facts={"running/frontend": fact}, silent=True))
    box.deployer.prepared.clear()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="anew")
    await box.later(10_000)
    assert production(box) == ["production backend 4af9ec0"]
    card = await box.card()
    assert (card.request.plan, card.request.spec.production_was) == (2, OLD)
    first = next(iter((await box.state()).cards.values()))
    assert first.void.startswith("production has changed since the card was made")


async def test_each_step_needs_the_approvals_of_its_own_people() -> None:
    box = await proposed(with_own(planned(people={}), "frontend", approvers=(DAN,)))
    await clicked(box, BOB)
    card = await box.card()
    assert [card.missing(step) for step in card.steps] == [0, 1]
    assert production(box) == []
    refused = await verdict(box, BOB)
    assert isinstance(refused, Refused)
    assert "You are not an approver of frontend. These are: <@U04DAN>." in refused.sentence
    box.model.will("done_for_now", message="done")
    await clicked(box, DAN)
    assert production(box)[:2] == ["production backend 4af9ec0", "production frontend 4af9ec0"]
    granted = [e.event for e in await box.log.read(box.thread_id)]
    covers = [e.covers for e in granted if isinstance(e, ev.ApprovalGranted)]
    assert covers == [("backend",), ("frontend",)]


async def test_an_approval_of_an_older_version_covers_every_step() -> None:
    box = await proposed()
    box.model.will("done_for_now", message="done")
    await box.approves(CARA)
    assert len(production(box)) == 3


async def test_who_may_approve_nothing_of_a_plan_is_told_why() -> None:
    box = await proposed()
    refused = await verdict(box, "U09EVE")
    assert refused == Refused(
        "You are not an approver of backend. These are: <@U02BOB>, <@U03CARA>. "
        "You are not an approver of frontend. These are: <@U02BOB>, <@U03CARA>."
    )


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (["backend", "backend"], "a plan has each step once"),
        (["database"], "'database' is no step; there are: frontend, backend"),
    ],
)
async def test_a_plan_of_other_steps_is_refused(steps: list[str], sentence: str) -> None:
    box = Box(planned())
    box.model.will("propose_plan", sha=SHA, steps=steps, reason="")
    box.model.will("nothing_to_do", reason="well")
    await box.merges()
    events = [entry.event for entry in await box.log.read(box.thread_id)]
    [refused] = [e for e in events if isinstance(e, ev.ToolRefused)]
    assert refused.error == sentence


async def test_without_plans_there_is_no_such_tool() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    assert "propose_plan" not in {tool.name for tool in box.model.turns[0].tools}


async def test_a_rejected_plan_is_not_proposed_again_unasked() -> None:
    box = await proposed()
    await box.rejects()
    assert (await box.state()).refused == {
        ("deploy_backend_to_prod", SHA),
        ("deploy_frontend_to_prod", SHA),
    }


async def test_the_same_plan_again_leaves_the_card_that_waits() -> None:
    box = await proposed()
    box.model.will("propose_plan", sha=SHA, steps=STEPS, reason="again")
    await box.says("really?")
    assert len((await box.state()).cards) == 1


async def test_another_order_is_the_next_plan() -> None:
    box = await proposed()
    box.model.will("propose_plan", sha=SHA, steps=STEPS[::-1], reason="as asked")
    await box.says("frontend first")
    card = await box.card()
    assert [step.name for step in card.steps] == ["frontend", "backend"]
    assert card.request.plan == 2


async def test_the_record_names_who_approved_each_step() -> None:
    box = await proposed(with_own(planned(people={}), "frontend", approvers=(DAN,)))
    box.model.will("done_for_now", message="done")
    await clicked(box, BOB)
    await clicked(box, DAN)
    lines = [json.loads(line) for line in await box.log.history(REPO, 10)]
    by = {line["service"]: line["approved_by"] for line in lines if line["kind"] == "deploy"}
    assert by == {"backend": [BOB], "frontend": [DAN]}


async def test_a_refusal_of_a_step_that_nobody_knows_is_only_noted() -> None:
    box = await proposed()
    await box.does(ev.StepRefused(call_id="another.1", reason="?"))
    assert (await box.state()).newer == ["step_refused"]


# Words while a plan is under way.


async def under_way(model: Model | None = None) -> Box:
    """Approve the plan, and let its first step take its time."""
    box = Box(planned(), model=model)
    box.model.will("propose_plan", sha=SHA, steps=STEPS, reason="as ever")
    box.deployer.prepare(f"production {'frontend' if model else 'backend'}", RUNNING)
    await box.merges()
    await clicked(box, BOB)
    return box


RUNNING = Observation(status="running")


async def ends(box: Box) -> None:
    """Let what runs come to its end."""
    box.deployer.prepared.clear()
    await box.later(10_000)


async def test_words_hold_the_next_step_until_they_are_answered() -> None:
    box = await under_way()
    box.model.script.append(ModelUnavailable("away"))
    await box.says("what is this?")
    await ends(box)
    assert production(box) == ["production backend 4af9ec0"]
    assert (await box.state()).held_by == ALICE
    box.model.will("reply", message="gift cards")
    box.model.will("done_for_now", message="done")
    await box.later(60_000)
    assert production(box)[:2] == ["production backend 4af9ec0", "production frontend 4af9ec0"]


async def test_an_approver_releases_what_nobody_reads() -> None:
    box = await under_way()
    box.model.script.append(ModelUnavailable("away"))
    await box.says("what is this?")
    await ends(box)
    state = await box.state()
    [call_id] = state.cards
    here = await box.log.look(box.thread_id)
    press = Click(state, box.config, Person(BOB), call_id, here.now, here.facts)
    released = ev.ApprovalReleased(call_id=call_id, user=BOB)
    assert clicks.release(press) == Accepted((released,))
    await box.does(released)
    assert "production frontend 4af9ec0" in production(box)


async def test_nothing_is_to_be_released_while_words_are_read() -> None:
    box = await under_way()
    state = await box.state()
    [call_id] = state.cards
    press = Click(state, box.config, Person(BOB), call_id, 0, {})
    assert clicks.release(press) == Refused("Nothing holds this card any more.")


async def test_words_that_the_model_makes_nothing_of_hold_the_next_step() -> None:
    box = await under_way()
    for _ in range(3):
        box.model.will("no_such_tool")
    await box.says("hm")
    await ends(box)
    assert production(box) == ["production backend 4af9ec0"]
    assert (await box.state()).held_by == ALICE


async def test_people_change_a_plan_that_is_under_way() -> None:
    box = await under_way(OfflinePlanner())
    await box.says("skip the backend")
    await ends(box)
    assert production(box) == ["production frontend 4af9ec0", "production e2e 4af9ec0"]
    state = await box.state()
    assert [card.void for card in state.cards.values()] == ["people changed the plan"]
    assert state.plan == 2


async def test_who_asks_for_what_comes_next_is_told_so() -> None:
    box = await under_way(OfflinePlanner())
    await box.says("now the backend")
    assert (await box.state()).says[-1].text == "That is what the plan does next."
    await ends(box)
    assert "production backend 4af9ec0" in production(box)


async def test_without_a_plan_under_way_none_is_changed() -> None:
    box = await proposed()
    box.model.will("change_plan", reason="")
    box.model.will("reply", message="no")
    await box.says("hm")
    assert "change_plan" not in {tool.name for tool in box.model.turns[-1].tools}
    assert (await box.card()).status == "pending"
