"""A merge that another one ships hears when that one ends without it, and can go on by itself."""

import pytest

from app.core import clicks, lane_clicks, lanes, rides, thread_clicks
from app.core import events as ev
from app.core.clicks import Accepted, Refused
from app.core.endings import ending
from tests.core.town import ONE, SHAS, THREE, TWO, Town, ends_staging, holds_staging, town
from tests.shop import BOB, CARA, REPO

DAY_MS = 24 * 3600 * 1000
TWO_NAMED = "<https://github.com/acme/shop/pull/2|#2> Change 2, which was to ship this, too,"
THREE_NAMED = "<https://github.com/acme/shop/pull/3|#3> Change 3, which was to ship this, too,"


@pytest.fixture
async def box() -> Town:
    """Let the second merge ship the first, too."""
    box = town()
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    return box


async def ride(box: Town, sha: str = ONE, number: int = 0) -> str:
    """Return what a merge is told of the one that was to ship it."""
    slot = f"ride:{number}"
    assert slot in await box.said(sha)
    return (await box.messages(sha))[slot].text


async def goes_on(box: Town, sha: str) -> None:
    """Say `continue` in the thread of a merge."""
    click = await box.click(sha)
    await box.takes(click, thread_clicks.said(click.state, BOB, "continue", "1.2"))


async def no_news(box: Town) -> bool:
    return not [name for name in await box.log.facts(REPO) if name.startswith(rides.FACT)]


class TestTold:
    async def test_nothing_is_said_while_it_is_on_its_way(self, box: Town) -> None:
        assert not (await box.of(ONE)).rides
        await box.ships(TWO)
        assert not (await box.of(ONE)).rides

    async def test_a_stop_is_told_once_with_how_to_go_on(self, box: Town) -> None:
        await box.presses("stop", TWO)
        assert await ride(box) == (
            f"<@{BOB}>: ⏹️ {TWO_NAMED} was stopped by `{CARA}`: frontend and backend did not go "
            "out. Say `continue` here to ship this without #2; `continue` in the thread of #2 "
            "ships both."
        )
        status = (await box.said(ONE))["status"]
        assert f"⏹️ {TWO_NAMED} was stopped by `{CARA}`" in status
        assert "superseded by the thread of" not in status
        assert await no_news(box)
        await box.later(DAY_MS)
        assert len((await box.of(ONE)).rides) == 1

    async def test_a_rejected_card_is_told_when_nobody_says_what_instead(self, box: Town) -> None:
        box.thread_id = box.thread_of(TWO)
        await box.takes(await box.click(TWO), clicks.reject(await box.no_words()))
        assert not (await box.of(ONE)).rides
        await box.later(rides.REJECTED_MS)
        told = await ride(box)
        assert f"🚫 {TWO_NAMED} was rejected by `{CARA}`" in told
        assert told.endswith("what is said in the thread of #2 is for both.")

    async def test_a_rejected_card_with_another_plan_is_not(self, box: Town) -> None:
        box.thread_id = box.thread_of(TWO)
        await box.rejects("backend first", CARA)
        await box.later(rides.REJECTED_MS)
        assert (await box.of(TWO)).pending
        assert not (await box.of(ONE)).rides

    async def test_a_card_that_expired_is_told(self, box: Town) -> None:
        await box.later(DAY_MS)
        told = await ride(box)
        assert f"⌛ {TWO_NAMED} expired before anybody approved it" in told
        assert told.endswith("*Ask again* in the thread of #2 asks for both.")

    async def test_only_what_did_not_go_out_is_named(self, box: Town) -> None:
        box.thread_id = box.thread_of(TWO)
        await box.approves(CARA)
        await box.presses("stop", TWO)
        assert ": backend did not go out." in await ride(box)

    async def test_where_it_brought_another_commit_nothing_is_claimed(self, box: Town) -> None:
        await box.presses("stop", TWO)
        state = await box.of(TWO)
        assert rides.end(state, box.config)
        state.shipped["frontend"] = ONE
        assert rides.end(state, box.config) is None

    async def test_all_are_told_that_ship_through_others(self) -> None:
        box = town()
        holds_staging(box)
        await box.merged(THREE)
        await box.merged(*SHAS[3:6])
        await box.later(10_000)
        await ends_staging(box)
        await box.presses("stop", SHAS[5])
        for sha in SHAS[3:5]:
            told = await ride(box, sha)
            assert "|#6> Change 6, which was to ship this, too, was stopped" in told
            assert told.endswith("`continue` in the thread of #6 ships all 3.")
            assert not (await box.messages(sha))["status"].passed

    async def test_who_stops_it_before_it_was_tested_is_told_too(self) -> None:
        box = town()
        holds_staging(box)
        await box.merged(ONE, TWO, THREE)
        await box.later(10_000)
        await box.presses("stop", THREE)
        assert f"⏹️ {THREE_NAMED} was stopped" in await ride(box, TWO)


