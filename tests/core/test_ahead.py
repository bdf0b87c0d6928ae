"""Approved while staging runs: exactly those bytes, and only when staging of them is green."""

import json
from typing import Any

import pytest

from app.core import ahead_clicks, audit, clicks, context, ledger, policy, thread_clicks
from app.core import events as ev
from app.core.actions import Here, TakeEffect
from app.core.cards import Asked
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import RepoConfig
from app.core.errors import ModelUnavailable
from app.core.fold import fold
from app.core.people import Person
from app.core.ports import Model, Observation, Write
from app.core.rules.ahead import take_effect
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.core.test_plans import DAN, planned, with_own
from tests.shop import ALICE, BOB, CARA, REPO, repo_config
from tests.story import NEW, Story

RUNNING = Observation(status="running")
RED = Observation(status="failed", summary="2 failed", failing_tests=("checkout",))
STAGED = ["staging frontend 4af9ec0", "staging backend 4af9ec0", "staging e2e 4af9ec0"]
SHIPPED = ["production frontend 4af9ec0", "production backend 4af9ec0", "production e2e 4af9ec0"]


async def staging(config: RepoConfig | None = None, model: Model | None = None) -> Box:
    """Merge, and let the tests on staging take their time."""
    box = Box(config or planned(), model=model)
    box.deployer.prepare("staging e2e", RUNNING)
    await box.merges()
    return box


async def pressed(box: Box, user: str = CARA, **more: Any) -> Decision:
    """Decide what a press of the button means, as it is now or as it was shown before."""
    here = await box.log.look(box.thread_id)
    state = await box.state()
    prepared = state.prepared.request if state.prepared else None
    call_id = more.get("call_id") or (prepared.call_id if prepared else "")
    return ahead_clicks.approve_when_green(
        Click(state, box.config, Person(user), call_id, here.now, here.facts)
    )


async def does(box: Box, decision: Decision) -> None:
    """Write what a click came to, as the handlers do."""
    assert isinstance(decision, Accepted), decision
    await box.does(*decision.events)


async def approved(config: RepoConfig | None = None, model: Model | None = None) -> Box:
    """Let cara approve while staging runs."""
    box = await staging(config, model)
    await does(box, await pressed(box))
    return box


async def turns(box: Box, outcome: Observation | None = None) -> None:
    """Let the tests on staging end: green, unless something else is given."""
    box.deployer.prepared.pop("staging e2e", None)
    if outcome:
        box.deployer.prepare("staging e2e", outcome)
    await box.later(10_000)


async def refusal(box: Box, user: str = CARA, **more: Any) -> str:
    decision = await pressed(box, user, **more)
    assert isinstance(decision, Refused), decision
    return decision.sentence


async def words(box: Box, text: str, user: str = ALICE) -> Decision:
    """Decide what words in the thread come to, as they are heard."""
    here = await box.log.look(box.thread_id)
    click = Click(await box.state(), box.config, Person(user), "", here.now, here.facts, text)
    return ahead_clicks.heard(click) or thread_clicks.said(click.state, user, text, None)


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


# What a click brings about.


async def test_one_click_while_staging_runs_deploys_everything_when_it_is_green() -> None:
    box = await approved()
    assert box.deployer.effects == STAGED
    box.model.will("done_for_now", message="done")
    await turns(box)
    assert box.deployer.effects == [*STAGED, *SHIPPED]
    [card] = (await box.state()).cards.values()
    assert [approval.user for approval in card.approvals] == [CARA]
    assert len(box.model.turns) == 1  # the agent had nothing left to propose


async def test_what_runs_is_byte_for_byte_what_was_offered() -> None:
    box = await staging()
    prepared = (await box.state()).prepared
    assert prepared
    assert prepared.request
    await does(box, await pressed(box))
    events = [entry.event for entry in await box.log.read(box.thread_id)]
    assert [e for e in events if isinstance(e, ev.ApprovalRequested)] == [prepared.request]
    [granted] = [e for e in events if isinstance(e, ev.ApprovalGranted)]
    assert granted.spec_hash == prepared.request.spec_hash
    assert granted.covers == ("frontend", "backend")


