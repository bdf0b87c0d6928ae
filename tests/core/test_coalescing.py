"""Merges that wait for staging are tested as one, and found out one by one if that is red."""

from dataclasses import replace

import pytest

from app.core import events as ev
from app.core import lanes, thread_clicks
from app.core.ports import Observation
from tests.core.box import OLD
from tests.core.town import (
    FOUR,
    ONE,
    RED,
    RUNS,
    SHAS,
    STAGES_ONE,
    THREE,
    TWO,
    Town,
    ends_staging,
    holds_staging,
    town,
)
from tests.fake_source import FakeSource
from tests.shop import BOB, REPO


@pytest.fixture(params=["by arrival", "by ancestry"])
def box(request: pytest.FixtureRequest) -> Town:
    return town(FakeSource([OLD, *SHAS]) if request.param == "by ancestry" else None)


class TestCoalescing:
    async def test_of_those_that_wait_the_newest_is_tested(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO, THREE, FOUR)
        await box.later(10_000)
        assert [await box.stage(sha) for sha in SHAS[:4]] == ["staging", None, None, "waiting"]
        await ends_staging(box)
        tested = {effect for effect in box.deployer.effects if effect.startswith("staging e2e")}
        assert tested == {f"staging e2e {ONE[:7]}", f"staging e2e {FOUR[:7]}"}

    async def test_its_thread_says_which_one_ships_it_and_is_over(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO, THREE)
        await box.later(10_000)
        said = await box.said(TWO)
        assert list(said) == ["status"]
        assert "↪️ ships with <https://github.com/acme/shop/pull/3|#3> Change 3" in said["status"]
        assert (await box.of(TWO)).plan_ended

    async def test_one_that_nobody_has_seen_yet_is_not_shown_any_more(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO)
        assert not (await box.messages(TWO))["status"].passed
        await box.merged(THREE)
        await box.later(10_000)
        assert (await box.messages(TWO))["status"].passed
        box.thread_id = box.thread_of(TWO)
        await box.does(ev.HumanSaid(user=BOB, text="where is mine?"))
        assert not (await box.messages(TWO))["status"].passed

    async def test_the_card_of_the_newest_lists_all_and_calls_their_authors(
        self, box: Town
    ) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO, THREE, FOUR)
        await box.later(10_000)
        await ends_staging(box)
        await box.presses("keep", ONE)
        await box.ships(ONE)
        card = await box.card_says(FOUR)
        for number in (4, 3, 2):
            assert f"|#{number}> Change {number} by <@{BOB}>" in card
        assert "*Ships also*" in (await box.said(FOUR))["status"]
        facts = await box.log.facts(REPO)
        assert [name for name in facts if name.startswith(lanes.RIDER)] == []

    async def test_what_has_begun_is_not_left_to_another(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO)
        await box.later(10_000)
        assert (await box.of(ONE)).joined is None

    async def test_no_merge_is_left_to_another_while_github_is_silent(self) -> None:
        source = FakeSource([OLD, *SHAS])
        box = town(source)
        holds_staging(box)
        await box.merged(ONE)
        source.away = True
        await box.merged(TWO, THREE)
        await box.later(10_000)
        assert [await box.stage(sha) for sha in (TWO, THREE)] == ["waiting", "waiting"]
        source.away = False
        await box.later(60_000)
        assert await box.stage(TWO) is None

    async def test_a_later_webhook_of_an_older_commit_swallows_nothing(self) -> None:
        box = town(FakeSource([OLD, ONE, THREE, TWO]))
        holds_staging(box)
        await box.merged(ONE, TWO, THREE)
        await box.later(10_000)
        assert [await box.stage(sha) for sha in (TWO, THREE)] == ["waiting", "waiting"]
        assert (await box.of(TWO)).met[box.thread_of(THREE)].relation == "older"

    async def test_commits_that_went_apart_are_not_left_to_each_other(self) -> None:
        box = town(FakeSource([OLD, ONE, TWO]))
        holds_staging(box)
        await box.merged(ONE, TWO, THREE)
        await box.later(10_000)
        assert [await box.stage(sha) for sha in (TWO, THREE)] == ["waiting", "waiting"]

    async def test_people_may_still_have_it_deployed_by_itself(self, box: Town) -> None:
        holds_staging(box)
        await box.merged(ONE, TWO, THREE)
        await box.later(10_000)
        box.thread_id = box.thread_of(TWO)
        await box.says(f"deploy the backend {TWO[:12]}")
        await box.later(10_000)
        state = await box.of(TWO)
        assert state.joined is None
        assert state.staging is not None
        assert state.staging.asked_for


