"""A merge whose services run a newer one already: it asks nobody, and blocks nobody."""

import json

from app.core import events as ev
from app.core import thread_clicks
from app.core.context import render
from app.core.ports import Observation, Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, RED, SHAS, THREE, TWO, Town, teams, town
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, repo_config

GREEN = Observation(status="succeeded")
ALL_NEWER = "frontend and backend run a newer commit, which has 1111111 in it."
BOTH, FRONTEND = ["web/a.ts", "api/a.py"], ["web/b.ts"]


def sharing(source: FakeSource) -> Town:
    """Let merges of one service and of two be asked about by one card each."""
    config = teams().model_copy(update={"approval": "plan"})
    return Town(config, model=OfflinePlanner(), source=source)


async def runs_newer(box: Town, *services: str) -> None:
    """Let production run the second merge of some services."""
    fact = json.dumps({"sha": TWO, "thread": box.thread_of(TWO), "at": 0})
    facts = {f"running/{service}": fact for service in services}
    await box.log.append(Write(box.thread_of(TWO), [], facts=facts, silent=True))


async def stopped(box: Town, sha: str) -> None:
    box.thread_id = box.thread_of(sha)
    await box.does(ev.StopRequested(user=BOB))


async def goes_on(box: Town, sha: str) -> None:
    box.thread_id = box.thread_of(sha)
    await box.does(ev.Continued(user=BOB))


class TestWithGitHub:
    async def test_a_merge_that_production_has_ends_without_a_card(self) -> None:
        box = town(FakeSource([OLD, ONE, TWO]))
        await runs_newer(box, "frontend", "backend")
        await box.merged(ONE)
        state = await box.of(ONE)
        assert not state.cards
        assert state.plan_ended == ALL_NEWER

    async def test_the_services_that_have_it_are_left_out_of_its_plan(self) -> None:
        box = town(FakeSource([OLD, ONE, TWO]), approval="plan")
        await runs_newer(box, "frontend")
        await box.merged(ONE)
        state = await box.of(ONE)
        assert state.pending is not None
        assert [step.name for step in state.pending.steps] == ["backend"]
        await box.ships(ONE)
        ended = (await box.of(ONE)).plan_ended
        newer = "frontend runs a newer commit, which has 1111111 in it."
        assert ended == f"On production now: backend 1111111. {newer}"

    async def test_a_card_that_was_overtaken_is_made_anew_with_what_is_left(self) -> None:
        source = FakeSource([OLD, *SHAS])
        box = sharing(source)
        source.changed = BOTH
        await box.merged(ONE)
        source.changed = FRONTEND
        await box.merged(TWO)
        first = (await box.of(ONE)).pending
        assert first
        await box.ships(TWO)
        said = await box.said(ONE)
        assert "production has changed since the card was made" in said[first.slot]
        assert "Ask again" not in said[first.slot]
        pending = (await box.of(ONE)).pending
        assert pending is not None
        assert [step.name for step in pending.steps] == ["backend"]

    async def test_a_card_that_a_rollback_left_behind_says_the_hold_that_it_placed(self) -> None:
        box = town(FakeSource([OLD, *SHAS]))
        await box.merged(ONE, TWO)
        await box.ships(ONE)
        await box.ships(TWO)
        await box.merged(THREE)
        box.thread_id = box.thread_of(TWO)
        await box.does(ev.RollbackOpened(user=CARA))
        await box.ships(TWO)
        pending = (await box.of(THREE)).pending
        assert pending is not None
        assert pending.request.spec.production_was == ONE
        assert pending.request.facts.hold
        assert "Release" in await box.card_says(THREE)

    async def test_a_merge_does_not_join_one_that_is_rolled_back(self) -> None:
        box = town(FakeSource([OLD, *SHAS]))
        await box.merged(ONE)
        await box.ships(ONE)
        box.deployer.prepare("staging e2e", RED)
        await box.merged(TWO)
        box.deployer.prepare("staging e2e", GREEN)
        await box.merged(THREE)
        box.deployer.prepare("production e2e", RED, RED)
        box.thread_id = box.thread_of(THREE)
        await box.approves(CARA)
        await box.approves(CARA)
        assert await box.stage(THREE) == "back"
        retry = await box.click(TWO, text="e2e")
        await box.takes(retry, thread_clicks.retry(retry))
        assert (await box.of(TWO)).joined is None
        assert "waits until <" in (await box.said(TWO))["status"]
        await box.ships(THREE)
        pending = (await box.of(TWO)).pending
        assert pending is not None
        assert pending.request.spec.production_was == ONE

    async def test_a_card_of_which_nothing_is_left_says_why_it_is_not_made_anew(self) -> None:
        box = town(FakeSource([OLD, ONE, TWO]))
        await box.merged(ONE)
        await runs_newer(box, "frontend", "backend")
        await box.ships(ONE)
        call_id = next(iter((await box.of(ONE)).cards))
        await box.does(ev.AskedAgain(call_id=call_id, user=CARA))
        assert (await box.of(ONE)).says[-1].text == (
            "I did not ask again: 1111111 is older than 2222222, which runs in production. "
            "Only a rollback may go back. "
            "Nothing has changed; write here what I should do instead."
        )

    async def test_words_that_insist_are_told_that_only_a_rollback_goes_back(self) -> None:
        box = Town(repo_config(), source=FakeSource([OLD, ONE, TWO]))
        await runs_newer(box, "backend")
        box.model.will("deploy_backend_to_prod", sha=ONE, reason="")
        await box.merged(ONE)
        state = await box.of(ONE)
        assert state.pending is None
        assert "is older than 2222222, which runs in production" in state.last_error

    async def test_what_ran_when_the_model_was_asked_is_not_what_it_was_told_before(self) -> None:
        box = Town(repo_config(), source=FakeSource([OLD, ONE, TWO]))
        await box.merged(ONE)  # its model is down
        await runs_newer(box, "backend")
        box.model.will("nothing_to_do", reason="")
        await box.later(61_000)
        turn = box.model.turns[-1]
        assert "has 1111111 and more: leave it out" in render(
            turn.state, turn.entries, turn.repo, turn.now
        )


class TestByArrival:
    async def test_a_merge_that_production_has_ends_without_a_card(self) -> None:
        box = town()
        await box.merged(ONE)
        await stopped(box, ONE)
        await box.merged(TWO)
        await box.ships(TWO)
        await goes_on(box, ONE)
        state = await box.of(ONE)
        assert state.pending is None
        assert state.plan_ended == ALL_NEWER

    async def test_words_that_insist_are_told_that_only_a_rollback_goes_back(self) -> None:
        box = Town(repo_config())
        for sha in (ONE, TWO):
            await box.merged(sha)
            await stopped(box, sha)
        await runs_newer(box, "backend")
        box.model.will("deploy_backend_to_prod", sha=ONE, reason="")
        await goes_on(box, ONE)
        state = await box.of(ONE)
        assert state.pending is None
        assert "is older than 2222222, which runs in production" in state.last_error