async def test_nothing_begins_while_staging_is_not_green() -> None:
    box = await approved()
    await box.later(3_600_000)
    state = await box.state()
    assert production(box) == []
    assert state.ahead
    assert state.ahead.status == "approved"
    assert (state.pending, state.approved) == (None, None)


def test_neither_rule_nor_last_look_lets_it_through_while_staging_is_not_green() -> None:
    story = Story().merged().starts("s", kind="e2e").prepares().approves_ahead()
    card = story.state.ahead
    assert card
    assert take_effect(story.state, Here(story.repo, story.now, {})) is None
    look = policy.last_look(Asked(card, card.steps[0]), None, None, "", story.now)
    assert look == "it was approved for when staging is green, and staging is not"
    story.then(ev.StagingEnded(sha=NEW, passed=True, summary=""))
    took = take_effect(story.state, Here(story.repo, story.now, {}))
    assert took == TakeEffect(card=next(iter(story.state.cards.values())), expects={})


async def test_a_single_service_needs_no_plan() -> None:
    box = await approved(single())
    box.model.will("done_for_now", message="done")
    await turns(box)
    assert production(box) == ["production backend 4af9ec0", "production e2e 4af9ec0"]


def single() -> RepoConfig:
    """Configure one service for production, where each step has a card of its own."""
    config = repo_config()
    services = {"backend": config.production.services["backend"]}
    production = config.production.model_copy(update={"services": services})
    return config.model_copy(update={"production": production})


async def test_several_steps_with_cards_of_their_own_are_not_approved_by_one_click() -> None:
    box = await staging(repo_config())
    assert "approval_prepared" not in await box.types()
    assert await refusal(box) == "Staging runs anew: look at the message once more."


async def test_without_a_click_the_agent_asks_when_staging_is_green() -> None:
    box = await staging()
    box.model.will("propose_plan", sha=SHA, steps=["backend", "frontend"], reason="as ever")
    await turns(box)
    card = await box.card()
    assert [step.name for step in card.steps] == ["backend", "frontend"]
    assert card.request.ahead == 0
    assert await refusal(box) == (
        "Too late to approve ahead: staging is green already, and approve it on its card."
    )


# Who may, and what stands against it.


async def test_the_refusals_of_a_card_are_those_of_the_button() -> None:
    box = await staging()
    assert await refusal(box, ALICE) == (
        "You are not an approver of frontend. These are: <@U02BOB>, <@U03CARA>. "
        "You are not an approver of backend. These are: <@U02BOB>, <@U03CARA>."
    )
    box = await staging(planned(approvers=(ALICE, CARA)))
    assert (await refusal(box, ALICE)).startswith("You wrote, merged or pushed this change")


async def test_a_lock_keeps_it_from_being_approved() -> None:
    box = await staging()
    lock = ev.ServiceLocked(services=("backend",), user=ALICE, reason="surgery")
    await box.log.append(ledger.write(await box.state(), [lock], await box.log.now(REPO)))
    assert "Approve it when that is over." in await refusal(box)


async def test_a_lock_that_comes_later_makes_it_wait() -> None:
    box = await approved()
    await box.did(ev.ServiceLocked(services=("frontend",), user=ALICE, reason="surgery"))
    await turns(box)
    assert production(box) == []
    assert (await box.state()).waits_for_block
    box.model.will("done_for_now", message="done")
    await box.did(ev.ServiceUnlocked(services=("frontend",), user=ALICE))
    await box.later(10_000)
    assert production(box) == SHIPPED


async def test_a_service_on_hold_is_not_offered() -> None:
    box = Box(planned())
    hold = json.dumps({"bad_sha": OLD, "thread": "acme/shop/0", "at": 0})
    await box.log.append(Write("acme/shop/0", [], facts={"hold/backend": hold}, silent=True))
    box.deployer.prepare("staging e2e", RUNNING)
    await box.merges()
    prepared = (await box.state()).prepared
    assert prepared
    assert (prepared.request, prepared.why) == (None, "backend is on hold")


