"""Merges that are red on staging, and have one in them that was red before: that one is named."""

import pytest

from app.core import events as ev
from app.core import red
from app.core.ports import Observation
from tests.core.box import OLD
from tests.core.town import ONE, RED, SHAS, THREE, TWO, Town, holds_staging, town
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA

GREEN = Observation(status="succeeded")
FIRST = f"<https://github.com/acme/shop/pull/1|#1> Change 1 by <@{BOB}>"
NAMED = f"*Red before, and in it, too:*\n• {FIRST}"


@pytest.fixture(params=["by arrival", "by ancestry"])
async def box(request: pytest.FixtureRequest) -> Town:
    """Let a merge be red by itself, and then two after it together."""
    box = town(FakeSource([OLD, *SHAS]) if request.param == "by ancestry" else None)
    holds_staging(box)
    await box.merged(ONE, TWO, THREE)
    await box.later(10_000)
    box.deployer.prepared.clear()
    box.deployer.prepare("staging e2e", RED, RED)
    await box.later(10_000)
    return box


async def one_by_one(box: Town, *ends: Observation) -> None:
    """Have the merges of a red staging tested by themselves, with these ends."""
    box.deployer.prepare("staging e2e", *ends)
    await box.presses("one by one", THREE)
    await box.later(10_000)


async def test_the_alert_names_it_and_calls_its_author(box: Town) -> None:
    alert = (await box.said(THREE))["alert:staging:1"]
    assert "*In it are:*" in alert
    assert NAMED in alert
    assert "Red before" not in (await box.said(ONE))["alert:staging:1"]


async def test_one_by_one_the_verdict_starts_from_it(box: Town) -> None:
    await one_by_one(box, RED)
    state = await box.of(THREE)
    assert state.question is not None
    assert state.question.text == (
        "#1 by bob was red before, and #2, which has it, is too: nothing after it is green. "
        "What should I do?"
    )
    assert state.question.choices == ("run e2e on staging again", "leave it")
    assert NAMED in (await box.said(THREE))["alert:staging:1"]


async def test_where_one_after_it_is_green_it_is_not_to_blame(box: Town) -> None:
    await one_by_one(box, GREEN)
    question = (await box.of(THREE)).question
    assert question is not None
    assert question.text.startswith("#3 is red first. Green without it: #2.")


async def test_a_single_merge_names_it_too_until_one_is_green(box: Town) -> None:
    box.deployer.prepare("staging e2e", RED)
    await box.merged(SHAS[3])
    alert = (await box.said(SHAS[3]))["alert:staging:1"]
    assert NAMED in alert
    assert "Test one by one" not in alert
    await box.merged(SHAS[4])
    assert red.FACT not in await box.log.facts(box.config.name)


async def test_what_an_approver_overrode_is_not_named(box: Town) -> None:
    box.thread_id = box.thread_of(ONE)
    overridden = ev.StagingOverridden(sha=ONE, user=CARA, reason="the queue is flaky")
    await box.does(overridden)
    box.deployer.prepare("staging e2e", RED)
    await box.merged(SHAS[3])
    alert = (await box.said(SHAS[3]))["alert:staging:1"]
    assert "#1>" not in alert
    assert "#3>" in alert


async def test_one_that_people_stopped_was_not_red(box: Town) -> None:
    before = (await box.log.facts(box.config.name))[red.FACT]
    box.deployer.prepare("staging e2e", Observation(status="running"))
    await box.merged(SHAS[3])
    await box.does(ev.StopRequested(user=BOB))
    box.deployer.prepared.clear()
    await box.later(10_000)
    assert (await box.of(SHAS[3])).stagings[0].stopped
    assert (await box.log.facts(box.config.name))[red.FACT] == before
