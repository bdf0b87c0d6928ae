"""Questions that were answered are no objections; what may be one is quoted on a newer card."""

import json

import pytest

from app.core import events as ev
from app.core.declined import declined, spoken
from app.core.ports import Write
from app.core.questions import only_asks, only_orders
from tests.core.box import OLD
from tests.core.town import ONE, SHAS, TWO, Town, town
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB, CARA, REPO
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


# Orders.


@pytest.mark.parametrize(
    "text",
    [
        *("deploy backend", "please deploy the backend to prod", "<@U0BOT> ship it", "backend"),
        *("deploy backend and web-shop now!", "deploy 4af9ec0", "Deploy everything."),
    ],
)
def test_it_only_orders(text: str) -> None:
    assert only_orders(text, ["backend", "web_shop", "4af9ec0" + "0" * 33])


@pytest.mark.parametrize(
    "text",
    [
        *("", "deploy backend after lunch", "deploy frontend", "only the backend", "roll back"),
        *("deploy backend?", "do not deploy backend", "deploy backend first", "deploy 4af9ec1"),
    ],
)
def test_it_may_be_more_than_an_order(text: str) -> None:
    assert not only_orders(text, ["backend", "4af9ec0" + "0" * 33])


def test_only_a_rollback_is_what_takes_back() -> None:
    assert only_orders("roll back the backend", ["backend"], back=True)
    assert not only_orders("roll back the backend", ["backend"])


def test_an_order_that_was_obeyed_is_not_quoted() -> None:
    story = Story().merged().staged().then(asks("deploy backend"))
    assert spoken(story.state)
    assert spoken(story.asks().state) is None
    assert said(asks("run e2e on staging"), ev.VerificationRequested(call_id="v")) == ""


def test_an_order_that_was_answered_by_something_else_is_quoted() -> None:
    assert said(asks("deploy frontend"), Story().request("c2")) == "deploy frontend"


def test_a_card_that_is_made_anew_obeys_nobody() -> None:
    again = ev.AskedAgain(call_id="c1", user=BOB)
    proposed = ev.ToolProposed(call_id="c2", tool="deploy_backend_to_prod", arguments={}, by="code")
    story = Story().merged().staged().asks().then(again, asks("deploy backend"), proposed)
    assert spoken(story.asks("c2").state)


async def test_the_card_of_a_newer_merge_quotes_no_order(box: Town) -> None:
    await box.says("deploy frontend")
    await box.merged(TWO, label="urgent")
    card = await box.card_says(TWO)
    assert "#1> Change 1" in card
    assert "wrote:" not in card


async def test_a_rollback_that_nobody_approved_is_an_objection(box: Town) -> None:
    versions = {"versions/frontend": json.dumps([OLD, ONE])}
    await box.log.append(Write(f"{REPO}/0", [], facts=versions, silent=True))
    await box.approves(CARA)
    await box.says("roll back the frontend")
    state = await box.of(ONE)
    assert state.pending
    assert state.words[-1].obeyed == "rollback"
    state.effects = {}
    assert declined(state) is None
    quoted = spoken(state)
    assert quoted
    assert quoted.text == "roll back the frontend"
