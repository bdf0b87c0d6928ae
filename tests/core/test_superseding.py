"""A newer merge and an older card: one card for the same services, and nothing lost."""

from dataclasses import replace

import pytest

from app.core import clicks, lane_clicks, lanes
from app.core import events as ev
from app.core.clicks import Accepted, Refused
from app.core.errors import Conflict
from app.core.ports import Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, RUNS, SHAS, THREE, TWO, Town, teams, town
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, REPO
from tools.order import refuse_out_of_turn
from tools.tool import ToolError


@pytest.fixture(params=["by arrival", "by ancestry"])
def box(request: pytest.FixtureRequest) -> Town:
    return town(FakeSource([OLD, *SHAS]) if request.param == "by ancestry" else None)


class TestAsking:
    @pytest.fixture
    async def asked(self, box: Town) -> Town:
        """Let a newer merge be tested while the card of an older one waits."""
        await box.merged(ONE, TWO)
        return box

    async def test_the_older_card_asks_and_the_newer_puts_up_none(self, asked: Town) -> None:
        card = await asked.card_says(ONE)
        assert "A newer merge was tested:* <https://github.com/acme/shop/pull/2|#2>" in card
        assert f"#2> Change 2 by <@{BOB}>" in card
        assert not (await asked.of(TWO)).cards
        status = (await asked.said(TWO))["status"]
        assert "waits until <https://github.com/acme/shop/pull/1|#1> Change 1 is out" in status

    async def test_ship_both_leaves_it_to_the_newer_card(self, asked: Town) -> None:
        await asked.presses("both", ONE)
        assert not (await asked.of(ONE)).pending
        assert "superseded by the thread of" in (await asked.card_says(ONE))
        assert "superseded by the thread of" in (await asked.said(ONE))["status"]
        card = await asked.card_says(TWO)
        assert "*Ships:*" in card
        assert f"#1> Change 1 by <@{BOB}>" in card
        assert "Too late: #2 ships this one, too" in await asked.refusal("keep", ONE)

    async def test_keep_this_has_the_newer_wait_until_the_older_is_done(self, asked: Town) -> None:
        await asked.presses("keep", ONE)
        assert "waits until this is done" in await asked.card_says(ONE)
        await asked.merged(THREE)
        assert len((await asked.of(ONE)).offers) == 1
        assert (await asked.of(TWO)).joined is not None
        await asked.ships(ONE)
        assert not (await asked.of(TWO)).cards
        card = await asked.card_says(THREE)
        assert "#2> Change 2" in card

    async def test_waiting_asks_again_at_the_next(self, asked: Town) -> None:
        await asked.presses("wait", ONE)
        assert "the next merge that is tested is asked about" in await asked.card_says(ONE)
        await asked.merged(THREE)
        card = await asked.card_says(ONE)
        assert "A newer merge was tested:* <https://github.com/acme/shop/pull/3|#3>" in card
        assert "#2> Change 2" in card

    async def test_a_click_on_an_older_question_is_told_of_the_newer(self, asked: Town) -> None:
        await asked.merged(THREE)
        told = await asked.refusal("both", ONE, 0)
        assert told == "#3 is newer still: look at the card once more."
        await asked.presses("both", ONE, 1)
        assert "#1> Change 1" in await asked.card_says(THREE)

    async def test_a_second_answer_is_told_of_the_first(self, asked: Town) -> None:
        await asked.presses("keep", ONE, user=BOB)
        assert f"Too late: <@{BOB}> chose *Keep this*" in await asked.refusal("both", ONE)

    async def test_of_two_at_once_one_wins(self, asked: Town) -> None:
        both, keep = await asked.click(ONE), await asked.click(ONE)
        await asked.takes(both, lane_clicks.ship_both(both))
        with pytest.raises(Conflict):
            await asked.takes(keep, lane_clicks.keep_this(keep))
        assert "ships this one, too" in await asked.refusal("keep", ONE)

    async def test_what_nobody_asked_is_unknown(self, asked: Town) -> None:
        assert "this question" in await asked.refusal("both", ONE, 7)
        assert "this question" in await asked.refusal("both", ONE, -1)
        click = replace(await asked.click(ONE), call_id="x")
        assert lane_clicks.keep_this(click) == Refused("I do not know this card any more.")

    async def test_a_newer_one_that_was_stopped_ships_nothing(self, asked: Town) -> None:
        asked.thread_id = asked.thread_of(TWO)
        await asked.does(ev.StopRequested(user=BOB))
        told = await asked.refusal("both", ONE)
        assert told == "#2 is not ready to ship any more: this card stays."

    async def test_the_facts_that_a_click_relies_on_have_to_stand(self, asked: Town) -> None:
        click = await asked.click(ONE)
        asked.thread_id = asked.thread_of(TWO)
        await asked.does(ev.StopRequested(user=BOB))
        with pytest.raises(Conflict):
            await asked.takes(click, lane_clicks.ship_both(click))

    @pytest.mark.parametrize("end", ["reject", "expire", "stop"])
    async def test_an_older_one_that_is_over_holds_nobody(self, asked: Town, end: str) -> None:
        asked.thread_id = asked.thread_of(ONE)
        if end == "reject":
            await asked.takes(await asked.click(ONE), clicks.reject(await asked.no_words()))
        elif end == "stop":
            await asked.does(ev.StopRequested(user=BOB))
        else:
            await asked.later(24 * 3600 * 1000)
        assert (await asked.of(TWO)).pending

    async def test_words_choose_as_the_buttons_do(self, asked: Town) -> None:
        for words, chosen in (("ship only mine", "keep"), ("Wait for the next.", "wait")):
            click = await asked.click(ONE, text=words)
            decision = lane_clicks.heard(click)
            assert isinstance(decision, Accepted)
            [answered] = decision.events
            assert isinstance(answered, ev.NewerAnswered)
            assert answered.answer == chosen
        click = await asked.click(ONE, text="ship both")
        decision = lane_clicks.heard(click)
        assert decision is not None
        await asked.takes(click, decision)
        assert (await asked.of(ONE)).joined is not None

    async def test_where_nothing_is_asked_they_are_for_the_agent(self, box: Town) -> None:
        await box.merged(ONE)
        assert lane_clicks.heard(await box.click(ONE, text="ship both")) is None

    async def test_the_newer_thread_cannot_be_talked_into_a_card(self, asked: Town) -> None:
        asked.thread_id = asked.thread_of(TWO)
        await asked.says("deploy the backend")
        types = await asked.types()
        assert "tool_refused" in types
        assert "approval_requested" not in types

    async def test_an_older_one_that_waits_for_the_newer_does_not_hold_it(self, box: Town) -> None:
        await box.merged(ONE, TWO)
        waits = {f"waits/{box.thread_of(ONE)}": f"thread/{box.thread_of(TWO)}"}
        await box.log.append(Write(f"{REPO}/-", [], facts=waits, silent=True))
        await box.later(60_000)
        assert (await box.of(TWO)).pending

    async def test_an_approved_card_is_left_alone_and_the_newer_waits(self, box: Town) -> None:
        await box.merged(ONE)
        box.deployer.prepare("production frontend", RUNS)
        box.thread_id = box.thread_of(ONE)
        await box.approves(CARA)
        await box.merged(TWO)
        assert not (await box.of(ONE)).offers
        assert not (await box.of(TWO)).cards
        box.deployer.prepared.clear()
        await box.later(10_000)
        await box.ships(ONE)
        assert (await box.of(TWO)).pending