async def test_what_runs_already_is_not_offered() -> None:
    box = Box(planned())
    fact = json.dumps({"sha": SHA, "thread": "acme/shop/0", "at": 0})
    facts = {f"running/{service}": fact for service in ("frontend", "backend")}
    await box.log.append(Write("acme/shop/0", [], facts=facts, silent=True))
    box.deployer.prepare("staging e2e", RUNNING)
    await box.merges()
    prepared = (await box.state()).prepared
    assert prepared
    assert prepared.why == "production runs all of it already"


async def test_everybody_who_is_needed_has_to_approve() -> None:
    box = await approved(with_own(planned(people={}), "frontend", approvers=(DAN,)))
    state = await box.state()
    assert state.ahead
    assert [state.ahead.missing(step) for step in state.ahead.steps] == [1, 0]
    box.model.will("done_for_now", message="done")
    await does(box, await pressed(box, DAN))
    await turns(box)
    assert production(box) == SHIPPED


async def test_what_is_missing_when_staging_is_green_is_waited_for_on_the_same_card() -> None:
    box = await approved(with_own(planned(people={}), "frontend", approvers=(DAN,)))
    await turns(box)
    card = await box.card()
    assert [card.missing(step) for step in card.steps] == [1, 0]
    assert (production(box), box.model.turns) == ([], [])
    box.model.will("done_for_now", message="done")
    await does(box, await pressed(box, DAN, call_id=card.request.call_id))
    assert production(box) == SHIPPED


async def test_the_second_click_is_answered() -> None:
    box = await approved()
    sentence = await refusal(box, BOB)
    assert sentence.startswith("Too late: <@U03CARA> approved this already")
    own = await refusal(box, CARA)
    assert own == "You approved this already; it begins when staging is green."


# What ends it.


async def test_a_red_staging_ends_it() -> None:
    box = await approved()
    await turns(box, RED)
    [card] = (await box.state()).cards.values()
    assert (card.status, card.text) == ("expired", "staging of 4af9ec0 is red: e2e: 2 failed")
    assert await refusal(box, BOB, call_id="another") == (
        "Staging is red, so nothing can be approved ahead. Its card comes when it is green."
    )


async def test_an_override_does_not_bring_it_back() -> None:
    box = await approved()
    await turns(box, RED)
    box.model.will("propose_plan", sha=SHA, steps=["backend", "frontend"], reason="as ever")
    await box.does(ev.StagingOverridden(sha=SHA, user=BOB, reason="known to be flaky"))
    assert production(box) == []
    assert (await box.card()).request.ahead == 0


async def test_a_retry_is_offered_anew() -> None:
    box = await approved()
    await turns(box, RED)
    box.deployer.prepare("staging e2e", RUNNING)
    await box.does(ev.StagingRequested(sha=SHA, scope="e2e", user=ALICE))
    prepared = (await box.state()).prepared
    assert prepared
    assert prepared.staging == 2
    assert prepared.request
    box.model.will("done_for_now", message="done")
    await does(box, await pressed(box))
    await turns(box)
    assert production(box) == SHIPPED


async def test_a_run_that_was_begun_anew_ends_it() -> None:
    box = await approved()
    await box.does(ev.StagingRequested(sha=SHA, scope="all", user=ALICE))
    [card] = (await box.state()).cards.values()
    assert card.text == "staging was run anew, and this was approved for the run before"


async def test_its_time_may_be_up_before_staging_is_green() -> None:
    box = await approved()
    box.log.advance(25 * 3600 * 1000)
    await turns(box)
    state = await box.state()
    [card] = state.cards.values()
    assert card.text == "its time was up before staging was green"
    assert production(box) == []


async def unheard() -> Box:
    """Approve ahead, let the agent make nothing of somebody's words, and let staging be green."""
    box = await approved()
    for _ in range(3):
        box.model.will("done_for_now", message="all done")  # it is not
    await does(box, await words(box, "is this the right one?"))
    await turns(box)
    return box


async def test_words_that_the_agent_cannot_answer_hold_it_until_somebody_releases_it() -> None:
    box = await unheard()
    await box.later(3_600_000)
    state = await box.state()
    assert (state.held_by, state.fault, production(box)) == (ALICE, None, [])
    assert len(box.model.turns) == 3  # and no more is asked of it
    box.model.will("done_for_now", message="done")
    assert state.ahead
    call_id = state.ahead.request.call_id
    await box.does(ev.ApprovalReleased(call_id=call_id, user=BOB))
    assert production(box) == SHIPPED


