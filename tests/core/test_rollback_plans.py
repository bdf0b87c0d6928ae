"""Several services go back by one card, where a team approves plans."""

import json

import pytest

from app.core import events as ev
from app.core.config import TargetConfig
from app.core.ports import Write
from app.core.versions import verified
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.core.test_day_after import refused, shipped
from tests.core.test_plans import planned
from tests.shop import CARA, REPO


async def the_day_after() -> Box:
    """Let both services have a version that passed and a newer one, and be asked to go back."""
    box = Box(planned(), model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    await box.mentions("roll back")
    return box


async def test_both_services_go_back_by_one_card_and_are_held() -> None:
    box = await the_day_after()
    specs = (await box.card()).request.specs
    told = [(spec.tool, spec.sha) for spec in specs]
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
