"""Approved ahead of staging with other merges in it: what is shown of them, and what came since."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from app.core import ahead_clicks
from app.core import events as ev
from app.core.errors import SourceUnavailable
from app.core.ports import Comparison, Look, Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, RUNS, TWO, Town, teams
from tests.fake_source import FakeSource
from tests.fakes import FakeLog
from tests.shop import ALICE, CARA

NAMED = "<https://github.com/acme/shop/pull/1|#1> Change 1"
TAKES = f"⚠️ *Goes out with it:* {NAMED}, which `{CARA}` rejected in its thread"


async def asked_once(source: FakeSource | None = None, log: FakeLog | None = None) -> Town:
    """Let one card for both services wait; the next merge is for one of them."""
    config = teams().model_copy(update={"approval": "plan"})
    source = source or Touching([OLD, ONE, TWO])
    box = Town(config, model=OfflinePlanner(), source=source, log=log)
    await box.runs_old()
    await box.merged(ONE)
    return box


class Touching(FakeSource):
    """A GitHub whose first pull request changes both services, and the others the frontend."""

    silent = False

    async def files(self, repo: str, pull_request: int) -> list[str] | None:
        return ["web/a.ts", "api/a.py"] if pull_request == 1 else ["web/b.ts"]

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        if self.silent:
            raise SourceUnavailable("GitHub does not answer")
        return await super().compare(repo, base, head)


async def is_tested(box: Town, sha: str = TWO) -> None:
    """Merge another one, whose tests on staging take their time."""
    box.deployer.prepare("staging e2e", RUNS)
    await box.merged(sha)


async def approves_ahead(box: Town, sha: str = TWO) -> None:
    prepared = (await box.of(sha)).prepared
    assert prepared
    assert prepared.request
    click = await box.click(sha)
    about = replace(click, call_id=prepared.request.call_id)
    await box.takes(about, ahead_clicks.approve_when_green(about))


async def turns_green(box: Town) -> None:
    box.deployer.prepared.pop("staging e2e")
    await box.later(10_000)


def production(box: Town) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_the_offer_shows_what_a_card_would_of_other_merges() -> None:
    box = await asked_once()
    await box.turns_down(ONE)
    await is_tested(box)
    said = (await box.said(TWO))["status"]
    assert TAKES in said
    assert "*Going in:* 2 commits · <https://github.com/acme/shop/compare/" in said
    assert f"`{ONE[:7]}`" in said
    assert "<@" not in said
    await approves_ahead(box)
    assert TAKES in await box.card_says(TWO)


async def test_what_was_shown_and_approved_goes_out() -> None:
    box = await asked_once()
    await box.turns_down(ONE)
    await is_tested(box)
    await approves_ahead(box)
    await turns_green(box)
    assert production(box)


async def test_words_about_another_merge_are_quoted_too() -> None:
    box = await asked_once()
    box.thread_id = box.thread_of(ONE)
    await box.says("not before noon, there is a demo")
    await is_tested(box)
    assert "alice wrote: “not before noon, there is a demo”" in (await box.said(TWO))["status"]


async def lapsed(box: Town) -> str:
    """Return why what was approved ahead lapsed; a card asks in its place."""
    assert not production(box)
    first, asked = (await box.of(TWO)).cards.values()
    assert (first.status, asked.status) == ("expired", "pending")
    return first.text


async def test_a_merge_that_is_rejected_meanwhile_ends_it_and_a_card_asks() -> None:
    box = await asked_once()
    await is_tested(box)
    await approves_ahead(box)
    await box.turns_down(ONE)
    await turns_green(box)
    assert await lapsed(box) == "#1, which goes out with it, was rejected meanwhile"
    assert TAKES in await box.card_says(TWO)


async def test_words_that_come_meanwhile_end_it_too() -> None:
    box = await asked_once()
    await is_tested(box)
    await approves_ahead(box)
    box.thread_id = box.thread_of(ONE)
    await box.says("the carts are lost, careful")
    await turns_green(box)
    assert await lapsed(box) == (
        "people wrote about #1, which goes out with it, in its thread meanwhile"
    )
    assert "alice wrote: “the carts are lost, careful”" in await box.card_says(TWO)


class Interrupted(FakeLog):
    """A log in which something happens right before an approval ahead is to take effect."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def append(self, write: Write) -> Look | None:
        if self.meanwhile and any(isinstance(e, ev.ApprovalTookEffect) for e in write.events):
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return await super().append(write)


@pytest.mark.parametrize("what", ["rejected", "words"])
async def test_what_comes_between_the_last_look_and_its_record_ends_it_too(what: str) -> None:
    log = Interrupted()
    box = await asked_once(log=log)
    await is_tested(box)
    await approves_ahead(box)
    card = (await box.of(ONE)).pending
    assert card

    async def comes() -> None:
        box.thread_id = box.thread_of(ONE)
        rejected = ev.ApprovalRejected(call_id=card.request.call_id, user=CARA)
        said = ev.HumanSaid(user=ALICE, text="the carts are lost, careful")
        await box.did(rejected if what == "rejected" else said)

    log.meanwhile = comes
    await turns_green(box)
    assert log.meanwhile is None
    assert "#1, which goes out with it" in await lapsed(box)


LATER = [f"{number:040x}" for number in range(100, 130)]


async def test_commits_that_no_card_keeps_are_looked_through_once_more() -> None:
    source = Touching([OLD, ONE, *LATER, TWO])
    box = await asked_once(source)
    await is_tested(box)
    await approves_ahead(box)
    await box.turns_down(ONE)
    source.silent = True
    await turns_green(box)
    assert "waiting for GitHub, and going on when it answers" in await box.card_says(TWO)
    assert not production(box)
    source.silent = False
    await box.later(60_000)
    assert await lapsed(box) == "#1, which goes out with it, was rejected meanwhile"


async def test_a_branch_that_went_back_meanwhile_ends_it() -> None:
    source = Touching([OLD, ONE, *LATER, TWO])
    box = await asked_once(source)
    await box.turns_down(ONE)
    await is_tested(box)
    await approves_ahead(box)
    source.branch = [TWO, OLD]
    await turns_green(box)
    first = next(iter((await box.of(TWO)).cards.values()))
    assert first.status == "expired"
    assert "is older than" in first.text
    assert not production(box)
