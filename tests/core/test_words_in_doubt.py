"""Words that nobody understands hold a card, which stays as it is until they are heard."""

from dataclasses import replace

import pytest

from app.core import clicks, taking_back, thread_clicks
from app.core import events as ev
from app.core.clicks import Accepted, Refused
from app.core.policy import Person
from tests.core.box import SHA, Box
from tests.core.town import ONE, RED, TWO, Town, town
from tests.shop import ALICE, BOB, CARA

DAN = "U04DAN"
FLAKY = "that test is flaky, ignore it"


@pytest.fixture
async def held() -> Town:
    """Let alice write what nobody understands about a card that cara approved, one of two."""
    box = town(approvers=(CARA, DAN), approvals_needed=2)
    await box.merged(ONE)
    await box.posts_card(ONE)
    await box.approves(CARA)
    await box.says(FLAKY)
    return box


async def said(box: Town, text: str, user: str = ALICE) -> str:
    """Let a person write as the handlers hear it; return what only they are told."""
    decision = thread_clicks.said(await box.of(ONE), user, text, None)
    if isinstance(decision, Refused):
        return decision.sentence
    await box.does(*decision.events)
    return ""


async def is_held_by(box: Town) -> str | None:
    state = await box.of(ONE)
    assert len(state.cards) == 1
    assert state.pending
    assert state.pending.approvers == [CARA]
    return state.held_by


async def test_the_card_stays_with_its_approvals_and_quotes_the_words(held: Town) -> None:
    assert await is_held_by(held) == ALICE
    card = await held.card_says(ONE)
    assert "⏸️ *Held by words that may be against this.*" in card
    assert f"<@{ALICE}> wrote: “{FLAKY}”" in card
    assert "The card waits for the answer, or for an approver's Release." in card
    assert f"✅ Approved by <@{CARA}>" in card
    status = (await held.said(ONE))["status"]
    assert f"⏸️ held by <@{ALICE}>'s message: I asked what it means · card: deploy" in status
    question = (await held.of(ONE)).question
    assert question
    assert question.choices[0] == "keep the card"


async def test_no_approval_counts_before_the_words_are_heard(held: Town) -> None:
    click = replace(await held.no_words(), person=Person(DAN))
    refused = clicks.approve(click)
    assert isinstance(refused, Refused)
    assert refused.sentence == (
        f"<@{ALICE}>'s message may be against this: the card quotes it, and I asked what it "
        "means. Wait for the answer, or *Release* the card."
    )


async def test_an_approver_who_read_them_releases_the_card(held: Town) -> None:
    click = await held.no_words()
    await held.takes(click, clicks.release(click))
    state = await held.of(ONE)
    assert (state.held_by, state.question) == (None, None)
    await held.approves(DAN)
    assert "production frontend 1111111" in held.deployer.effects
    assert (await held.state()).pending  # the backend is next, and nobody is asked what was meant


@pytest.mark.parametrize("words", ["never mind", "keep the card", "Forget it!"])
async def test_whoever_wrote_them_takes_them_back_and_nothing_else(held: Town, words: str) -> None:
    assert await said(held, words) == ""
    assert await is_held_by(held) is None
    state = await held.of(ONE)
    assert state.question is None
    assert state.says[-1].text == taking_back.CARD_WAITS


async def test_nobody_else_dismisses_them(held: Town) -> None:
    told = await said(held, "never mind", DAN)
    assert told == (
        f"<@{ALICE}> wrote what holds the card. They can take it back, or an approver can "
        "*Release* the card."
    )
    assert await is_held_by(held) == ALICE


async def test_a_press_on_keep_the_card_is_their_word(held: Town) -> None:
    question = (await held.of(ONE)).question
    assert question
    click = await held.no_words()
    press = replace(click, person=Person(ALICE), call_id=question.call_id, text="0")
    await held.takes(press, thread_clicks.choose(press))
    assert await is_held_by(held) is None


@pytest.mark.parametrize("words", ["thanks", "what is on production?", "ship it", "lol", FLAKY])
async def test_words_that_answer_nothing_leave_it_held(held: Town, words: str) -> None:
    await said(held, words)
    assert await is_held_by(held) == ALICE
    assert (await held.of(ONE)).question


async def test_words_for_the_very_card_answer_it(held: Town) -> None:
    await said(held, "deploy the frontend", DAN)
    assert await is_held_by(held) == ALICE
    assert (await held.of(ONE)).says[-1].text == taking_back.HELD
    await said(held, "deploy the frontend")
    assert await is_held_by(held) is None


async def test_words_for_something_else_change_the_plan(held: Town) -> None:
    await said(held, "backend first")
    first, second = (await held.of(ONE)).cards.values()
    assert (first.status, second.status) == ("superseded", "pending")
    assert (await held.of(ONE)).held_by is None


async def test_another_objection_holds_it_too(held: Town) -> None:
    await said(held, "I do not want the frontend like that", CARA)
    card = await held.card_says(ONE)
    assert f"<@{CARA}> wrote: “I do not want the frontend like that”" in card
    await said(held, "never mind")
    assert (await held.of(ONE)).says[-1].text == taking_back.STILL_HELD
    assert await is_held_by(held) == CARA
    await said(held, "never mind", CARA)
    assert await is_held_by(held) is None


