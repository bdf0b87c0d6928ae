"""Questions that were answered are no objections; what may be one is quoted on a newer card."""

import pytest

from app.core import events as ev
from app.core.declined import spoken
from app.core.questions import only_asks
from tests.core.box import OLD
from tests.core.town import ONE, SHAS, TWO, Town, town
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB
from tests.story import Story

ASKED = "who can approve this?"
OBJECTS = "not before noon, there is a demo"
REPLY = ev.BotSaid(call_id="r", text="bob can approve this.", because="reply")
TOLD = ev.AnswerTold(call_id="r", title="Waiting:")


@pytest.mark.parametrize(
    "text",
    [
        *(ASKED, "Who approved the last one?", "what changed?", "What's new in this?"),
        *("what is on production?", "when does the card expire?", "how long does it wait?"),
        *("hey, which version of backend runs on prod?", "why is the backend blocked?"),
        *("<@U0BOT> what went out today?", "how many commits are new?"),
    ],
)
def test_it_only_asks(text: str) -> None:
    assert only_asks(text)


@pytest.mark.parametrize(
    "text",
    [
        *(OBJECTS, "what changed", "what changed? I do not like it", "is this tested?", "hm?"),
        *("why is this going live without a review?", "why ship this on production now?"),
        *("what if production breaks?", "who deploys this on a friday?", "can we wait?"),
        *("what is the point of this deploy?", "when do we revert this on production?"),
        *("who merged this, it isn't approved?", "what about the carts?", "who is alice?"),
        *("which customers lose their carts on production?", "what changed? stop", ""),
        *("what should be approved here?", f"what is on {'very ' * 30}production?"),
        *(
            "how many commits are not live?",
            "who approved this nonsense! who runs it?",
            "what is even new in this?",
        ),
    ],
)
def test_it_may_be_more_than_a_question(text: str) -> None:
    assert not only_asks(text)


def said(*happened: ev.Event) -> str:
    """Return what is quoted of a merge in whose thread this happened."""
    quoted = spoken(Story().merged().staged().asks().then(*happened).state)
    return quoted.text if quoted else ""


def asks(text: str = ASKED, user: str = ALICE) -> ev.HumanSaid:
    return ev.HumanSaid(user=user, text=text, ts="1.1")


@pytest.mark.parametrize("answer", [REPLY, TOLD])
def test_a_question_that_was_answered_is_not_quoted(answer: ev.Event) -> None:
    assert said(asks(), answer) == ""
    assert said(asks(), asks("what changed?"), answer) == ""


def test_what_was_said_before_the_question_is_quoted() -> None:
    assert said(asks(OBJECTS), REPLY, asks(), REPLY) == OBJECTS
    assert said(asks(OBJECTS), asks(), REPLY) == OBJECTS


@pytest.mark.parametrize(
    "happened",
    [
        (),
        (ev.Ignored(call_id="i", reason="chat"),),
        (ev.BotSaid(call_id="q", text="Which?", because="question"),),
        (ev.StopRequested(user=BOB), ev.Continued(user=BOB)),
    ],
)
def test_a_question_that_nobody_answered_is_quoted(happened: tuple[ev.Event, ...]) -> None:
    assert said(asks(), *happened) == ASKED


def test_an_objection_that_was_answered_is_quoted() -> None:
    assert said(asks(OBJECTS), REPLY) == OBJECTS


@pytest.fixture
async def box() -> Town:
    """Let the first merge ask, and its thread be the one that people write in."""
    box = town(FakeSource([OLD, *SHAS]))
    await box.runs_old()
    await box.merged(ONE)
    box.thread_id = box.thread_of(ONE)
    return box


async def test_the_card_of_a_newer_merge_quotes_objections_alone(box: Town) -> None:
    await box.says(ASKED)
    await box.merged(TWO, label="urgent")
    card = await box.card_says(TWO)
    assert "#1> Change 1" in card
    assert "wrote:" not in card


async def test_it_quotes_the_objection_that_came_before_a_question(box: Town) -> None:
    await box.says("the carts are lost, careful")
    await box.says(ASKED)
    await box.merged(TWO, label="urgent")
    assert "alice wrote: “the carts are lost, careful”" in await box.card_says(TWO)
