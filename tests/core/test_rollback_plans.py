"""Several services go back by one card, also where a deploy has a card for each step."""

import json
from typing import Literal

import pytest

from app.core import events as ev
from app.core.config import RepoConfig, TargetConfig
from app.core.ports import Observation, Write
from app.core.spec import plan_hash
from app.core.versions import verified
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.core.test_day_after import refused, shipped
from tests.core.test_plans import DAN, clicked, planned, production, with_own
from tests.shop import BOB, CARA, REPO, repo_config
from tools import all_tools

RED = Observation(status="failed", summary="red", failing_tests=("checkout",))
BACK = ["production backend 0ddba11", "production frontend 0ddba11"]


async def both_ran(config: RepoConfig | None = None) -> Box:
    """Let both services have a version that passed and a newer one."""
    box = Box(config or repo_config(), model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    return box


async def the_day_after(config: RepoConfig | None = None) -> Box:
    """Let people ask for both services to go back."""
    box = await both_ran(config)
    await box.mentions("roll back")
    return box


async def went_back(box: Box) -> list[tuple[str, str]]:
    """Return what the card that waits would bring back."""
    return [(spec.service, spec.sha) for spec in (await box.card()).request.specs]


@pytest.mark.parametrize("approval", ["call", "plan"])
async def test_both_services_go_back_by_one_card_and_are_held(
    approval: Literal["call", "plan"],
) -> None:
    box = await the_day_after(repo_config(approval=approval))
    request = (await box.card()).request
    assert request.spec_hash == plan_hash(request.specs)
    told = [(spec.tool, spec.sha) for spec in request.specs]
    assert told == [("rollback_backend_in_prod", OLD), ("rollback_frontend_in_prod", OLD)]
    await box.approves()
    assert box.deployer.effects[-3:] == [
        "production backend 0ddba11",
        "production frontend 0ddba11",
        "production e2e 0ddba11",
    ]
    facts = await box.log.facts(REPO)
    assert {json.loads(facts[f"hold/{s}"])["bad_sha"] for s in ("frontend", "backend")} == {SHA}
    assert verified(facts, "frontend") == [OLD]


async def test_a_red_production_goes_back_by_one_card() -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box, OLD)
    box.deployer.prepare("production e2e", RED, RED)
    await box.merges(SHA)
    await box.approves()
    await box.approves()
    assert await went_back(box) == [("backend", OLD), ("frontend", OLD)]
    await box.approves()
    assert production(box)[-3:] == [*BACK, "production e2e 0ddba11"]


async def test_the_button_makes_one_card() -> None:
    box = await both_ran()
    await box.does(ev.RollbackOpened(user=BOB))
    assert await went_back(box) == [("backend", OLD), ("frontend", OLD)]


async def test_one_service_alone_keeps_its_own_tool() -> None:
    box = await both_ran()
    await box.says("roll back the frontend")
    [spec] = (await box.card()).request.specs
    assert (spec.tool, spec.call_id) == ("rollback_frontend_in_prod", spec.call_id.split(".")[0])


async def test_the_first_step_that_fails_ends_the_rollback() -> None:
    box = await the_day_after()
    before = len(production(box))
    box.deployer.prepare("production backend", Observation(status="failed", summary="boom"))
    await box.approves()
    assert production(box)[before:] == [BACK[0]]
    [card] = (await box.state()).cards.values()
    assert (card.void, [step.name for step in card.left]) == ("backend: failed", ["frontend"])


async def test_each_step_is_looked_at_again_before_it_begins() -> None:
    box = await the_day_after()
    before = len(production(box))
    box.deployer.prepare("production backend", Observation(status="running"))
    await box.approves()
    runs = json.dumps({"sha": "5" * 40, "thread": "t", "at": 1, "kind": "deploy"})
    fact = {"running/frontend": runs}
    await box.log.append(Write(f"{REPO}/0", [], facts=fact, silent=True))
    box.deployer.prepared.clear()
    await box.later(60_000)
    assert production(box)[before:] == [*BACK[:1], "production e2e 0ddba11"]
    [card, *_] = (await box.state()).cards.values()
    assert card.void.endswith("it ran 4af9ec0 and now runs 5555555")