async def test_many_words_are_quoted_from_the_newest(held: Town) -> None:
    for user in (BOB, CARA, DAN):
        await said(held, "the frontend looks wrong", user)
    card = await held.card_says(ONE)
    assert "1 earlier …" in card
    assert FLAKY not in card


async def test_a_reject_ends_the_question_with_the_card(held: Town) -> None:
    await held.turns_down(ONE)
    question = (await held.of(ONE)).question
    assert question
    assert (question.text, question.about) == ("What should I do instead?", ())


async def test_a_card_that_is_made_anew_is_held_as_well(held: Town) -> None:
    await held.later(24 * 3_600_000)
    state = await held.of(ONE)
    assert state.question
    call_id = next(reversed(state.cards))
    await held.does(ev.AskedAgain(call_id=call_id, user=BOB))
    state = await held.of(ONE)
    assert state.pending
    assert state.held_by == ALICE


async def test_a_newer_merge_that_ships_it_ends_the_question(held: Town) -> None:
    await held.merged(TWO)
    await held.presses("both", ONE)
    state = await held.of(ONE)
    assert (state.joined is not None, state.question, state.in_doubt) == (True, None, None)


async def test_words_are_taken_back_before_anybody_read_them() -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="first")
    await box.merges()
    await box.says("hold on")
    state = await box.state()
    assert state.model_down
    assert taking_back.heard(state, BOB, "never mind") is None
    decision = taking_back.heard(state, ALICE, "never mind")
    assert isinstance(decision, Accepted)
    await box.does(*decision.events)
    state = await box.state()
    assert (state.held_by, state.unread, state.pending is not None) == (None, [], True)


async def test_the_same_step_again_keeps_a_card_that_nothing_holds() -> None:
    box = Box()
    for _ in range(2):
        box.model.will("deploy_frontend_to_prod", sha=SHA, reason="first")
    await box.merges()
    await box.says("the frontend, please")
    state = await box.state()
    assert (len(state.cards), state.held_by, state.pending is not None) == (1, None, True)


@pytest.mark.parametrize("user", [ALICE, BOB])
async def test_a_stuck_model_leaves_the_words_in_doubt(user: str) -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="first")
    await box.merges()
    box.model.will("request_more_information", question="Which?", choices=[])
    await box.says("hm, wait")
    for _ in range(3):
        box.model.will("no_such_tool")
    await box.says("what now?", user)
    state = await box.state()
    assert state.question
    assert (state.question.because, state.held_by) == ("stuck", ALICE)
    await box.does(ev.PlanKept(user=ALICE))
    assert (await box.state()).held_by == (BOB if user == BOB else None)  # bob's were never read


async def test_who_began_a_thread_by_words_takes_back_what_was_asked_about_them() -> None:
    box = Box()
    box.model.will("request_more_information", question="Nothing can go back.", choices=[])
    await box.mentions("roll back")
    decision = thread_clicks.said(await box.state(), ALICE, "never mind", None)
    assert isinstance(decision, Accepted)
    await box.does(*decision.events)
    state = await box.state()
    assert (state.question, state.turn_due) == (None, False)
    assert state.says[-1].text == "Nothing changes, then."


# Production is red.


async def red(*words: str) -> Town:
    """Let a card for the rollback wait that cara approved in part, and alice write."""
    box = town(approvers=(CARA, DAN), approvals_needed=2)
    for sha in (ONE, TWO):
        await box.merged(sha)
        box.thread_id = box.thread_of(sha)
        if sha == TWO:
            box.deployer.prepare("production e2e", RED, RED)
        for user in (CARA, DAN, CARA, DAN):
            await box.approves(user)
    await box.approves(CARA)
    for text in words:
        await box.says(text)
    return box


@pytest.mark.parametrize("words", [FLAKY, "hold on, why do you want to roll back?"])
async def test_a_rollback_card_is_held_and_production_is_still_red(words: str) -> None:
    box = await red(words)
    state = await box.state()
    assert state.pending
    assert (state.pending.approvers, state.held_by) == ([CARA], ALICE)
    assert "*Production*  ❌ tests failed · ⏸️ held by" in (await box.said(TWO))["status"]
    assert state.question
    assert state.question.choices == (
        *("keep the card", "roll back backend", "roll back frontend", "stop here"),
    )


async def test_every_state_after_red_names_it() -> None:
    box = await red()
    assert "❌ tests failed · 🔔 waiting for approval (1 of 2)" in (await box.said(TWO))["status"]
    await box.turns_down(TWO)
    status = (await box.said(TWO))["status"]
    assert f"❌ tests failed · rollback rejected by <@{CARA}> · 💬 waiting for words" in status
    assert "tests failed · ❌" not in status


async def test_why_is_answered_from_facts_and_the_card_stays() -> None:
    box = await red("why do you want to roll back?")
    state = await box.state()
    assert (state.held_by, state.pending is not None) == (None, True)
    lines = ["".join(piece.text for piece in line) for line in state.says[-1].lines]
    assert "production tests are red: checkout" in lines
    assert any(line.startswith("why, in the words of the offline planner: ") for line in lines)
