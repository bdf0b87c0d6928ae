"""Whatever ships is named: on the card, at the end, and in the thread of each merge."""

import pytest

from app.core import also
from app.core.offered import can_ask_again
from app.core.ports import Observation
from app.model.offline import OfflinePlanner
from app.slack.blocks import Message
from app.slack.messages import render
from tests import payloads
from tests.core.box import OLD
from tests.core.town import ONE, RUNS, SHAS, THREE, TWO, Town, teams
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, REPO

DORA = "U0DORA"
API, BOTH = ["api/a.py"], ["api/a.py", "web/a.ts"]
DAY_MS = 24 * 3_600_000
FIRST = "<https://github.com/acme/shop/pull/1|#1> Change 1"
RIDES = f"• {FIRST} by <@{DORA}>"
BY_TWO = "the thread of <https://github.com/acme/shop/pull/2|#2> Change 2"
OUT = f"✅ backend has this on production already, by {BY_TWO}: nothing to continue"


class Shop(Town):
    """A frontend and a backend, whose merges change one of them or both."""

    def __init__(self, **changes: object) -> None:
        self.github = FakeSource([OLD, *SHAS])
        config = teams().model_copy(update={"people": {"bob": BOB, "dora": DORA}, **changes})
        super().__init__(config, model=OfflinePlanner(), source=self.github)

    async def changes(self, sha: str, files: list[str], author: str = "bob") -> None:
        """Merge a pull request that changes some files."""
        self.github.changed = files
        self.log.advance(1000)
        await self.opens(sha, author=author)
        await self.settles()

    async def here(self) -> dict[str, Message]:
        """Return every message of the thread that goes on."""
        facts, now = await self.log.facts(REPO), await self.log.now(REPO)
        return render(await self.state(), self.config, now, facts)

    async def status(self, sha: str) -> str:
        return (await self.said(sha))["status"]

    async def end(self, sha: str) -> str:
        """Return what the first end of a merge's plan says."""
        return next(said for slot, said in (await self.said(sha)).items() if "say:" in slot)


@pytest.fixture
async def shop() -> Shop:
    """Let dora's first merge, of the backend, wait for approval."""
    shop = Shop()
    await shop.runs_old()
    await shop.changes(ONE, API, author="dora")
    return shop


async def test_a_card_lists_an_older_merge_of_other_services_that_it_ships(shop: Shop) -> None:
    await shop.changes(TWO, BOTH)
    assert "*Ships:*" not in await shop.card_says(TWO)  # the frontend, which #1 leaves alone
    shop.thread_id = shop.thread_of(TWO)
    await shop.approves(CARA)
    assert RIDES in await shop.card_says(TWO)


async def test_a_waiting_card_ends_as_shipped_with_the_newer_one(shop: Shop) -> None:
    await shop.changes(TWO, BOTH)
    await shop.ships(TWO)
    assert OUT in await shop.status(ONE)
    said = await shop.card_says(ONE)
    assert f"went out by {BY_TWO}" in said
    assert "expired" not in said
    assert "Ask again" not in said
    assert f"*Went out with it:* {FIRST} by <@{DORA}>" in await shop.end(TWO)


async def test_nothing_is_posted_in_the_thread_of_a_merge_that_went_out_with_another(
    shop: Shop,
) -> None:
    before = await shop.messages(ONE)
    await shop.changes(TWO, BOTH)
    await shop.ships(TWO)
    await shop.later(60_000)
    assert list(await shop.messages(ONE)) == list(before)


async def test_of_what_is_left_a_new_card_asks() -> None:
    shop = Shop(approval="plan")
    await shop.runs_old()
    await shop.changes(ONE, BOTH)
    await shop.changes(TWO, API)
    await shop.ships(TWO)
    pending = (await shop.of(ONE)).pending
    assert pending is not None
    assert [step.name for step in pending.steps] == ["frontend"]


async def test_a_card_for_one_of_its_services_is_followed_by_one_for_the_other() -> None:
    shop = Shop()
    await shop.runs_old()
    await shop.changes(ONE, BOTH)
    await shop.ships(ONE)
    await shop.changes(TWO, BOTH)
    shop.thread_id = shop.thread_of(TWO)
    await shop.approves(CARA)
    await shop.changes(THREE, API)
    await shop.ships(THREE)
    state = await shop.of(TWO)
    first, second = state.cards.values()
    assert (first.status, second.status) == ("approved", "expired")
    assert state.plan_ended is not None
    assert state.verification is not None


