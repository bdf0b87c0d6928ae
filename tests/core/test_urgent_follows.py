"""Urgency follows a change into the thread that ships it, by whose word ever."""

import pytest

from app.core import events as ev
from app.core import lane_clicks, lanes
from app.core.clicks import Refused
from app.core.hours import Hours
from app.core.words import is_urgent
from tests.core.test_reminders import BERLIN
from tests.core.town import ONE, THREE, TWO, Town, town
from tests.shop import ALICE, BOB, CARA

SATURDAY = Hours(frozenset({5}), 0, 60, BERLIN)


async def says(box: Town, sha: str, text: str, user: str = BOB) -> None:
    """Reply in a merge's thread what code understands."""
    click = await box.click(sha, text=text, user=user)
    decision = lane_clicks.heard(click)
    assert decision is not None, text
    await box.takes(click, decision)


async def called(box: Town, sha: str) -> list[str]:
    """Return who was called, and why, about the newest card of a merge."""
    (*_, card) = (await box.of(sha)).cards.values()
    return [call.kind for call in card.reminded]


@pytest.fixture
async def box() -> Town:
    """Let #2 ship #1, on a card that calls nobody at this hour."""
    box = town()
    box.configure(box.config.model_copy(update={"hours": SATURDAY}))
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await box.posts_card(TWO)
    assert "nobody is called before that" in await box.card_says(TWO)
    return box


@pytest.mark.parametrize("words", ["urgent", "this is urgent, orders fail"])
async def test_what_is_said_of_a_merge_makes_the_one_urgent_that_ships_it(
    box: Town, words: str
) -> None:
    await says(box, ONE, words)
    said = await box.said(TWO)
    assert f"🚨 urgent, says <@{BOB}> of <https://github.com/acme/shop/pull/1|#1>" in said["status"]
    assert (await box.card_says(TWO)).count("🚨 Deploy") == 1
    assert await called(box, TWO) == ["urgent"]
    urgent = next(words for slot, words in said.items() if slot.startswith("urgent:"))
    assert "this is urgent, says bob of <https://github.com/acme/shop/pull/1|#1>:" in urgent


async def test_the_answer_says_where(box: Town) -> None:
    await says(box, ONE, "urgent")
    said = await box.said(ONE)
    link = "<https://github.com/acme/shop/pull/2|#2>"
    assert f"🚨 urgent, says <@{BOB}>: so is {link}, which ships it" in said["status"]
    told = "#2 ships this one, so #2 is urgent now: people are called in its thread."
    assert any(told in message for slot, message in said.items() if slot.startswith("say:"))
    again = lane_clicks.heard(await box.click(ONE, text="urgent"))
    assert again == Refused(
        "This is marked urgent already, and so is #2, which ships it: it goes before all others."
    )


async def test_other_words_that_say_so_count_too(box: Town) -> None:
    box.thread_id = box.thread_of(ONE)
    await box.says("urgent, backend first please")
    assert f"🚨 urgent, says <@{ALICE}> of <" in (await box.said(TWO))["status"]
    assert await called(box, TWO) == ["urgent"]


async def test_a_label_goes_along_when_an_ordinary_merge_ships_it() -> None:
    box = town()
    await box.merged(ONE, label="urgent")
    await box.merged(TWO)
    await box.presses("both", ONE)
    status, card = (await box.said(TWO))["status"], await box.card_says(TWO)
    link = "<https://github.com/acme/shop/pull/1|#1>"
    assert f"🚨 urgent by the label `urgent` of {link}: it goes before the others" in status
    assert "🚨 Deploy" in card


async def test_it_goes_on_when_that_one_is_shipped_by_another_still(box: Town) -> None:
    await says(box, ONE, "urgent")
    await box.merged(THREE)
    box.thread_id = box.thread_of(TWO)
    newest = lanes.pull_of(await box.of(THREE))
    await box.does(ev.Superseded(into=newest, user=CARA))
    assert (
        f"🚨 urgent, says <@{BOB}> of <https://github.com/acme/shop/pull/1|#1>"
        in (await box.said(THREE))["status"]
    )


async def test_what_is_out_already_hurries_nobody(box: Town) -> None:
    await box.ships(TWO)
    box.thread_id = box.thread_of(ONE)
    await box.says("we needed that asap")
    assert "🚨" not in (await box.said(TWO))["status"]


async def test_no_fact_is_left_behind(box: Town) -> None:
    await says(box, ONE, "urgent")
    facts = await box.log.facts(box.config.name)
    assert not [name for name in facts if name.startswith("urgent/")]


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("this is urgent, orders fail", True),
        ("Urgent: customers can't pay!", True),
        ("this is urgent because checkout is down", True),
        ("hotfix - we are losing orders", True),
        ("it is urgent, all the payments are failing", True),
        ("urgent, deploy the backend first", False),
        ("urgent, but the frontend is broken", False),
        ("urgent, do not ship it, orders fail", False),
        ("urgent, skip the backend, orders fail", False),
        ("urgent: stop, orders fail", False),
        ("urgent, orders fail, backend first", False),
        ("orders fail", False),
    ],
)
def test_trouble_is_a_reason_and_an_order_is_none(text: str, is_it: bool) -> None:
    assert is_urgent(text) is is_it
