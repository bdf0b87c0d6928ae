"""A start that was lost on its way: sent again where a second one does nothing, else unknown."""

import json
from typing import Any

import pytest

from app.core import events as ev
from app.core.ports import Write
from app.core.records import Run
from app.core.spec import approval_cause, attempt_id, spec_hash
from tests.core.box import OLD, SHA, Box
from tests.fake_deployer import Recovery


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def approved(box: Box) -> None:
    """Approve a card whose start is lost on its way."""
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.drops = 1
    await box.approves()


async def test_a_keyed_target_gets_it_again_and_does_it_once() -> None:
    box = Box()
    await approved(box)
    assert production(box) == ["production backend 4af9ec0"]
    assert (await box.state()).shipped == {"backend": SHA}
    assert (await box.types()).count("tool_started") == 4
    assert box.deployer.references[-1] == "first"


@pytest.mark.parametrize("recovery", ["queryable", "blind"])
async def test_of_any_other_target_nobody_knows(recovery: Recovery) -> None:
    box = Box()
    box.deployer.recovers = recovery
    await approved(box)
    state = await box.state()
    assert production(box) == []
    assert state.unknown is not None
    assert state.unknown.summary == "the target has no record of this attempt"
    assert await box.log.locks(state.repo) == {"production/backend": state.thread_id}


async def test_what_a_keyed_target_took_and_forgot_is_unknown_and_not_sent_again() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.forgets = True
    await box.approves()
    assert production(box) == ["production backend 4af9ec0"]
    assert (await box.state()).unknown is not None


async def test_what_changed_before_it_is_sent_again_keeps_it_from_being_sent() -> None:
    box = Box()

    async def goes_on_hold() -> None:
        hold = {"hold/backend": json.dumps({"bad_sha": OLD, "thread": "t", "at": 0})}
        await box.log.append(Write("acme/shop/0000000000", [], facts=hold, silent=True))

    box.deployer.meanwhile = goes_on_hold
    await approved(box)
    await box.later(30_000)  # until then the first one may still arrive
    [run] = [r for r in (await box.state()).runs.values() if r.is_production_effect]
    assert (run.outcome, production(box)) == ("failed", [])
    assert run.summary == "not started: backend is on hold since 0ddba11 was rolled back"


async def begun_by_hand(box: Box, **changes: Any) -> Run:
    """Write into the store that an attempt of the card has begun, with changes of it."""
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    spec = (await box.card()).request.spec
    call_id = changes.pop("call_id", spec.call_id)
    values: dict[str, Any] = {
        "attempt_id": attempt_id(approval_cause(spec), spec_hash(spec)),
        **{name: getattr(spec, name) for name in ev.Attempt.model_fields if name != "attempt_id"},
        **changes,
    }
    attempt = ev.Attempt(**values)
    started = ev.ToolStarted(attempt=attempt, call_id=call_id, fence=1, locks=(), send_by=0)
    await box.does(started)
    return (await box.state()).runs[attempt.attempt_id]


async def test_a_run_that_nobody_was_asked_about_is_not_sent() -> None:
    box = Box()
    run = await begun_by_hand(box, call_id=None)
    assert (run.outcome, production(box)) == ("failed", [])
    assert run.summary == "not started: nobody was asked about it"


async def test_a_run_other_than_what_was_approved_is_not_sent() -> None:
    box = Box()
    run = await begun_by_hand(box, arguments={"argv": ["reboot"]})
    assert (run.outcome, production(box)) == ("failed", [])
    assert run.summary == "not started: what was recorded is not what was approved"


async def test_a_run_of_the_card_without_its_approval_is_not_sent() -> None:
    box = Box()
    run = await begun_by_hand(box)
    assert (run.outcome, production(box)) == ("failed", [])
    assert run.summary == "not started: it has 0 of 1 approvals"


async def test_a_staging_step_that_was_lost_is_sent_again() -> None:
    box = Box()
    box.deployer.drops = 1
    box.model.will("nothing_to_do", reason="no")
    await box.merges()
    assert box.deployer.effects == [
        "staging frontend 4af9ec0",
        "staging backend 4af9ec0",
        "staging e2e 4af9ec0",
    ]