async def test_a_merge_whose_card_expired_is_named_and_says_so(shop: Shop) -> None:
    await shop.later(DAY_MS)
    await shop.changes(TWO, API)
    assert RIDES in await shop.card_says(TWO)
    await shop.ships(TWO)
    assert OUT in await shop.status(ONE)
    assert "expired" not in await shop.status(ONE)
    state = await shop.of(ONE)
    assert not can_ask_again(state, next(iter(state.cards.values())))
    assert f"*Went out with it:* {FIRST} by <@{DORA}>" in await shop.end(TWO)


async def test_a_later_card_of_the_thread_calls_no_author_again() -> None:
    shop = Shop()
    await shop.runs_old()
    await shop.changes(ONE, BOTH, author="dora")
    await shop.later(DAY_MS)
    await shop.changes(TWO, BOTH)
    assert f"{RIDES}" in await shop.card_says(TWO)
    shop.thread_id = shop.thread_of(TWO)
    await shop.approves(CARA)
    said = await shop.card_says(TWO)
    assert f"• {FIRST} by dora" in said
    assert f"<@{DORA}>" not in said


async def test_an_approval_that_no_longer_counts_is_not_forgotten() -> None:
    shop = Shop(approvals_needed=2)
    await shop.runs_old()
    await shop.changes(ONE, API, author="dora")
    await shop.approves(CARA)
    await shop.later(DAY_MS)
    said = await shop.card_says(ONE)
    assert f"approved by <@{CARA}>" in said
    assert "(nobody rejected it)" in said


async def test_a_card_that_words_asked_for_lists_the_merge_itself_too(shop: Shop) -> None:
    await shop.later(DAY_MS)
    await shop.mentions(f"deploy {ONE[:7]} to the backend")
    said = "".join(payloads.words(m.text, m.blocks) for m in (await shop.here()).values())
    assert f"*Ships:*\n{RIDES}" in said
    await shop.approves(CARA)
    assert "✅ backend has this on production already, by another thread" in await shop.status(ONE)


async def test_a_merge_whose_own_deploy_failed_is_named_with_that(shop: Shop) -> None:
    await shop.changes(TWO, API)
    await shop.presses("keep", ONE)
    shop.deployer.prepare("production backend", Observation(status="failed", summary="disk full"))
    shop.thread_id = shop.thread_of(ONE)
    await shop.approves(CARA)
    assert "waiting for words" in await shop.status(ONE)
    await shop.later(60_000)
    assert f"{RIDES} · ⚠️ its own deploy failed" in await shop.card_says(TWO)
    shop.deployer.prepared.clear()
    await shop.presses("stop", ONE)  # it kept the backend until people said something
    await shop.ships(TWO)
    assert OUT.removeprefix("✅ ") in await shop.status(ONE)
    assert f"*Went out with it:* {FIRST} by <@{DORA}>" in await shop.end(TWO)


# Two cards that wait, and one brings out what the other asks for.

TOO = f"🆕 *A newer merge ships this, too:* {BY_TWO}, to backend. Once it is out"


@pytest.fixture
async def both(shop: Shop) -> Shop:
    """Let the card of the newer merge, of both services, ask for the backend."""
    await shop.changes(TWO, BOTH)
    assert TOO not in await shop.card_says(ONE)  # it asks for the frontend alone
    shop.thread_id = shop.thread_of(TWO)
    await shop.approves(CARA)
    return shop


async def test_the_older_card_names_the_newer_merge_that_ships_it_too(both: Shop) -> None:
    assert f"{TOO}, this card ends." in await both.card_says(ONE)
    assert RIDES in await both.card_says(TWO)
    assert (await both.of(ONE)).pending


async def test_it_names_it_no_more_when_people_reject_that(both: Shop) -> None:
    await both.rejects(user=CARA)
    assert TOO not in await both.card_says(ONE)
    assert not [name for name in await both.log.facts(REPO) if name.startswith(also.FACT)]


async def test_it_is_told_while_that_one_is_deployed(both: Shop) -> None:
    both.deployer.prepare("production backend", RUNS)
    await both.approves(CARA)
    assert TOO in await both.card_says(ONE)


async def test_the_one_that_goes_first_leaves_the_other_its_card(both: Shop) -> None:
    await both.ships(ONE)
    card = (await both.of(TWO)).pending
    assert card is not None
    assert RIDES not in await both.card_says(TWO)


async def test_a_plan_that_is_out_in_part_is_made_anew_for_the_rest() -> None:
    shop = Shop(approval="plan")
    await shop.runs_old()
    await shop.changes(ONE, BOTH)
    await shop.changes(TWO, API)
    assert f"{TOO}, it is made anew for the rest." in await shop.card_says(ONE)


async def test_so_it_names_another_thread_that_asks_for_its_commit(shop: Shop) -> None:
    await shop.mentions(f"deploy {ONE[:7]} to the backend")
    assert "🆕 *Asked for elsewhere, too:* another thread, to backend." in await shop.card_says(ONE)
