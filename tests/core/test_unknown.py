"""An effect of which nobody knows whether it happened: what people can do, and what cannot be."""

from collections.abc import Callable

import pytest

from app.core import events as ev
from app.core import thread_clicks
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.policy import Person
from app.core.ports import Observation
from app.slack.messages import render
from tests import payloads
from tests.core.box import OLD, REPO, SHA, Box
from tests.fake_source import FakeSource
from tests.shop import BOB

LOST = Observation(status="unknown", summary="its host is gone", tail=("step 3 of 5", "uploading"))
OTHER = "b" * 40
BACKEND = "production backend 4af9ec0"


async def lost(source: FakeSource | None = None) -> tuple[Box, str]:
    """Approve a deploy of the backend, and lose its outcome; return its call."""
    box = Box(source=source)
    await box.has_old_version()
    box.deployer.prepare("production backend", LOST)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    await box.approves()
    unknown = (await box.state()).unknown
    assert unknown
    assert unknown.call_id
    return box, unknown.call_id


async def clicked(box: Box, decide: Callable[[Click], Decision], call_id: str) -> Decision:
    """Let bob click, and the worker do all that follows."""
    state, now = await box.state(), await box.log.now(REPO)
    facts = await box.log.facts(REPO)
    decision = decide(Click(state, box.config, Person(BOB), call_id, now, facts))
    if isinstance(decision, Accepted):
        await box.does(*decision.events)
    return decision


async def shown(box: Box, slot: str) -> tuple[str, list[str]]:
    """Return what a message says, and its buttons."""
    message = render(await box.state(), box.config, await box.log.now(REPO))[slot]
    words = payloads.words(message.text, message.blocks)
    return words, [*payloads.buttons(message.blocks)]


async def test_the_card_shows_the_evidence_and_three_buttons_once_nothing_is_on_its_way() -> None:
    box, call_id = await lost()
    words, buttons = await shown(box, f"card:{call_id}")
    assert buttons == ["happened", "rollback"]
    box.log.advance(60_000)
    words, buttons = await shown(box, f"card:{call_id}")
    assert buttons == ["happened", "did_not_happen", "rollback"]
    for evidence in ("nobody can tell whether it happened", "its host is gone", "uploading"):
        assert evidence in words


async def test_with_github_away_the_fresh_card_waits_for_it_and_comes_by_itself() -> None:
    source = FakeSource([OLD, SHA])
    box, call_id = await lost(source)
    source.away = True
    await box.later(60_000)
    assert isinstance(await clicked(box, thread_clicks.did_not_happen, call_id), Accepted)
    words, _ = await shown(box, "status")
    assert "waiting for GitHub, and going on when it answers" in words
    source.away = False
    await box.later(600_000)
    card = (await box.state()).pending
    assert card
    assert (card.request.spec.service, card.request.call_id == call_id) == ("backend", False)


async def test_where_a_fresh_card_cannot_be_made_the_agent_is_asked() -> None:
    source = FakeSource([OLD, SHA])
    box, call_id = await lost(source)
    await box.later(60_000)
    source.branch = [OLD]
    box.model.will("done_for_now", message="enough")
    assert isinstance(await clicked(box, thread_clicks.did_not_happen, call_id), Accepted)
    state = await box.state()
    assert state.pending is None
    assert state.plan_ended == "enough"


async def test_it_did_not_happen_is_refused_while_it_may_be_on_its_way() -> None:
    box, call_id = await lost()
    refused = await clicked(box, thread_clicks.did_not_happen, call_id)
    assert isinstance(refused, Refused)
    assert refused.sentence.startswith("It may still be on its way until")
    assert (await box.state()).unknown


@pytest.mark.parametrize(
    "decide", [thread_clicks.happened, thread_clicks.did_not_happen, thread_clicks.rollback]
)
async def test_each_click_is_recorded_with_the_hash_of_the_action(
    decide: Callable[[Click], Decision],
) -> None:
    box, call_id = await lost()
    box.log.advance(60_000)
    box.model.will("done_for_now", message="Done.")
    await clicked(box, decide, call_id)
    entries = await box.log.read(box.thread_id)
    [stated] = [e.event for e in entries if isinstance(e.event, ev.OutcomeStated)]
    card = (await box.state()).cards[call_id]
    assert (stated.user, stated.spec_hash) == (BOB, card.request.spec_hash)


async def test_it_happened_goes_on_with_the_tests() -> None:
    box, call_id = await lost()
    box.model.will("done_for_now", message="Done.")
    await clicked(box, thread_clicks.happened, call_id)
    assert box.deployer.effects[-2:] == [BACKEND, "production e2e 4af9ec0"]
    assert (await box.log.facts(REPO))["verified/backend"] == SHA


async def test_it_did_not_happen_leads_to_a_card_of_its_own_and_to_one_more_effect() -> None:
    box, call_id = await lost()
    box.log.advance(60_000)
    await clicked(box, thread_clicks.did_not_happen, call_id)
    card = await box.card()
    assert box.deployer.effects.count(BACKEND) == 1
    assert card.request.spec_hash != (await box.state()).cards[call_id].request.spec_hash
    box.model.will("done_for_now", message="Done.")
    await box.approves()
    assert box.deployer.effects.count(BACKEND) == 2


async def test_roll_back_leads_to_a_card_of_the_rollback() -> None:
    box, call_id = await lost()
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="it may be half there")
    await clicked(box, thread_clicks.rollback, call_id)
    spec = (await box.card()).request.spec
    assert (spec.kind, spec.sha, spec.service) == ("rollback", OLD, "backend")
    assert box.deployer.effects.count(BACKEND) == 1


async def test_nothing_else_runs_on_that_target_until_somebody_has_said_so() -> None:
    box, call_id = await lost()
    unknown_thread = box.thread_id
    box.model.will("deploy_backend_to_prod", sha=OTHER, reason="")
    await box.is_asked_for(OTHER)
    await box.approves()
    assert await box.waits_for() == ("production/backend", unknown_thread)
    await box.later(3_600_000)
    assert f"production backend {OTHER[:7]}" not in box.deployer.effects

    other_thread, box.thread_id = box.thread_id, unknown_thread
    box.model.will("done_for_now", message="Done.")
    await clicked(box, thread_clicks.happened, call_id)
    box.thread_id = other_thread
    await box.later(10_000)
    [card] = (await box.state()).cards.values()
    assert card.status == "expired"
    assert "production" in card.text


async def test_another_target_is_free_meanwhile() -> None:
    box, _ = await lost()
    box.model.will("deploy_frontend_to_prod", sha=OTHER, reason="")
    await box.is_asked_for(OTHER)
    box.model.will("done_for_now", message="Done.")
    await box.approves()
    assert f"production frontend {OTHER[:7]}" in box.deployer.effects


async def test_a_second_statement_is_told_what_was_said() -> None:
    box, call_id = await lost()
    box.model.will("done_for_now", message="Done.")
    await clicked(box, thread_clicks.happened, call_id)
    refused = await clicked(box, thread_clicks.did_not_happen, call_id)
    assert isinstance(refused, Refused)
    assert "Its outcome is known: it happened, says <@U02BOB>" in refused.sentence
