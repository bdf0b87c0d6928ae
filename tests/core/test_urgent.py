"""An urgent merge goes first, names what rides along, and bypasses nothing."""

from zoneinfo import ZoneInfo

import pytest

from app.core import lane_clicks
from app.core.clicks import Refused
from app.core.hours import Hours
from app.core.words import choice, says_urgent
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import (
    ONE,
    RUNS,
    SHAS,
    THREE,
    TWO,
    Town,
    ends_staging,
    holds_staging,
    teams,
    town,
)
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB, CARA, REPO

DORA = "U04DORA"


@pytest.fixture(params=["by arrival", "by ancestry"])
def box(request: pytest.FixtureRequest) -> Town:
    return town(FakeSource([OLD, *SHAS]) if request.param == "by ancestry" else None)


class TestUrgent:
    async def test_it_goes_before_those_that_wait(self) -> None:
        source = FakeSource([OLD, *SHAS])
        box = Town(teams(), model=OfflinePlanner(), source=source)
        box.deployer.prepare("staging frontend", RUNS)
        for sha, path in ((ONE, "web/a"), (TWO, "api/a")):
            source.changed = [path]
            await box.merged(sha)
        source.changed = ["web/a", "api/a"]
        await box.merged(THREE, label="urgent")
        await ends_staging(box)
        order = [e.removeprefix("staging e2e ") for e in box.deployer.effects if "ing e2e" in e]
        assert order == [ONE[:7], THREE[:7]]
        joined = (await box.of(TWO)).joined
        assert joined is not None
        assert joined.into.sha == THREE

    async def test_a_newer_one_does_not_swallow_it(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE)
        await box.merged(TWO, label="urgent")
        await box.merged(THREE)
        await box.later(10_000)
        assert await box.stage(TWO) == "waiting"
        assert await box.stage(THREE) == "waiting"

    async def test_an_older_one_rides_along_and_is_named(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO)
        await box.merged(THREE, label="urgent")
        await box.later(20_000)
        assert await box.stage(TWO) is None
        await ends_staging(box)
        card = await box.card_says(THREE)
        assert card.startswith(("<@", "<!")) or "🚨" in card
        assert "🚨 Deploy" in card
        assert "#2> Change 2" in card
        assert "🚨" in (await box.said(THREE))["status"]

    async def test_a_card_that_waits_for_nobody_in_particular_gives_way(self, box: Town) -> None:
        await box.merged(ONE)
        await box.merged(TWO, label="urgent")
        assert (await box.of(ONE)).joined is not None
        card = await box.card_says(TWO)
        assert "*Urgent.*" in card
        assert "#1> Change 1" in card

    @pytest.mark.parametrize("words", ["what is on production?", "wait 20 hours"])
    async def test_words_and_a_wait_do_not_keep_it_back(self, box: Town, words: str) -> None:
        await box.merged(ONE)
        box.thread_id = box.thread_of(ONE)
        await box.says(words)
        await box.merged(TWO, label="urgent")
        assert (await box.of(ONE)).joined is not None
        assert "#1> Change 1" in await box.card_says(TWO)

    async def test_what_people_wrote_last_is_quoted_on_its_card(self, box: Town) -> None:
        await box.merged(ONE)
        box.thread_id = box.thread_of(ONE)
        await box.says("what changed?")
        await box.says("who can approve, <!channel> *or* <@U03CARA>?")
        await box.merged(TWO, label="urgent")
        card = await box.card_says(TWO)
        assert "|#1> Change 1, of which alice wrote: “who can approve, &lt;" in card
        assert "<!channel>" not in card
        assert f"or <@{CARA}>" not in card
        assert "what changed?" not in card

    @pytest.mark.parametrize(
        ("words", "stays"), [("not before noon, there is a demo", True), ("not yet", False)]
    )
    async def test_words_are_quoted_also_where_they_hold_or_took_its_card(
        self, words: str, stays: bool
    ) -> None:
        box = town(FakeSource([OLD, *SHAS]))
        await box.runs_old()
        await box.merged(ONE)
        box.thread_id = box.thread_of(ONE)
        await box.says(words)
        assert ((await box.of(ONE)).pending is not None) == stays
        await box.merged(TWO, label="urgent")
        assert f"wrote: “{words}”" in await box.card_says(TWO)

    async def test_who_chose_to_ship_both_has_read_it(self, box: Town) -> None:
        await box.merged(ONE, TWO)
        box.thread_id = box.thread_of(ONE)
        await box.says("what changed?")
        await box.presses("both", ONE)
        assert "wrote:" not in await box.card_says(TWO)

    async def test_a_card_that_somebody_approved_is_asked_about(self) -> None:
        box = town(FakeSource([OLD, *SHAS]), approvals_needed=2)
        await box.merged(ONE)
        box.thread_id = box.thread_of(ONE)
        await box.approves(CARA)
        await box.merged(TWO, label="urgent")
        assert (await box.of(ONE)).offer is not None

    async def test_who_can_decide_a_card_hears_that_a_hotfix_waits_behind_it(self) -> None:
        box = town(FakeSource([OLD, *SHAS]), approvals_needed=2, approvers=(BOB, CARA, DORA))
        await box.merged(ONE)
        await box.posts_card(ONE)
        await box.approves(CARA)
        await box.merged(TWO, label="urgent")
        await box.later(60_000)
        [call] = (await box.of(ONE)).cards.popitem()[1].reminded
        assert (call.kind, call.whom) == ("hotfix", (DORA,))
        [slot] = [slot for slot in await box.said(ONE) if slot.startswith("hotfix:")]
        message = (await box.messages(ONE))[slot]
        assert message.text.startswith(
            f"🚨 <@{DORA}>: <https://github.com/acme/shop/pull/2|#2> Change 2 is urgent, and waits "
            "until the card above is decided: deploy frontend to production, `1111111`, waits since"
        )
        assert message.text.endswith(
            "1 of 2 approvals are there. The card asks whether to ship both."
        )
        assert not message.passed

    async def test_they_hear_it_at_night_too_and_are_reminded_in_the_morning(self) -> None:
        hours = Hours(frozenset(range(5)), 9 * 60, 17 * 60, ZoneInfo("UTC"))
        box = town(supersede="never", hours=hours)
        await box.merged(ONE)
        await box.posts_card(ONE)
        await box.merged(TWO, label="urgent")
        assert not hours.is_open(await box.log.now(REPO))
        messages = await box.messages(ONE)
        [slot] = [slot for slot in messages if slot.startswith("hotfix:")]
        assert not messages[slot].passed
        assert "whether to ship both" not in messages[slot].text

    async def test_nobody_hears_of_one_that_does_not_wait(self) -> None:
        box = town(supersede="never")
        await box.merged(ONE)
        await box.posts_card(ONE)
        await box.merged(TWO)
        assert not (await box.of(ONE)).cards.popitem()[1].reminded
        await box.merged(THREE, label="urgent")
        assert (await box.of(ONE)).cards.popitem()[1].reminded

    async def test_words_that_say_more_count_too(self, box: Town) -> None:
        await box.merged(ONE)
        box.thread_id = box.thread_of(ONE)
        await box.says("this is a hotfix, what changed?")
        await box.says("urgent, backend first please")
        assert f"🚨 urgent, says <@{ALICE}>" in (await box.said(ONE))["status"]

    async def test_words_say_so_too(self, box: Town) -> None:
        await box.merged(ONE)
        click = await box.click(ONE, text="This is urgent!", user=ALICE)
        decision = lane_clicks.heard(click)
        assert decision is not None
        await box.takes(click, decision)
        said = await box.said(ONE)
        assert f"🚨 urgent, says <@{ALICE}>" in said["status"]
        assert "🚨 Deploy" in await box.card_says(ONE)
        again = lane_clicks.heard(await box.click(ONE, text="urgent"))
        assert again == Refused("This is marked urgent already: it goes before all others.")

    async def test_it_needs_its_approval_all_the_same(self, box: Town) -> None:
        await box.merged(ONE, label="urgent")
        assert not [e for e in box.deployer.effects if e.startswith("production")]


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("this is a hotfix, backend first", True),
        ("urgent: customers cannot pay", True),
        ("we need it asap", True),
        ("customers were charged twice hotfix now", True),
        ("this is urgent, it can't wait", True),
        ("hotfix can wait till monday", False),
        ("urgent? no, take your time", False),
        ("the hotfix from yesterday is fine", False),
        ("it would be urgent if it were friday", False),
        ("a non-urgent cleanup", False),
        ("not urgent", False),
    ],
)
def test_urgent_is_what_says_so_and_not_what_denies_it(text: str, urgent: bool) -> None:
    assert says_urgent(text) is urgent


@pytest.mark.parametrize(
    "text", ["ship both please", "yes, ship both!", "please ship both of them"]
)
def test_a_choice_may_be_said_kindly(text: str) -> None:
    assert choice(text) == "both"
