"""A merge that was red on staging, and whose commit goes out with a newer one that is green."""

import pytest

from app.core import events as ev
from app.core.declined import declined, spoken
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, RED, TWO, Town
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, repo_config
from tests.story import Story

NAMED = "<https://github.com/acme/shop/pull/1|#1> Change 1"
OUT = "by the thread of <https://github.com/acme/shop/pull/2|#2> Change 2"


@pytest.fixture
async def box() -> Town:
    """Let the first merge be red on staging; the second one, which has its commit, asks."""
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    box.deployer.prepare("staging e2e", RED)
    await box.merged(ONE)
    await box.merged(TWO)
    box.thread_id = box.thread_of(TWO)
    return box


async def buttons(box: Town) -> str:
    """Return the blocks of the red merge's messages, with their buttons."""
    return str([message.blocks for message in (await box.messages(ONE)).values()])


async def test_the_card_of_the_newer_one_names_it(box: Town) -> None:
    said = await box.card_says(TWO)
    assert f"⚠️ *Goes out with it:* {NAMED}, which was red on staging" in said


async def test_its_status_says_that_it_is_out_and_offers_no_retry(box: Town) -> None:
    assert "Retry all" in await buttons(box)
    await box.ships(TWO)
    await box.later(1000)
    said = (await box.said(ONE))["status"]
    assert f"*Production*  frontend and backend have this on production already, {OUT}" in said
    assert "continue" not in said
    assert "Retry" not in await buttons(box)


async def test_what_is_not_out_is_named_and_can_be_tested_again(box: Town) -> None:
    await box.approves(CARA)
    await box.later(1000)
    said = (await box.said(ONE))["status"]
    assert f"frontend has this on production already, {OUT} · backend does not" in said
    assert "Retry all" in await buttons(box)


def test_words_about_a_red_merge_are_quoted_beside_that() -> None:
    story = Story().merged().staged()
    story.then(ev.StagingEnded(sha=str(story.state.sha), passed=False, summary="2 failed"))
    state = story.then(ev.HumanSaid(user=BOB, text="it loses the cart", ts="1.1")).state
    told, said = declined(state), spoken(state)
    assert told is not None
    assert said is not None
    assert (told.how, told.user, said.text) == ("red", "", "it loses the cart")


def test_only_a_red_staging_of_its_own_that_counts_is_a_reason() -> None:
    assert declined(Story().merged().staged().state) is None
    assert declined(Story().merged().state) is None
    newer = ev.Pull(
        thread_id="acme/shop/fedcba9876", sha=TWO, number=2, title="", url="", author="bob", at=1
    )
    assert declined(Story().merged().then(ev.Coalesced(into=newer)).state) is None
    story = Story().merged().staged()
    sha = str(story.state.sha)
    story.then(ev.StagingEnded(sha=sha, passed=False, summary="2 failed"))
    assert declined(story.state) is not None
    other = ev.StagingRequested(sha=ONE, scope="all", user=CARA)
    assert declined(story.then(other).state) is None
    own = ev.StagingRequested(sha=sha, scope="all", user=CARA)
    story.then(own, ev.StagingEnded(sha=sha, passed=False, summary="2 failed"))
    assert declined(story.state) is not None
    story.then(ev.StagingOverridden(sha=sha, user=CARA, reason="known"))
    assert declined(story.state) is None
