"""A target that only GitHub can speak for, while GitHub does not answer."""

from app.core import events as ev
from app.core.config import EnvironmentConfig, TargetConfig
from app.core.ports import Observation
from tests.core.box import OLD, SHA, Box
from tests.fake_deployer import DONE
from tests.fake_source import FakeSource
from tests.shop import repo_config

RUNNING = Observation("running", line="deploy / Push image", again_seconds=15)


def own(**options: str) -> EnvironmentConfig:
    target = TargetConfig(deployer="command", options=options)
    return EnvironmentConfig(e2e=None, services={"backend": target})


async def test_a_start_whose_answer_was_lost_is_found_and_no_fault() -> None:
    box = Box()
    box.deployer.silent = True
    await box.merges()
    assert len(box.deployer.effects) == 3
    staging = (await box.state()).staging
    assert staging
    assert staging.passed
    assert "step_failed" not in await box.types()


async def test_it_is_asked_again_only_when_it_is_worth_it() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", RUNNING)
    await box.merges()
    asked = len(box.deployer.references)
    for _ in range(14):
        await box.later(1000)
    assert len(box.deployer.references) == asked
    await box.later(1000)
    assert len(box.deployer.references) == asked + 1


async def test_a_stop_that_nobody_heard_is_asked_for_again() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", RUNNING)
    await box.merges()
    box.deployer.silent = True
    await box.does(ev.StopRequested(user="U01ALICE"))
    assert box.deployer.cancelled == set()
    box.deployer.silent = False
    await box.later(15_000)
    assert len(box.deployer.cancelled) == 1
    assert "step_failed" not in await box.types()


async def test_what_runs_is_unknown_as_long_as_nobody_says() -> None:
    box = Box(repo_config(staging=own(), production=own(runs=OLD)))
    box.deployer.silent = True
    box.model.will("reply", message="I do not know.")
    await box.mentions("what is on production?")
    facts = (await box.state()).facts
    assert facts
    assert [(run.service, run.source) for run in facts.running] == [("backend", "unknown")]


async def test_no_card_is_made_of_what_nobody_knows_and_the_call_waits() -> None:
    config = repo_config(staging=own(), production=own(runs=OLD))
    box = Box(config, source=FakeSource([OLD, SHA]))
    await box.starts()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    box.deployer.silent = True
    await box.settles()
    state = await box.state()
    assert state.pending is None
    assert state.waits_for_source
    box.deployer.silent = False
    await box.later(60_000)
    assert (await box.card()).request.spec.production_was == OLD


async def test_an_approval_waits_until_it_is_known_what_runs() -> None:
    box = Box(repo_config(staging=own(), production=own(runs=OLD)))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.silent = True
    await box.approves()
    assert "approval_expired" not in await box.types()
    assert "production backend 4af9ec0" not in box.deployer.effects
    box.deployer.silent = False
    await box.later(60_000)
    assert "production backend 4af9ec0" in box.deployer.effects


async def test_an_outcome_that_was_said_counts_though_nobody_says_what_runs() -> None:
    box = Box(repo_config(staging=own(), production=own()))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.prepare("production backend", RUNNING)
    await box.approves()
    box.deployer.silent = True
    box.deployer.prepared["production backend"] = [DONE]
    await box.later(15_000)
    assert (await box.state()).shipped == {"backend": SHA}