async def test_it_may_expire_while_it_is_held_after_a_green_staging() -> None:
    box = await unheard()
    box.model.will("propose_plan", sha=SHA, steps=["backend", "frontend"], reason="as ever")
    await box.later(25 * 3600 * 1000)
    card, asked = (await box.state()).cards.values()
    assert (card.status, card.text) == ("expired", "its time was up before it began")
    assert (asked.status, production(box)) == ("pending", [])


async def test_it_is_not_approved_after_its_time() -> None:
    box = await staging()
    box.log.advance(25 * 3600 * 1000)
    assert (await refusal(box)).startswith("Too late: this card expired")


async def test_a_production_that_changed_meanwhile_is_asked_about_anew() -> None:
    box = await approved()
    fact = json.dumps({"sha": OLD, "thread": "acme/shop/0", "at": 0})
    await box.log.append(Write("acme/shop/0", [], facts={"running/frontend": fact}, silent=True))
    box.model.will("propose_plan", sha=SHA, steps=["frontend", "backend"], reason="anew")
    await turns(box)
    assert production(box) == []
    first, second = (await box.state()).cards.values()
    assert first.text.startswith("production has changed since the card was made")
    assert second.request.spec.production_was == OLD


async def test_bytes_that_somebody_changed_end_it() -> None:
    box = await staging()
    prepared = (await box.state()).prepared
    assert prepared
    assert prepared.request
    spec = prepared.request.spec.model_copy(update={"sha": OLD})
    other = prepared.request.model_copy(update={"spec": spec})
    await box.does(other, ev.ApprovalGranted(call_id=other.call_id, spec_hash="", user=CARA))
    [card] = (await box.state()).cards.values()
    assert card.text == "the stored action is not, byte for byte, what was approved"


async def test_a_stop_ends_it() -> None:
    box = await approved()
    await box.does(ev.StopRequested(user=BOB))
    [card] = (await box.state()).cards.values()
    assert (card.status, card.decided_by) == ("stopped", BOB)
    assert await refusal(box, call_id="another") == (
        "<@U02BOB> stopped this thread, so nothing runs after it."
    )


async def test_anybody_takes_it_back_and_is_asked_what_to_do_instead() -> None:
    box = await approved()
    state = await box.state()
    here = await box.log.look(box.thread_id)
    [call_id] = state.cards
    press = Click(state, box.config, Person(ALICE), call_id, here.now, here.facts)
    assert clicks.may_reject(press) == Accepted(())
    await does(box, clicks.reject(press))
    await turns(box)
    assert (production(box), box.model.turns) == ([], [])
    question = (await box.state()).question
    assert question
    assert question.text == "What should I do instead?"


@pytest.mark.parametrize("text", ["no wait", "Hold on!", "not yet", "<@U00BOT> don't"])
async def test_a_no_in_words_takes_it_back(text: str) -> None:
    box = await approved()
    box.model.will("reply", message="I will ask you when it is green.")
    await does(box, await words(box, text))
    [card] = (await box.state()).cards.values()
    assert (card.status, card.decided_by, card.text) == ("rejected", ALICE, text)
    box.model.will("propose_plan", sha=SHA, steps=["frontend", "backend"], reason="green now")
    await turns(box)
    assert production(box) == []
    assert (await box.card()).request.ahead == 0


async def test_a_no_where_nothing_is_approved_is_for_the_agent() -> None:
    box = await staging()
    said = await words(box, "no wait")
    assert said == Accepted((ev.HumanSaid(user=ALICE, text="no wait", ts=None),))


# Words while it waits.


async def test_other_words_hold_it_until_they_are_read() -> None:
    box = await approved()
    box.model.script.append(ModelUnavailable("away"))
    await box.says("what is in it?")
    await turns(box)
    state = await box.state()
    assert (production(box), state.held_by) == ([], ALICE)
    box.model.will("reply", message="gift cards")
    box.model.will("done_for_now", message="done")
    await box.later(60_000)
    assert production(box) == SHIPPED


