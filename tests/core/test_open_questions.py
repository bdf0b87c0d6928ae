"""A question of the bot's stays open until somebody answers it, whatever else is said."""

import pytest

from app.core import events as ev
from tests.core.town import ONE, Town, town
from tests.shop import ALICE, BOB
from tests.story import Story


@pytest.fixture
async def asked() -> Town:
    """Let somebody say what nobody understands while a card waits."""
    box = town()
    await box.merged(ONE)
    box.thread_id = box.thread_of(ONE)
    await box.says("I'll look at the frontend after lunch, maybe")
    assert (await box.of(ONE)).question
    return box


@pytest.mark.parametrize("words", ["nice", "thanks", "what is on production?", "ship it"])
async def test_words_that_change_nothing_leave_it_open(asked: Town, words: str) -> None:
    question = (await asked.of(ONE)).question
    await asked.says(words)
    still = (await asked.of(ONE)).question
    assert still
    assert question
    assert still.call_id == question.call_id
    assert "I asked what it means" in (await asked.said(ONE))["status"]


def test_two_messages_at_once_leave_it_open() -> None:
    story = Story().merged().staged()
    story.then(ev.BotSaid(call_id="c1", text="Which?", because="question", choices=("a", "b")))
    story.then(ev.HumanSaid(user=ALICE, text="nice"), ev.HumanSaid(user=BOB, text="thanks"))
    assert story.state.question is None  # they are being read
    story.then(ev.Ignored(call_id="c2", reason="talk"))
    assert story.state.question


async def test_an_answer_closes_it_for_good(asked: Town) -> None:
    await asked.says("deploy the frontend")
    state = await asked.of(ONE)
    assert state.pending
    assert not state.question
    await asked.says("thanks")
    state = await asked.of(ONE)
    assert state.pending
    assert not state.question


async def test_a_stop_closes_it_for_good(asked: Town) -> None:
    await asked.says("stop")
    await asked.says("thanks")
    assert (await asked.of(ONE)).question is None
