"""A merge whose very commit another thread deploys hears so, and its card does not wait on."""

import pytest

from app.core.ports import Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, TWO, Town
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, REPO, repo_config

LINK = "<https://shop.slack.com/archives/C01DEPLOYS/p11|another thread>"


@pytest.fixture
async def box() -> Town:
    """Let the card of a merge wait."""
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    facts = {"slack": "https://shop.slack.com/"}
    await box.log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))
    await box.merged(ONE)
    return box


async def deploys(box: Town, words: str = f"deploy {ONE[:7]}") -> None:
    """Let somebody ask for the commit in a thread of their own, and people approve it there."""
    await box.mentions(words)
    while (await box.state()).pending:
        await box.approves(CARA)
    await box.later(1000)


async def test_its_thread_says_that_it_is_out_and_by_which_thread(box: Town) -> None:
    await deploys(box)
    status = (await box.said(ONE))["status"]
    out = f"frontend and backend have this on production already, by {LINK}: nothing to continue"
    assert f"*Production*  ✅ {out}" in status
    assert "expired" not in status
    assert "Stop" not in status


async def test_its_card_says_so_and_asks_nobody_any_more(box: Town) -> None:
    await deploys(box)
    assert (await box.of(ONE)).pending is None
    card = await box.card_says(ONE)
    assert f"went out by {LINK}" in card
    assert "Ask again" not in card
    assert "expired" not in card


async def test_it_is_told_by_edits_alone(box: Town) -> None:
    before = list(await box.messages(ONE))
    await deploys(box, f"deploy {ONE[:7]} to frontend")
    await box.later(1000)
    after = [slot for slot in await box.messages(ONE) if "card:" not in slot]
    assert after == [slot for slot in before if "card:" not in slot]


async def test_what_is_left_of_it_is_asked_for(box: Town) -> None:
    await deploys(box, f"deploy frontend {ONE[:7]}")
    first, second = (await box.of(ONE)).cards.values()
    assert (first.status, second.request.specs[0].service) == ("expired", "backend")
    cards = [words for slot, words in (await box.said(ONE)).items() if "card:" in slot]
    assert f"went out by {LINK}" in cards[0]
    await box.ships(ONE)
    await box.later(1000)
    assert "✅ done and tested" in (await box.said(ONE))["status"]


async def test_the_author_is_called_where_it_went_out(box: Town) -> None:
    await deploys(box)
    [done] = [say for say in (await box.state()).says if say.because == "done"]
    link = "<https://github.com/acme/shop/pull/1|#1> Change 1"
    said = (await box.said_here())[f"say:{done.n}"]
    assert f"*Went out with it:* {link} by <@{BOB}>" in said


async def test_the_card_of_the_other_thread_says_that_people_rejected_it(box: Town) -> None:
    box.thread_id = box.thread_of(ONE)
    await box.rejects(user=CARA)
    await box.mentions(f"deploy {ONE[:7]}")
    [card] = [words for slot, words in (await box.said_here()).items() if "card:" in slot]
    assert f"Change 1, which `{CARA}` rejected in its thread" in card


async def test_the_day_names_it_once(box: Town) -> None:
    await deploys(box)
    await box.mentions("what went out today?")
    lines = (await box.state()).says[-1].lines
    told = ["".join(piece.text for piece in line) for line in lines]
    assert told
    assert all("#1 Change 1 by bob · approved by" in line for line in told)