async def test_an_approver_releases_what_nobody_reads() -> None:
    box = await approved()
    box.model.script.append(ModelUnavailable("away"))
    await box.says("what is in it?")
    state = await box.state()
    [call_id] = state.cards
    here = await box.log.look(box.thread_id)
    press = Click(state, box.config, Person(BOB), call_id, here.now, here.facts)
    await does(box, clicks.release(press))
    box.model.will("done_for_now", message="done")
    await turns(box)
    assert production(box) == SHIPPED


async def test_words_that_want_something_else_give_it_up() -> None:
    box = await approved(model=OfflinePlanner())
    await box.says("skip the backend")
    [card] = (await box.state()).cards.values()
    assert (card.status, card.decided_by) == ("superseded", ALICE)
    await turns(box)
    request = (await box.card()).request
    assert [spec.service for spec in request.specs] == ["frontend"]
    assert request.plan == 2


async def test_words_that_want_the_same_leave_it_as_it_is() -> None:
    box = await approved(model=OfflinePlanner())
    await box.says("deploy frontend and backend")
    await turns(box)
    assert production(box) == SHIPPED


async def test_unread_words_when_staging_is_green_may_bring_another_plan() -> None:
    box = await approved()
    box.model.script.append(ModelUnavailable("away"))
    await box.says("backend first")
    await turns(box)
    box.model.will("propose_plan", sha=SHA, steps=["backend", "frontend"], reason="as asked")
    await box.later(60_000)
    card = await box.card()
    assert [step.name for step in card.steps] == ["backend", "frontend"]
    assert production(box) == []


async def test_after_words_nothing_is_approved_ahead() -> None:
    box = await staging()
    box.model.will("ignore", reason="thanks")
    await box.says("nice work")
    assert await refusal(box) == (
        "Somebody wrote in this thread meanwhile, which may change the plan. "
        "Its card comes when staging is green."
    )


APPROVALS = [
    "approve it once staging is green",
    "Approved when it's green",
    "ship it as soon as the tests pass",
    "go ahead when staging is green, please",
    "ship it",
]


@pytest.mark.parametrize("text", APPROVALS)
async def test_words_never_approve_ahead(text: str) -> None:
    button = "Press *Approve when staging is green* on the status message of this thread."
    never = "Words never approve, also not ahead: only a button does."
    assert await words(await staging(), text) == Refused(f"{never} {button}")
    assert await words(await approved(), text) == Refused(
        f"{never} It is on the card in this thread, which runs when staging is green."
    )


async def test_words_ahead_are_answered_where_there_is_no_button() -> None:
    never = "Words never approve, also not ahead: only a button does."
    assert await words(await staging(repo_config()), APPROVALS[0]) == Refused(
        f"{never} A card comes when staging is green; nothing runs before it is approved there."
    )


# What others see of it.


async def test_the_model_reads_what_can_be_and_what_was_approved_ahead() -> None:
    box = await staging()
    offered = "people can press Approve when staging is green on the status message now"
    assert offered in await text(box)
    await does(box, await pressed(box))
    steps = "deploy_frontend_to_prod(4af9ec0), then deploy_backend_to_prod(4af9ec0)"
    waits = f"approved for when staging is green, and begins then by itself: {steps}"
    assert f"{waits}\n" in f"{await text(box)}\n"
    await box.did(ev.HumanSaid(user=ALICE, text="what is in it?"))
    assert f"{waits}, HELD until you answer\n" in await text(box)


async def text(box: Box) -> str:
    """Return what the model reads in the thread, as it would be asked now."""
    entries = await box.log.read(box.thread_id)
    return context.render(fold(entries), entries, box.config, entries[-1].at)


async def test_the_audit_traces_it_to_its_click() -> None:
    box = await approved()
    box.model.will("done_for_now", message="done")
    await turns(box)
    entries = await box.log.read(box.thread_id)
    assert [(e.attempt.service, e.problems) for e in audit.effects(entries)] == [
        ("frontend", []),
        ("backend", []),
    ]
    unseen = [e for e in entries if not isinstance(e.event, ev.ApprovalTookEffect)]
    assert audit.effects(unseen)[0].problems == [
        "It was approved for when staging is green, and that had not been seen."
    ]
