"""Somebody changes what is stored of an approved card: its approvals carry nothing any more."""

from typing import Any

from app.core import events as ev
from app.core.config import RepoConfig
from app.core.ports import Write
from tests.core.box import SHA, Box
from tests.shop import BOB, repo_config


async def approved_with(card: dict[str, Any], user: str, config: RepoConfig | None = None) -> Box:
    """Let a card be stored with these changes of its spec, and approved by somebody."""
    box = Box(config)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    request = (await box.card()).request
    changed = request.model_copy(update={"spec": request.spec.model_copy(update=card)})
    lines = [entry.event for entry in await box.log.read(box.thread_id)]
    lines = [changed if isinstance(line, ev.ApprovalRequested) else line for line in lines]
    lines.append(
        ev.ApprovalGranted(call_id=request.call_id, spec_hash=request.spec_hash, user=user)
    )
    after = Box(config)
    after.thread_id = box.thread_id
    await after.log.append(Write(box.thread_id, lines))
    await after.settles()
    return after


async def test_a_card_of_another_call_is_not_carried_out() -> None:
    box = await approved_with({"call_id": "another"}, BOB)
    [card] = (await box.state()).cards.values()
    assert card.text == "the stored action is not, byte for byte, what was approved"
    assert box.deployer.effects == []


async def test_an_approval_by_somebody_who_may_not_counts_for_nothing() -> None:
    box = await approved_with({}, "U04DAVE")
    [card] = (await box.state()).cards.values()
    assert card.text == "one of its approvals is by somebody who may not approve it"
    assert box.deployer.effects == []


async def test_an_approval_of_an_own_change_counts_for_nothing() -> None:
    box = await approved_with({}, BOB, repo_config(people={"alice": BOB}))
    [card] = (await box.state()).cards.values()
    assert card.text == "one of its approvals is by somebody whose own change it is"
    assert box.deployer.effects == []


async def test_two_approvals_by_one_person_are_one() -> None:
    box = Box(repo_config(approvals_needed=2))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    request = (await box.card()).request
    granted = ev.ApprovalGranted(call_id=request.call_id, spec_hash=request.spec_hash, user=BOB)
    await box.does(granted, granted)
    card = await box.card()
    assert [card.missing(step) for step in card.steps] == [1]
    assert box.deployer.effects[-1] == "staging e2e 4af9ec0"


async def test_a_thread_that_says_it_is_another_rests_and_does_nothing() -> None:
    box = Box()
    await box.starts()
    [entry] = await box.log.read(box.thread_id)
    changed = entry.event.model_copy(update={"thread_id": "acme/shop/0000000000"})
    after = Box()
    after.thread_id = box.thread_id
    await after.log.append(Write(box.thread_id, [changed]))
    await after.settles()
    assert await after.types() == ["thread_started", "step_failed"]
    assert after.deployer.effects == []
