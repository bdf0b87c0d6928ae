"""An approved card is looked at once more; what runs is looked at until it ends."""

import json

from app.core import events as ev
from app.core.config import EnvironmentConfig, TargetConfig
from app.core.ports import Observation, Write
from tests.core.box import OLD, SHA, Box, repo_config
from tests.fake_source import FakeSource
from tests.shop import ALICE


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def waiting(box: Box) -> str:
    """Put a card up, and return its call's id."""
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    return (await box.card()).request.call_id


async def why_not(box: Box, call_id: str) -> str:
    """Return why the card was not carried out."""
    card = (await box.state()).cards[call_id]
    assert card.status == "expired"
    assert production(box) == []
    return card.text


async def test_a_target_that_was_configured_anew() -> None:
    box = Box()
    call_id = await waiting(box)
    target = TargetConfig(deployer="command", options={"more": "--force"})
    services = {"frontend": target, "backend": target}
    changed = EnvironmentConfig(e2e=box.config.production.e2e, services=services)
    box.configure(repo_config(production=changed))
    await box.approves()
    assert await why_not(box, call_id) == (
        "how this is deployed has been configured anew since the card was made"
    )


async def test_staging_that_was_configured_anew_is_no_matter() -> None:
    box = Box()
    await waiting(box)
    target = TargetConfig(deployer="command", options={"more": "--force"})
    staging = EnvironmentConfig(services={"frontend": target, "backend": target})
    box.configure(repo_config(staging=staging))
    await box.approves()
    assert production(box) == ["production backend 4af9ec0"]


async def test_a_hold_that_came_meanwhile() -> None:
    box = Box()
    call_id = await waiting(box)
    hold = {"hold/backend": json.dumps({"bad_sha": OLD, "thread": "t", "at": 0})}
    await box.log.append(Write("acme/shop/0000000000", [], facts=hold, silent=True))
    await box.approves()
    assert await why_not(box, call_id) == "backend is on hold since 0ddba11 was rolled back"


async def test_a_commit_that_the_branch_lost() -> None:
    source = FakeSource([OLD, SHA])
    box = Box(source=source)
    call_id = await waiting(box)
    source.branch.remove(SHA)
    await box.approves()
    assert await why_not(box, call_id) == "4af9ec0 is no commit of main any more"


async def test_a_target_that_says_it_runs_something_else_meanwhile() -> None:
    box = Box()
    call_id = await waiting(box)
    runs = TargetConfig(deployer="command", options={"runs": OLD})
    services = {"frontend": runs, "backend": runs}
    was = (await box.card()).request.spec
    assert was.production_was is None
    box.configure(repo_config(production=EnvironmentConfig(services=services)))
    await box.approves()
    assert await why_not(box, call_id)


async def test_what_a_target_says_it_runs_is_on_the_card() -> None:
    runs = TargetConfig(deployer="command", options={"runs": OLD})
    services = {"frontend": runs, "backend": runs}
    box = Box(repo_config(production=EnvironmentConfig(services=services)))
    await waiting(box)
    assert (await box.card()).request.spec.production_was == OLD
    await box.approves()
    assert production(box) == ["production backend 4af9ec0"]
    [run] = [r for r in (await box.state()).runs.values() if r.is_production_effect]
    assert (run.outcome, run.summary) == (
        "failed",
        "done, but the target says it runs 0ddba1122222",
    )


async def test_a_rollback_after_which_the_target_says_it_runs_the_bad_version_has_failed() -> None:
    runs = TargetConfig(deployer="command", options={"runs": SHA})
    services = {"frontend": runs, "backend": runs}
    e2e = repo_config().production.e2e
    box = Box(repo_config(production=EnvironmentConfig(e2e=e2e, services=services)))
    await box.has_old_version()
    await waiting(box)
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    await box.approves()
    await box.approves()
    deployed, back = [r for r in (await box.state()).runs.values() if r.is_production_effect]
    assert (deployed.outcome, back.outcome) == ("succeeded", "failed")
    assert back.summary == "done, but the target says it runs 4af9ec011111"


async def test_an_approval_by_nobody_of_the_list_with_a_group_on_it_is_the_clicks_matter() -> None:
    box = Box(repo_config(approvers=("S0TEAM",)))
    await waiting(box)
    await box.approves()
    assert production(box) == ["production backend 4af9ec0"]


async def test_progress_is_told_once_a_line_and_not_too_often() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running", line="10%"))
    await box.merges()
    box.deployer.prepared["staging frontend"] = [Observation(status="running", line="11%")]
    await box.later(2_000)
    box.deployer.prepared["staging frontend"] = [Observation(status="running", line="10%")]
    await box.later(60_000)
    box.deployer.prepared["staging frontend"] = [Observation(status="running", line="20%")]
    await box.later(60_000)
    lines = [
        e.event.line
        for e in await box.log.read(box.thread_id)
        if isinstance(e.event, ev.ToolProgressed)
    ]
    assert lines == ["10%", "20%"]
    run = (await box.state()).running
    assert run is not None
    assert run.line == "20%"


async def test_a_run_that_says_nothing_makes_no_progress() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    await box.later(60_000)
    assert "tool_progressed" not in await box.types()


async def test_a_long_run_is_looked_at_less_often_but_every_few_seconds() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    looks = 0
    for _ in range(100):
        box.log.advance(100)
        while await box.worker.work_once():
            looks += 1
    assert 5 < looks < 40
    box.log.advance(600_000)
    while await box.worker.work_once():
        pass
    box.log.advance(16_000)
    assert await box.worker.work_once()


async def test_two_threads_of_which_only_one_waits_both_go_on() -> None:
    box = Box()
    await waiting(box)
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.approves()
    first, newer = box.thread_id, "b" * 40
    box.model.will("deploy_backend_to_prod", sha=newer, reason="")
    await box.is_asked_for(newer)
    await box.approves()
    state = await box.state()
    assert await box.waits_for() == ("production/backend", first)
    assert [card.status for card in state.cards.values()] == ["approved"]


async def test_a_cancelled_run_says_that_it_was_asked() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    await box.does(ev.StopRequested(user=ALICE))
    asked = [e.event for e in await box.log.read(box.thread_id)]
    assert [e.possible for e in asked if isinstance(e, ev.CancelRequested)] == [True]


async def by_hand(sha: str) -> tuple[Box, str]:
    """Put a card up while production runs a commit that people brought there by hand."""
    runs = TargetConfig(deployer="command", options={"runs": sha})
    services = {"frontend": runs, "backend": runs}
    box = Box(repo_config(production=EnvironmentConfig(services=services)))
    call_id = await waiting(box)
    assert (await box.card()).request.spec.production_was == sha
    return box, call_id


async def test_without_credentials_an_older_commit_replaces_no_newer_one() -> None:
    box, call_id = await by_hand(OLD)
    thread_id = box.thread_id
    box.log.advance(1000)
    await box.merges(OLD)  # its webhook comes only now, so it is the newer one
    box.thread_id = thread_id
    await box.approves()
    assert await why_not(box, call_id) == "4af9ec0 is older than 0ddba11, which production runs"


async def test_without_credentials_what_nobody_can_compare_is_for_the_approver() -> None:
    box, _ = await by_hand(OLD)
    await box.approves()
    assert production(box) == ["production backend 4af9ec0"]