async def test_the_approvers_of_every_service_have_to_approve() -> None:
    box = await both_ran(with_own(repo_config(people={}), "frontend", approvers=(BOB, CARA)))
    own = with_own(box.config, "frontend", approvers=(DAN,))
    box.configure(own)
    await box.mentions("roll back")
    before = production(box)
    await clicked(box, BOB)
    assert production(box) == before
    await clicked(box, DAN)
    assert production(box)[-3:] == [*BACK, "production e2e 0ddba11"]


async def test_words_give_up_what_is_left_of_a_rollback_under_way() -> None:
    box = await the_day_after()
    box.deployer.prepare("production backend", Observation(status="running"))
    await box.approves()
    await box.says("skip the frontend")
    box.deployer.prepared.clear()
    await box.later(60_000)
    [card, *_] = (await box.state()).cards.values()
    assert card.void == "people changed the plan"
    assert production(box)[-2:] == [BACK[0], "production e2e 0ddba11"]


def test_a_repository_of_one_service_has_no_plans_to_go_back() -> None:
    assert "propose_rollback" in all_tools(repo_config())
    production = repo_config().production
    [name, _] = production.services
    one = production.model_copy(update={"services": {name: production.services[name]}})
    assert "propose_rollback" not in all_tools(repo_config(production=one))


async def test_a_plan_that_was_refused_is_not_proposed_again() -> None:
    box = await the_day_after()
    await box.rejects("leave it", CARA)
    state = await box.state()
    assert state.pending is None
    assert OLD not in state.shipped.values()


async def test_an_expired_plan_is_made_anew_for_who_asks_again() -> None:
    box = await the_day_after()
    card = await box.card()
    await box.later(25 * 3600 * 1000)
    await box.does(ev.AskedAgain(call_id=card.request.call_id, user=CARA))
    assert [spec.service for spec in (await box.card()).request.specs] == ["backend", "frontend"]


async def test_a_job_that_ran_in_between_is_warned_about() -> None:
    job = TargetConfig(deployer="command", options={}, before="backend")
    config = planned()
    production = config.production.model_copy(update={"jobs": {"migrate": job}})
    box = Box(config.model_copy(update={"production": production}), model=OfflinePlanner())
    await shipped(box, OLD)
    ran = {"kind": "job", "sha": SHA, "at": 1, "service": "migrate", "outcome": "succeeded"}
    await box.log.append(Write(f"{REPO}/0", [], history=[json.dumps(ran)], silent=True))
    await shipped(box, SHA)
    await box.mentions("roll back")
    risks = [step.facts.risky for step in (await box.card()).steps]
    assert risks == ["migrate ran for 4af9ec0 since then, and no rollback takes that back", ""]


@pytest.mark.parametrize(
    ("steps", "refusal"),
    [
        (["web"], "'web' is no service; there are: frontend, backend"),
        (["backend", "backend"], "a plan has each step once"),
        (
            ["backend", "frontend"],
            "frontend cannot go back: it has no earlier version that passed the production tests. "
            "These can: backend to 0ddba11.",
        ),
    ],
)
async def test_what_cannot_be_one_card_is_refused(steps: list[str], refusal: str) -> None:
    box = Box(planned())
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.model.will("propose_rollback", steps=steps, reason="")
    box.model.will("reply", message="I cannot.")
    await box.says("undo all of it: backend and frontend")
    assert await refused(box) == refusal


async def test_what_people_refused_is_not_put_on_a_card_again_unasked() -> None:
    box = Box(planned())
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.model.will("propose_rollback", steps=["backend"], reason="")
    await box.says("undo it")
    await box.rejects("")
    box.model.will("propose_rollback", steps=["backend"], reason="")
    box.model.will("done_for_now", message="left as it is")
    await box.does(ev.Continued(user=CARA))
    assert await refused(box) == (
        "a person rejected rollback_backend_in_prod(0ddba11); ask them first"
    )