class TestOtherWays:
    async def test_newest_goes_by_itself_once_the_card_is_ten_minutes_old(self) -> None:
        box = town(supersede="newest")
        await box.merged(ONE, TWO)
        assert (await box.of(ONE)).pending
        await box.later(9 * 60_000)
        assert (await box.of(ONE)).pending
        await box.later(60_000)
        assert (await box.of(ONE)).joined is not None
        assert (await box.of(TWO)).pending

    async def test_newest_goes_at_once_where_the_card_is_old(self) -> None:
        box = town(supersede="newest")
        await box.merged(ONE)
        await box.later(11 * 60_000)
        await box.merged(TWO)
        assert (await box.of(ONE)).joined is not None

    async def test_newest_asks_where_people_have_written_or_approved(self) -> None:
        box = town(supersede="newest", approvals_needed=2)
        await box.merged(ONE)
        box.thread_id = box.thread_of(ONE)
        await box.approves(CARA)
        await box.later(11 * 60_000)
        await box.merged(TWO)
        state = await box.of(ONE)
        assert state.offer is not None
        assert state.pending

    async def test_never_has_the_newer_wait(self) -> None:
        box = town(supersede="never")
        await box.merged(ONE, TWO)
        await box.later(20 * 60_000)
        assert (await box.of(ONE)).pending
        assert not (await box.of(ONE)).offers
        assert not (await box.of(TWO)).cards
        await box.ships(ONE)
        assert (await box.of(TWO)).pending

    async def test_who_was_asked_nothing_yet_leaves_it_to_the_newer(self) -> None:
        source = FakeSource([OLD, *SHAS])
        box = town(source)
        source.away = True
        await box.merged(ONE, TWO)
        assert not (await box.of(ONE)).cards
        source.away = False
        await box.later(60_000)
        assert (await box.of(ONE)).joined is not None
        await box.later(60_000)
        assert "#1> Change 1" in await box.card_says(TWO)

    async def test_an_older_commit_that_comes_late_ships_with_the_newer(self) -> None:
        box = town(FakeSource([OLD, TWO, ONE]))
        await box.merged(ONE, TWO)
        joined = (await box.of(TWO)).joined
        assert joined is not None
        assert joined.into.sha == ONE
        assert "#2> Change 2" in await box.card_says(ONE)

    async def test_an_older_commit_that_comes_late_does_not_stop_a_newer_half_way(self) -> None:
        box = town(FakeSource([OLD, ONE, TWO]))
        await box.merged(TWO)
        await box.opens(ONE)
        late = {lanes.key(box.thread_of(ONE)): lanes.told(await box.of(ONE), "tested")}
        facts, seen = await box.log.facts(REPO) | late, box.thread_of(ONE)
        asks = await box.of(TWO)
        asks.met[seen] = ev.OrderSeen(other=seen, relation="older")
        with pytest.raises(ToolError, match="another merge of the same services"):
            refuse_out_of_turn(asks, facts, TWO)

        box.thread_id = box.thread_of(TWO)
        await box.approves(CARA)
        ships = await box.of(TWO)
        ships.met[seen] = asks.met[seen]
        assert ships.effects
        refuse_out_of_turn(ships, facts, TWO)

    async def test_teams_leave_each_others_cards_alone(self) -> None:
        source = FakeSource([OLD, *SHAS])
        box = Town(teams(), model=OfflinePlanner(), source=source)
        source.changed = ["web/a.ts"]
        await box.merged(ONE)
        source.changed = ["api/a.py"]
        await box.merged(TWO)
        assert (await box.of(ONE)).pending
        assert (await box.of(TWO)).pending
        assert not (await box.of(ONE)).offers