class TestRed:
    @pytest.fixture
    async def red(self, box: Town) -> Town:
        """Let staging be red for three merges together."""
        holds_staging(box)
        await box.merged(ONE, TWO, THREE, FOUR)
        await box.later(10_000)
        box.deployer.prepared.clear()
        box.deployer.prepare("staging e2e", Observation(status="succeeded"), RED)
        await box.later(10_000)
        return box

    async def test_the_alert_names_those_that_are_in_it(self, red: Town) -> None:
        alert = (await red.said(FOUR))["alert:staging:1"]
        assert all(f"#{number}> Change {number}" in alert for number in (2, 3, 4))
        assert "Test one by one" in alert

    async def test_one_by_one_the_first_red_one_is_found(self, red: Town) -> None:
        red.deployer.prepare("staging e2e", Observation(status="succeeded"), RED)
        await red.presses("one by one", FOUR)
        await red.later(10_000)
        state = await red.of(FOUR)
        assert [staging.sha for staging in state.stagings] == [FOUR, TWO, THREE]
        assert state.question is not None
        assert state.question.text == ("#3 is red first. Green without it: #2. What should I do?")
        assert state.question.choices == (f"deploy {TWO[:12]}", "leave it")
        assert [slot for slot in await red.said(FOUR) if "alert" in slot] == ["alert:staging:1"]

    async def test_a_green_earlier_one_can_be_shipped(self, red: Town) -> None:
        red.deployer.prepare("staging e2e", Observation(status="succeeded"), RED)
        await red.presses("one by one", FOUR)
        await red.later(10_000)
        await red.ships(ONE)
        state = await red.of(FOUR)
        question = state.question
        assert question is not None
        click = replace(await red.click(FOUR), call_id=question.call_id, text="0")
        await red.takes(click, thread_clicks.choose(click))
        card = (await red.of(FOUR)).pending
        assert card is not None
        assert card.request.spec.sha == TWO

    async def test_where_all_others_are_green_it_is_the_newest(self, red: Town) -> None:
        await red.presses("one by one", FOUR)
        await red.later(10_000)
        question = (await red.of(FOUR)).question
        assert question is not None
        assert question.text.startswith("#4 is red first. Green without it: #3.")

    async def test_where_the_oldest_is_red_nothing_is_offered(self, red: Town) -> None:
        red.deployer.prepare("staging e2e", RED)
        await red.presses("one by one", FOUR)
        await red.later(10_000)
        question = (await red.of(FOUR)).question
        assert question is not None
        assert question.text.startswith("#2 is red first, and nothing before it is green.")

    async def test_clicks_that_come_too_late_are_told_why(self, red: Town) -> None:
        red.deployer.prepare(STAGES_ONE, RUNS)
        await red.presses("one by one", FOUR)
        assert "one by one already" in await red.refusal("one by one", FOUR)
        assert "only one merge" in await red.refusal("one by one", ONE)
        red.thread_id = red.thread_of(FOUR)
        await red.does(ev.StopRequested(user=BOB))
        assert "stopped this thread" in await red.refusal("one by one", FOUR)

    async def test_the_list_stays_when_they_are_tested_one_by_one(self, red: Town) -> None:
        await red.presses("one by one", FOUR)
        await red.later(10_000)
        alert = (await red.said(FOUR))["alert:staging:1"]
        assert all(f"#{number}> Change {number}" in alert for number in (2, 3, 4))
        assert "Test one by one" not in alert

    async def test_what_is_green_again_needs_none(self, red: Town) -> None:
        click = await red.click(FOUR, text="e2e")
        await red.takes(click, thread_clicks.retry(click))
        await red.later(10_000)
        assert "not red any more" in await red.refusal("one by one", FOUR)
