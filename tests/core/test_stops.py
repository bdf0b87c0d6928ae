"""What a stop does to an attempt that was recorded, and not sent yet, or whose target is silent."""

import pytest

from app.core import events as ev
from app.core.events import Commit
from app.core.ports import Observation
from app.core.records import Run
from tests.core.box import OLD, SHA, Box
from tests.fake_deployer import Recovery
from tests.fake_source import FakeSource
from tests.shop import ALICE

STOP = ev.StopRequested(user=ALICE)
RUNNING = Observation("running", line="deploy / Push image", again_seconds=15)


async def stopped_before_it_arrived(recovery: Recovery = "keyed") -> Box:
    """Approve a card whose start is lost on its way, and stop the thread right then."""
    box = Box()
    box.deployer.recovers = recovery
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.drops = 1

    async def stop() -> None:
        await box.did(STOP)

    box.deployer.meanwhile = stop
    await box.approves()
    return box


async def effect(box: Box) -> Run:
    [run] = [r for r in (await box.state()).runs.values() if r.is_production_effect]
    return run


def production(box: Box) -> list[str]:
    return [each for each in box.deployer.effects if each.startswith("production")]


async def test_what_never_arrived_is_not_sent_again_after_a_stop() -> None:
    box = await stopped_before_it_arrived()
    assert (await effect(box)).outcome is None
    await box.later(30_000)
    run = await effect(box)
    assert (run.outcome, run.summary) == ("cancelled", "stopped before it was sent")
    assert production(box) == []
    assert await box.log.locks((await box.state()).repo) == {}


async def test_while_somebody_may_still_be_sending_it_it_is_waited_for() -> None:
    box = await stopped_before_it_arrived()
    await box.later(29_000)
    assert (await effect(box)).outcome is None


@pytest.mark.parametrize("recovery", ["queryable", "blind"])
async def test_of_a_target_that_cannot_know_nobody_knows_after_a_stop_either(
    recovery: Recovery,
) -> None:
    box = await stopped_before_it_arrived(recovery)
    assert (await effect(box)).outcome == "unknown"


async def test_a_stop_during_the_last_look_is_heard() -> None:
    class Slow(FakeSource):
        async def commit(self, repo: str, ref: str) -> Commit | None:
            state = await box.state()
            if state.running and state.running.is_production_effect:
                await box.did(STOP)
            return await super().commit(repo, ref)

    box = Box(source=Slow([OLD, SHA]))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    await box.approves()
    assert (await effect(box)).outcome == "cancelled"
    assert production(box) == []


async def test_a_target_that_does_not_answer_the_stop_is_looked_at_meanwhile() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", RUNNING)
    await box.merges()
    box.deployer.silent = True
    await box.does(STOP)
    await box.later(15_000)
    box.deployer.prepared["staging frontend"] = [Observation("unknown", "nobody said")]
    await box.later(15_000)
    assert (await box.types()).count("cancel_requested") == 1
    state = await box.state()
    assert state.running is None
    assert state.staging
    assert state.staging.stopped


async def test_people_are_answered_while_the_stop_is_tried_again() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", RUNNING)
    await box.merges()
    box.deployer.silent = True
    await box.does(STOP)
    box.model.will("reply", message="GitHub does not answer.")
    await box.says("is it stopped?")
    assert [say.text for say in (await box.state()).says] == ["GitHub does not answer."]


async def test_an_attempt_of_yesterday_is_not_sent_again() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.drops = 1

    async def sleeps() -> None:
        box.log.advance(24 * 3_600_000 + 1)

    box.deployer.meanwhile = sleeps
    await box.approves()
    assert (await effect(box)).outcome == "unknown"
    assert production(box) == []
