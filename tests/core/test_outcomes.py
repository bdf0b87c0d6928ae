"""What an attempt is made of, what came of it, and how a thread waits for what another has."""

from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.ports import Observation
from app.core.records import Run
from tests.core.box import OLD, SHA, Box, repo_config
from tests.fake_source import FakeSource

E2E = TargetConfig(deployer="command", options={"runs": OLD, "suite": "all"})


def shop(**options: str) -> RepoConfig:
    """Configure targets with options, and tests with others."""
    target = TargetConfig(deployer="command", options=options)
    services = {"frontend": target, "backend": target}
    return repo_config(staging=EnvironmentConfig(e2e=E2E, services=services))


async def run_of(box: Box, service: str | None) -> Run:
    runs = (await box.state()).runs.values()
    return next(run for run in runs if run.attempt.service == service)


async def test_a_target_that_runs_what_was_sent_has_it() -> None:
    box = Box(shop(runs=SHA, more="--fast"))
    await box.merges()
    run = await run_of(box, "frontend")
    assert (run.outcome, run.summary) == ("succeeded", "done")
    assert run.attempt.arguments["more"] == "--fast"


async def test_a_target_that_runs_something_else_has_failed() -> None:
    box = Box(shop(runs=OLD))
    await box.merges()
    run = await run_of(box, "frontend")
    assert (run.outcome, run.summary) == (
        "failed",
        "done, but the target says it runs 0ddba1122222",
    )


async def test_a_deploy_that_failed_is_not_asked_what_it_runs() -> None:
    box = Box(shop(runs=OLD))
    failed = Observation("failed", "exit code 1", seconds=11.5)
    box.deployer.prepare("staging frontend", failed)
    await box.merges()
    run = await run_of(box, "frontend")
    assert (run.outcome, run.summary, run.seconds) == ("failed", "exit code 1", 11.5)


async def test_tests_run_nothing_that_could_be_something_else() -> None:
    box = Box(shop())
    await box.merges()
    run = await run_of(box, None)
    assert run.outcome == "succeeded"
    assert run.attempt.arguments["suite"] == "all"


async def test_failing_tests_are_kept() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", Observation("failed", "red", failing_tests=("pay", "cart")))
    await box.merges()
    assert (await run_of(box, None)).failing_tests == ("pay", "cart")


async def test_with_github_away_an_approved_card_waits_and_says_so() -> None:
    source = FakeSource([OLD, SHA])
    box = Box(source=source)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    source.away = True
    await box.approves()
    waits = (await box.state()).waits_for_source
    assert waits is not None
    assert waits.message == "GitHub does not answer"
    source.away = False
    await box.later(600_000)
    assert "production backend 4af9ec0" in box.deployer.effects


async def test_who_waits_for_a_lock_is_woken_when_it_is_given_back() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.approves()
    first, newer = box.thread_id, "b" * 40
    box.model.will("deploy_backend_to_prod", sha=newer, reason="")
    await box.is_asked_for(newer)
    await box.approves()
    assert "production backend bbbbbbb" not in box.deployer.effects
    box.thread_id = first
    box.model.will("done_for_now", message="enough")
    await box.rejects("that is enough")
    assert "production backend bbbbbbb" in box.deployer.effects
