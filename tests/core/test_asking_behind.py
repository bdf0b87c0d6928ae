"""Questions in the thread of a tested merge that waits behind another one's card change nothing."""

import pytest

from app.core import events as ev
from app.core import taking_back, thread_clicks
from app.core.clicks import Refused
from app.core.happened import place
from tests.core.town import ONE, TWO, Town, town
from tests.shop import ALICE, BOB

QUESTIONS = [
    "why does #2 wait?",
    "why is this still waiting?",
    "why is it blocked?",
    "so why is it so slow?",
    "what is happening?",
    "why?",
]


@pytest.fixture
async def behind() -> Town:
    """Let #2 be tested while the card of #1 waits; the thread that goes on is that of #2."""
    box = town()
    await box.merged(ONE, TWO)
    box.thread_id = box.thread_of(TWO)
    return box


async def answer(box: Town) -> list[str]:
    say = (await box.state()).says[-1]
    return [say.text, *("".join(piece.text for piece in line) for line in say.lines)]


@pytest.mark.parametrize("words", QUESTIONS)
async def test_a_question_is_answered_and_it_waits_on(behind: Town, words: str) -> None:
    await behind.says(words)
    assert await behind.stage(TWO) == "tested"
    assert (await behind.of(TWO)).question is None
    assert "tested, and waits until" in (await behind.said(TWO))["status"]
    await behind.presses("both", ONE)
    assert "*Ships:*" in await behind.card_says(TWO)


@pytest.mark.parametrize("words", ["why does #2 wait?", "where is #2?", "why?"])
async def test_the_answer_says_what_it_waits_for(behind: Town, words: str) -> None:
    await behind.says(words)
    title, where, *lines = await answer(behind)
    assert (title, where) == ("#2 Change 2:", "not on production by itself, as far as I know")
    assert lines == [
        "#2 Change 2 is tested, and waits until #1 Change 1 is out of the way",
    ]


async def test_never_mind_takes_back_the_question_and_nothing_else(behind: Town) -> None:
    await behind.says("why does #2 wait?")
    decision = thread_clicks.said(await behind.of(TWO), ALICE, "never mind", None)
    assert decision == Refused(taking_back.ANSWERED)
    assert await behind.stage(TWO) == "tested"


async def test_never_mind_after_what_was_noted_is_no_answered_question(behind: Town) -> None:
    assert taking_back.heard(await behind.of(TWO), ALICE, "never mind") is None
    await behind.says("thanks")
    assert taking_back.heard(await behind.of(TWO), ALICE, "never mind") is None
    reply = ev.BotSaid(call_id="r", text="Noted.", because="reply")
    await behind.did(ev.HumanSaid(user=ALICE, text="backend first"), reply)
    assert taking_back.heard(await behind.of(TWO), ALICE, "never mind") is None
    assert taking_back.heard(await behind.of(TWO), ALICE, "thanks") is None


async def test_never_mind_of_somebody_else_is_for_the_agent(behind: Town) -> None:
    await behind.says("why does #2 wait?")
    assert taking_back.heard(await behind.of(TWO), BOB, "never mind") is None


async def test_in_its_own_thread_the_answer_is_about_the_repository(behind: Town) -> None:
    await behind.mentions("what is happening?")
    title, first, *_ = await answer(behind)
    assert title == "Waiting:"
    assert first.startswith("deploy frontend 1111111 waits for approval since ")
    assert place(await behind.state()) == "C01DEPLOYS|1.1"
