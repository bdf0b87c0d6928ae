"""After a rollback: every merge that it took out says so, when, and by which thread."""

import json

import pytest

from app.core import clicks
from app.core import events as ev
from app.core.ports import Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, THREE, TWO, Town
from tests.fake_source import FakeSource
from tests.shop import CARA, REPO, repo_config

SLACK = {"slack": "https://shop.slack.com/"}
ELSEWHERE = "<https://shop.slack.com/archives/C01DEPLOYS/p11|another thread>"
IN_THREAD_OF_TWO = "<https://shop.slack.com/archives/C01DEPLOYS/p77|the thread of #2> Change 2"


@pytest.fixture
async def box() -> Town:
    """Let the second merge bring the first out, too; production ran an old version before."""
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO, THREE]))
    await box.runs_old()
    versions = {f"versions/{s}": json.dumps([OLD, TWO]) for s in ("frontend", "backend")}
    await box.log.append(Write(f"{REPO}/0", [], facts=versions | SLACK, silent=True))
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await is_posted(box, TWO, "7.7")
    await box.ships(TWO)
    return box


async def is_posted(box: Town, sha: str, ts: str) -> None:
    box.thread_id = box.thread_of(sha)
    await box.does(ev.MessagePosted(slot="status", channel="C01DEPLOYS", ts=ts))


async def rolls_back(box: Town, words: str = "roll back") -> None:
    """Let somebody roll back in a thread of their own."""
    await box.later(1000)
    await box.mentions(words)
    await box.approves(CARA)
    await box.later(1000)


async def status(box: Town, sha: str) -> str:
    return (await box.said(sha))["status"]


async def today(box: Town) -> list[str]:
    """Ask what went out today."""
    await box.mentions("what went out today?")
    lines = (await box.state()).says[-1].lines
    return ["".join(piece.text for piece in line) for line in lines]


async def test_all_that_shipped_together_say_that_another_thread_took_them_back(box: Town) -> None:
    await rolls_back(box)
    one, two = await status(box, ONE), await status(box, TWO)
    rider = "↩️ went out with <https://github.com/acme/shop/pull/2|#2> Change 2, and was rolled back"
    assert f"{rider}: backend and frontend by {ELSEWHERE} · since <!date^" in one
    assert f"↩️ rolled back: backend and frontend by {ELSEWHERE} · since <!date^" in two
    assert "✅ done" not in two


async def test_it_is_told_by_edits_alone(box: Town) -> None:
    before = [list(await box.messages(sha)) for sha in (ONE, TWO)]
    await rolls_back(box)
    assert [list(await box.messages(sha)) for sha in (ONE, TWO)] == before


async def test_a_rollback_in_the_thread_that_shipped_them_is_linked_from_the_others(
    box: Town,
) -> None:
    box.thread_id = box.thread_of(TWO)
    await box.says("roll back")
    await box.ships(TWO)
    await box.later(1000)
    assert f"was rolled back: backend and frontend by {IN_THREAD_OF_TWO} · since <!date^" in (
        await status(box, ONE)
    )
    assert "↩️ rolled back and tested · <!date^" in await status(box, TWO)


async def test_what_was_rolled_back_offers_no_rollback_any_more(box: Town) -> None:
    assert "Roll back" in str(await box.said(TWO))
    await rolls_back(box)
    assert "Roll back" not in str(await box.said(TWO))


async def test_of_two_services_the_one_that_stayed_is_not_called_rolled_back(box: Town) -> None:
    await rolls_back(box, "roll back frontend")
    assert "and was rolled back: frontend by" in await status(box, ONE)
    assert "↩️ rolled back: frontend by" in await status(box, TWO)


async def test_red_tests_do_not_hide_it(box: Town) -> None:
    box.thread_id = box.thread_of(TWO)
    await box.did(ev.VerificationEnded(passed=False, failing_tests=("checkout",), versions={}))
    await rolls_back(box)
    assert f"❌ tests failed · ↩️ rolled back: backend and frontend by {ELSEWHERE}" in (
        await status(box, TWO)
    )


async def test_the_day_record_says_what_a_rollback_took_out(box: Town) -> None:
    await rolls_back(box)
    out, _, back, _ = await today(box)
    assert "frontend 2222222 · #2 Change 2 by bob · with #1 by bob" in out
    assert "backend rolled back to 0ddba11 · took out #2 by bob, #1 by bob · approved by" in back
    assert " · ↩️ rolled back " in out


async def test_who_asks_where_a_merge_is_hears_it_too(box: Town) -> None:
    await rolls_back(box)
    for number in (1, 2):
        await box.mentions(f"is #{number} on production?")
        lines = (await box.state()).says[-1].lines
        told = ["".join(piece.text for piece in line) for line in lines]
        assert any("backend had it on production, and was rolled back" in line for line in told)
        assert not any("has it on production" in line for line in told)


async def test_the_next_card_names_them_in_one_line(box: Town) -> None:
    await rolls_back(box)
    await box.merged(THREE)
    card = await box.card_says(THREE)
    assert (
        "⚠️ *Go out with it:* <https://github.com/acme/shop/pull/2|#2> Change 2 and "
        "<https://github.com/acme/shop/pull/1|#1> Change 1, which were rolled back"
    ) in card


async def test_what_goes_out_again_is_not_called_rolled_back_any_more(box: Town) -> None:
    await rolls_back(box)
    await box.merged(THREE)
    box.thread_id = box.thread_of(THREE)
    while (await box.state()).pending:
        click = await box.click(THREE)
        await box.takes(click, clicks.release(click))
        await box.approves(CARA)
    await box.later(1000)
    for sha in (ONE, TWO):
        assert "rolled back" not in await status(box, sha)


async def test_without_github_the_riders_are_known_from_the_thread_that_shipped_them() -> None:
    box = Town(repo_config(), model=OfflinePlanner())
    await box.runs_old()
    versions = {f"versions/{s}": json.dumps([OLD, TWO]) for s in ("frontend", "backend")}
    await box.log.append(Write(f"{REPO}/0", [], facts=versions, silent=True))
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await box.ships(TWO)
    await rolls_back(box)
    assert "and was rolled back: backend and frontend by another thread" in await status(box, ONE)
    assert "↩️ rolled back: backend and frontend by another thread" in await status(box, TWO)


async def test_every_deploy_since_the_version_that_it_goes_back_to_is_told(box: Town) -> None:
    await box.merged(THREE)
    await box.ships(THREE)
    await rolls_back(box, "roll back frontend to 0ddba11")
    for sha in (ONE, TWO, THREE):
        assert "rolled back: frontend by" in await status(box, sha)
    first, _, third, _, _ = await today(box)
    assert "↩️ rolled back" in first
    assert "↩️ rolled back" in third


async def test_what_runs_longer_than_the_version_that_it_goes_back_to_stays_out(box: Town) -> None:
    await box.merged(THREE)
    await box.ships(THREE)
    await rolls_back(box)
    assert "rolled back" not in await status(box, TWO)
    first, _, third, *_ = await today(box)
    assert "↩️" not in first
    assert "↩️ rolled back" in third
