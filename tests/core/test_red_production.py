"""Production is red: every state says so, until tests are green."""

import pytest

from app.core import events as ev
from tests.core.town import ONE, RED, RUNS, TWO, Town, town
from tests.shop import CARA

RED_AND_BACK = "*Production*  ❌ tests failed · ↩️ rolled back backend and frontend · 🧪 testing"


@pytest.fixture
async def box() -> Town:
    """Let a card for the rollback of the second merge wait; the first one passed."""
    box = town()
    for sha in (ONE, TWO):
        await box.merged(sha)
        if sha == TWO:
            box.deployer.prepare("production e2e", RED, RED)
        box.thread_id = box.thread_of(sha)
        for _ in ("frontend", "backend"):
            await box.approves(CARA)
    return box


async def status(box: Town) -> str:
    return (await box.said(TWO))["status"]


async def test_the_card_for_the_rollback_says_why(box: Town) -> None:
    assert "❌ tests failed · 🔔 waiting for approval: roll back" in await status(box)


async def test_who_looks_while_the_rollback_is_tested_reads_that_production_was_red(
    box: Town,
) -> None:
    box.deployer.prepare("production e2e", RUNS)
    await box.approves(CARA)
    assert RED_AND_BACK in await status(box)


async def test_a_stop_of_the_thread_hides_it_no_more_than_the_tests(box: Town) -> None:
    box.deployer.prepare("production e2e", RUNS)
    await box.approves(CARA)
    await box.does(ev.StopRequested(user=CARA))
    said = await status(box)
    assert RED_AND_BACK in said
    assert f"stopped by <@{CARA}>" in said


async def test_green_tests_end_it(box: Town) -> None:
    await box.approves(CARA)
    said = await status(box)
    assert "*Production*  ↩️ rolled back and tested" in said
    assert "tests failed" not in said


async def test_tests_that_stay_red_say_after_what(box: Town) -> None:
    box.deployer.prepare("production e2e", RED, RED)
    await box.approves(CARA)
    said = await status(box)
    assert "*Production*  ❌ tests failed after the rollback · 💬 waiting for words" in said


async def test_tests_that_people_ask_for_do_not_hide_it(box: Town) -> None:
    box.deployer.prepare("production e2e", RUNS)
    await box.turns_down(TWO)
    await box.says("run e2e on production")
    assert "*Production*  ❌ tests failed · 🧪 testing" in await status(box)


async def test_where_is_it_says_what_was_done_since(box: Town) -> None:
    box.deployer.prepare("production e2e", RUNS)
    await box.approves(CARA)
    await box.says("what is happening?")
    lines = ["".join(piece.text for piece in line) for line in (await box.state()).says[-1].lines]
    assert "production tests were red: checkout; rolled back since: backend and frontend" in lines
