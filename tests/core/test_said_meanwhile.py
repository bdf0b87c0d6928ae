"""A card that waits shows what people say, meanwhile and elsewhere, of what goes out with it."""

from typing import Any

import pytest

from app.core import clicks, lanes, meanwhile
from app.core import events as ev
from app.core.clicks import Refused
from app.core.ports import Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.test_ahead_with_others import NAMED, TAKES, Touching
from tests.core.town import ONE, TWO, Town, teams
from tests.shop import BOB, CARA, REPO


async def asks(**changes: Any) -> Town:
    """Let the second merge ask for the frontend, with the first in it that asks for itself."""
    config = teams().model_copy(update=changes)
    box = Town(config, model=OfflinePlanner(), source=Touching([OLD, ONE, TWO]))
    await box.runs_old()
    await box.merged(ONE)
    await box.merged(TWO)
    assert "*Goes out with it:*" not in await box.card_says(TWO)
    return box


async def says(box: Town, text: str) -> None:
    """Let alice write in the thread of the first merge."""
    box.thread_id = box.thread_of(ONE)
    await box.says(text)
    await box.settles()


async def test_a_rejection_is_shown_by_an_edit_of_the_card() -> None:
    box = await asks()
    before = list(await box.messages(TWO))
    await box.turns_down(ONE)
    assert TAKES in await box.card_says(TWO)
    assert list(await box.messages(TWO)) == before


async def test_so_is_a_stop() -> None:
    box = await asks()
    await box.presses("stop", ONE)
    assert f"{NAMED}, which `{CARA}` stopped in its thread" in await box.card_says(TWO)


async def test_words_are_quoted() -> None:
    box = await asks()
    await says(box, "the carts are lost, careful")
    assert "alice wrote: “the carts are lost, careful”" in await box.card_says(TWO)


async def test_a_question_that_is_answered_is_no_news() -> None:
    box = await asks()
    await says(box, "what changed?")
    assert "wrote:" not in await box.card_says(TWO)


async def test_what_is_taken_up_again_is_shown_no_more() -> None:
    box = await asks()
    await box.presses("stop", ONE)
    box.thread_id = box.thread_of(ONE)
    await box.does(ev.Continued(user=CARA))
    assert "stopped in its thread" not in await box.card_says(TWO)


async def test_a_card_that_another_thread_asks_for_shows_it_too() -> None:
    box = await asks()
    await box.mentions(f"deploy {TWO[:7]}")
    here = box.thread_id
    await box.turns_down(ONE)
    box.thread_id = here
    assert TAKES in str(await box.said_here())


async def test_approve_is_refused_until_the_card_shows_it() -> None:
    box = await asks()
    facts = await said_of_one(box)
    await box.log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))
    assert clicks.approve(await box.click(TWO, user=CARA)) == Refused(
        "Somebody has just said no to a merge that goes out with this, or wrote about it: "
        "look at the card once more."
    )
    box.thread_id = box.thread_of(TWO)
    await box.does(ev.MessagePosted(slot="status", channel="C01DEPLOYS", ts="1.5"))
    assert TAKES in await box.card_says(TWO)
    await box.takes(click := await box.click(TWO, user=CARA), clicks.approve(click))
    assert "production frontend" in str(box.deployer.effects)


async def said_of_one(box: Town) -> dict[str, str | None]:
    """Return the fact that a rejection of the first merge leaves."""
    state = await box.of(ONE)
    no = ev.Declined(pull=lanes.pull_of(state), how="rejected", user=CARA)
    return {meanwhile.key(state.thread_id): meanwhile.Said(declined=no).model_dump_json()}


@pytest.fixture
async def half() -> Town:
    """Let one of two people have approved the card."""
    box = await asks(approvals_needed=2, allow_self_approval=True, approvers=(BOB, CARA))
    box.thread_id = box.thread_of(TWO)
    await box.approves(CARA)
    return box


async def test_who_approved_before_a_no_is_asked_again(half: Town) -> None:
    await half.turns_down(ONE)
    first, second = (await half.of(TWO)).cards.values()
    assert (first.status, second.status) == ("expired", "pending")
    assert first.text == "people said no to #1, which goes out with it, so it is made anew"
    card = await half.card_says(TWO)
    assert TAKES in card
    assert f"<@{CARA}>" in card


async def test_words_leave_an_approval_and_are_shown_to_who_is_next(half: Town) -> None:
    await says(half, "the carts are lost, careful")
    [card] = (await half.of(TWO)).cards.values()
    assert card.approvers == [CARA]
    assert "alice wrote: “the carts are lost, careful”" in await half.card_says(TWO)


async def test_what_is_approved_and_waits_for_a_lock_is_asked_again_for_words_too() -> None:
    box = await asks()
    box.thread_id = box.thread_of(TWO)
    request = (await box.card()).request
    locked = ev.ServiceLocked(services=("frontend",), user=BOB, reason="load test")
    call_id, spec_hash = request.call_id, request.spec_hash
    approved = ev.ApprovalGranted(call_id=call_id, spec_hash=spec_hash, user=CARA)
    await box.does(locked, approved)
    await says(box, "the carts are lost, careful")
    first, second = (await box.of(TWO)).cards.values()
    assert first.text == "people wrote about #1, which goes out with it, so it is made anew"
    assert second.status == "pending"
    assert not [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_nothing_is_kept_of_what_is_out() -> None:
    box = await asks()
    await box.turns_down(ONE)
    assert [name for name in await box.log.facts(REPO) if name.startswith(meanwhile.FACT)]
    await box.mentions(f"deploy {TWO[:7]}")
    while (await box.state()).pending:
        await box.approves(CARA)
    await box.later(1000)
    assert not [name for name in await box.log.facts(REPO) if name.startswith(meanwhile.FACT)]


async def test_nor_of_what_nobody_cares_for_any_more() -> None:
    box = await asks()
    await box.turns_down(ONE)
    await box.later(meanwhile.KEPT_MS)
    assert not [name for name in await box.log.facts(REPO) if name.startswith(meanwhile.FACT)]


async def test_the_end_names_whose_merge_went_out_against_a_no() -> None:
    box = await asks()
    await box.turns_down(ONE)
    await box.ships(TWO)
    [done] = [words for words in (await box.said(TWO)).values() if "Went out with it" in words]
    assert f"*Went out with it:* {NAMED} by <@{BOB}>" in done
