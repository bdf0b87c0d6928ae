"""Words that nobody understands, of a merge that waits behind a card: it keeps its place, held."""

from dataclasses import replace

import pytest

from app.core import clicks, taking_back, thread_clicks
from app.core.clicks import Refused
from app.core.context import render
from app.core.policy import Person
from tests.core.town import ONE, THREE, TWO, Town, town
from tests.shop import ALICE, BOB, CARA

ODD = "the frontend of that one looks odd"
BEHIND = "⏳ tested, and waits until <https://github.com/acme/shop/pull/1|#1> Change 1"
HELD = f"⏸️ held by <@{ALICE}>'s message, until it is answered or taken back (`never mind`)"


@pytest.fixture
async def box() -> Town:
    """Let alice write what nobody understands about #2, which waits behind the card of #1."""
    box = town()
    await box.merged(ONE, TWO)
    box.thread_id = box.thread_of(TWO)
    await box.says(ODD)
    return box


async def said(box: Town, text: str, user: str, sha: str = TWO) -> str:
    """Let a person write in the thread of a merge; return what only they are told."""
    decision = thread_clicks.said(await box.of(sha), user, text, None)
    if isinstance(decision, Refused):
        return decision.sentence
    box.thread_id = box.thread_of(sha)
    await box.does(*decision.events)
    return ""


async def first_ships(box: Town) -> None:
    await box.ships(ONE)
    box.thread_id = box.thread_of(TWO)


async def test_it_keeps_its_place_and_its_status_says_who_holds_it(box: Town) -> None:
    assert await box.stage(TWO) == "tested"
    status = (await box.said(TWO))["status"]
    assert f"{BEHIND} is out of the way: its card is decided first · {HELD}" in status
    assert not (await box.of(TWO)).cards


async def test_when_its_turn_comes_its_card_is_held_by_the_words(box: Town) -> None:
    await first_ships(box)
    card = await box.card_says(TWO)
    assert "⏸️ *Held by words that may be against this.*" in card
    assert f"<@{ALICE}> wrote: “{ODD}”" in card
    state = await box.of(TWO)
    assert (state.held_by, len([say for say in state.says if say.about])) == (ALICE, 1)
    refused = clicks.approve(replace(await box.no_words(), person=Person(CARA)))
    assert isinstance(refused, Refused)
    assert "message may be against this: the card quotes it" in refused.sentence


async def test_an_approver_releases_the_card_and_it_ships(box: Town) -> None:
    await first_ships(box)
    click = await box.no_words()
    await box.takes(click, clicks.release(click))
    await box.ships(TWO)
    assert box.deployer.effects.count("production frontend 2222222") == 1


async def test_whoever_wrote_them_takes_them_back_and_it_waits_on(box: Town) -> None:
    assert await said(box, "never mind", ALICE) == ""
    assert (await box.of(TWO)).says[-1].text == taking_back.WAITS_ON
    status = (await box.said(TWO))["status"]
    assert BEHIND in status
    assert "held by" not in status
    await first_ships(box)
    state = await box.of(TWO)
    assert (state.held_by, state.pending is not None) == (None, True)


async def test_they_are_taken_back_from_the_card_that_came_since(box: Town) -> None:
    await first_ships(box)
    assert await said(box, "never mind", ALICE) == ""
    assert (await box.of(TWO)).held_by is None


async def test_nobody_else_takes_them_back(box: Town) -> None:
    assert await said(box, "never mind", BOB) == (
        f"<@{ALICE}> wrote what holds this merge. They can take it back, or an approver can "
        "*Release* its card, which comes when the older merge is out of the way."
    )
    assert (await box.of(TWO)).held_in_line


async def test_what_others_wrote_holds_it_still(box: Town) -> None:
    await box.says("I do not want the frontend like that", CARA)
    await said(box, "never mind", ALICE)
    assert (await box.of(TWO)).says[-1].text == taking_back.LINE_HELD
    await first_ships(box)
    assert (await box.of(TWO)).held_by == CARA
    assert "I do not want the frontend like that" in await box.card_says(TWO)


@pytest.mark.parametrize("words", ["thanks", "what is on production?", "lol"])
async def test_words_that_answer_nothing_leave_it_held(box: Town, words: str) -> None:
    await box.says(words)
    assert (await box.of(TWO)).held_in_line
    assert await box.stage(TWO) == "tested"


async def test_it_is_offered_on_no_older_card_before_they_are_heard() -> None:
    box = town()
    await box.merged(ONE, TWO)
    box.thread_id = box.thread_of(TWO)
    await box.says("thanks")
    await box.merged(THREE)
    await box.says(ODD)
    assert (await box.of(THREE)).held_in_line
    await first_ships(box)
    card = await box.card_says(TWO)
    assert "Held by words" not in card
    assert "A newer merge was tested" not in card
    await said(box, "never mind", ALICE, THREE)
    assert "A newer merge was tested" in await box.card_says(TWO)


async def test_newer_merges_wait_behind_it_and_are_offered_on_its_card(box: Town) -> None:
    await box.merged(THREE)
    assert "waits until" in (await box.said(THREE))["status"]
    await first_ships(box)
    state = await box.of(TWO)
    assert state.offer
    assert (state.held_by, state.offer.pulls[0].sha) == (ALICE, THREE)


async def test_people_may_ship_it_with_the_older_one_and_its_card_is_held(box: Town) -> None:
    await box.presses("both", ONE)
    assert "*Ships:*" in await box.card_says(TWO)
    assert (await box.of(TWO)).held_by == ALICE


async def test_a_stop_ends_the_hold_with_the_rest(box: Town) -> None:
    await box.presses("stop", TWO)
    assert await box.stage(TWO) is None
    assert not (await box.of(TWO)).held_in_line


async def test_what_waits_tells_both(box: Town) -> None:
    await box.mentions("what is waiting?")
    lines = ["".join(piece.text for piece in line) for line in (await box.state()).says[-1].lines]
    [line] = [each for each in lines if each.startswith("#2")]
    assert line.startswith(f"#2 Change 2 waits for an answer of {ALICE} since ")
    assert f"about “{ODD}”; its place is behind #1 Change 1" in line


async def test_a_model_reads_that_its_card_will_be_held(box: Town) -> None:
    entries, now = await box.log.read(box.thread_id), await box.log.now("acme/shop")
    read = render(await box.of(TWO), entries, box.config, now)
    assert "it holds this merge, which keeps its place in line" in read