class TestGoingOn:
    async def test_continue_ships_it_by_itself(self, box: Town) -> None:
        await box.presses("stop", TWO)
        await goes_on(box, ONE)
        card = (await box.of(ONE)).pending
        assert card is not None
        assert card.request.spec.sha == ONE
        assert "this was taken up again here" in await ride(box)
        assert "<@" not in await ride(box)

    async def test_one_that_was_not_tested_is_tested_first(self) -> None:
        box = town()
        holds_staging(box)
        await box.merged(ONE, TWO, THREE)
        await box.later(10_000)
        await ends_staging(box)
        await box.presses("stop", THREE)
        await goes_on(box, TWO)
        assert f"staging e2e {TWO[:7]}" in box.deployer.effects

    async def test_when_the_other_goes_on_after_all_it_ships_both(self, box: Town) -> None:
        await box.presses("stop", TWO)
        await goes_on(box, TWO)
        told = await ride(box)
        assert "· it goes on since" in told
        assert "<@" not in told
        assert "superseded by the thread of" in (await box.said(ONE))["status"]
        assert await no_news(box)
        assert "#1> Change 1" in await box.card_says(TWO)

    async def test_a_second_end_calls_nobody_again(self, box: Town) -> None:
        await box.presses("stop", TWO)
        await goes_on(box, TWO)
        await box.later(DAY_MS)
        state = await box.of(ONE)
        assert len(state.rides) == 1
        assert state.rides[0].end.how == "expired"

    async def test_with_another_one_that_ends_the_author_is_not_called_again(
        self, box: Town
    ) -> None:
        await box.presses("stop", TWO)
        await goes_on(box, ONE)
        await box.merged(THREE)
        await box.presses("both", ONE, 1)
        await box.presses("stop", THREE)
        told = await ride(box, number=1)
        assert told.startswith(f"⏹️ {THREE_NAMED} was stopped")

    async def test_who_went_on_by_itself_hears_no_more_of_the_other(self, box: Town) -> None:
        await box.presses("stop", TWO)
        await goes_on(box, ONE)
        await goes_on(box, TWO)
        state = await box.of(ONE)
        assert state.rides[0].goes_on_at is None
        assert await no_news(box)

    async def test_continue_is_for_the_agent_while_the_other_is_on_its_way(self, box: Town) -> None:
        state = await box.of(ONE)
        said = thread_clicks.said(state, BOB, "continue", "1.2")
        assert said == Accepted((ev.HumanSaid(user=BOB, text="continue", ts="1.2"),))

    async def test_urgent_is_for_what_goes_on(self, box: Town) -> None:
        await box.presses("stop", TWO)
        told = lane_clicks.heard(await box.click(ONE, text="urgent"))
        assert told == Refused("Nothing ships this one now: say `continue` first.")

    async def test_threads_that_wait_for_it_are_told_so(self, box: Town) -> None:
        assert ending(await box.of(ONE), box.config) == "a newer merge ships it, #2"
        await box.presses("stop", TWO)
        told = ending(await box.of(ONE), box.config)
        assert told == "#2, which was to ship it, ended without it"

    async def test_news_for_who_rides_with_nobody_is_not_understood(self, box: Town) -> None:
        box.thread_id = box.thread_of(TWO)
        await box.did(ev.RideChanged(by=lanes.pull_of(await box.of(ONE)), how="stopped"))
        assert (await box.of(TWO)).newer == ["ride_changed"]
