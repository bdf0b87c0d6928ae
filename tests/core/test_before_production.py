"""What code checks before anything reaches production: for the card, and when it is sent."""

from app.core.ports import Observation
from tests.core.box import OLD, REPO, SHA, Box, repo_config
from tests.fake_source import FakeSource


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_with_github_away_a_verified_version_can_be_brought_back() -> None:
    source = FakeSource([OLD, SHA])
    box = Box(source=source)
    await box.has_old_version()
    red = Observation(status="failed", summary="exit code 1")
    box.deployer.prepare("production e2e", red, red)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="backend only")
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="red")
    await box.approves()
    source.away = True
    box.model.will("done_for_now", message="back")
    await box.approves()
    assert production(box)[-2:] == ["production backend 0ddba11", "production e2e 0ddba11"]


async def test_a_commit_of_another_branch_gets_no_card() -> None:
    box = Box(source=FakeSource([OLD]))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    box.model.will("done_for_now", message="no")
    await box.merges()
    assert (await box.state()).last_error == f"{SHA[:7]} is no commit of main"


async def test_an_older_commit_is_refused() -> None:
    box = Box(source=FakeSource([SHA, OLD]))
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    box.model.will("done_for_now", message="no")
    await box.merges()
    assert "is older than 0ddba11" in (await box.state()).last_error


async def test_an_older_commit_does_not_even_reach_staging() -> None:
    box = Box(source=FakeSource([SHA, OLD]))
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA[:7], reason="")
    box.model.will("reply", message="It is older.")
    await box.mentions(f"deploy {SHA[:7]}")
    assert "is older than 0ddba11" in (await box.state()).last_error
    assert box.deployer.effects == []


async def test_who_may_not_approve_is_not_named_as_who_may() -> None:
    box = Box(repo_config(people={"alice": "U02BOB"}))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    facts = (await box.card()).request.facts
    assert facts.approvers == ("U03CARA",)
    assert facts.barred == ("U02BOB",)


async def test_a_service_that_is_no_longer_configured_is_not_deployed() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    card = await box.card()
    services = {"frontend": box.config.production.services["frontend"]}
    without = box.config.production.model_copy(update={"services": services})
    box.configure(repo_config(production=without))
    await box.approves()
    settled = (await box.state()).cards[card.request.call_id]
    assert settled.text == "backend is no longer configured"
    assert production(box) == []


async def test_a_service_taken_out_while_it_deploys_ends_all_the_same() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    services = {"backend": box.config.staging.services["backend"]}
    without = box.config.staging.model_copy(update={"services": services})
    box.configure(repo_config(staging=without))
    box.deployer.prepared.clear()
    box.model.will("nothing_to_do", reason="no")
    await box.later(10_000)
    assert await box.log.locks(REPO) == {}
