"""What a newer merge adds to a card that waits: every pull request that comes with it."""

import pytest

from app.core import lane_clicks
from app.core.clicks import Accepted
from app.core.errors import SourceUnavailable
from app.core.offers import chosen
from app.core.ports import Comparison
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import FOUR, ONE, SHAS, THREE, TWO, Town, ends_staging, holds_staging, teams
from tests.core.town import town as new_town
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA


@pytest.fixture(params=["by arrival", "by ancestry"])
def box(request: pytest.FixtureRequest) -> Town:
    return new_town(FakeSource([OLD, *SHAS]) if request.param == "by ancestry" else None)


async def added(box: Town) -> list[int]:
    """Return the pull requests that the card of the first merge says would be added."""
    return [pull.number for pull in (await box.of(ONE)).offers[-1].pulls]


async def buttons(box: Town) -> str:
    return str([message.blocks for message in (await box.messages(ONE)).values()])


async def rushed(box: Town, *shas: str) -> None:
    """Merge more while the first one's card waits, faster than staging is."""
    await box.merged(ONE)
    holds_staging(box)
    await box.merged(*shas)
    await ends_staging(box)
    await box.later(10_000)


async def test_a_merge_that_rides_along_with_the_newer_one_is_listed(box: Town) -> None:
    await rushed(box, TWO, THREE)
    assert await added(box) == [3, 2]
    card = await box.card_says(ONE)
    assert "A newer merge was tested:* <https://github.com/acme/shop/pull/3|#3>. It adds:" in card
    assert f"#2> Change 2 by <@{BOB}>" in card
    assert "'Ship all 3'" in await buttons(box)
    assert "Ship both" not in await buttons(box)


async def test_so_are_all_that_were_left_to_it_on_the_way(box: Town) -> None:
    await rushed(box, TWO, THREE, FOUR)
    assert await added(box) == [4, 3, 2]
    assert "'Ship all 4'" in await buttons(box)
    await box.presses("both", ONE, len((await box.of(ONE)).offers) - 1)
    card = await box.card_says(FOUR)
    for number in (1, 2, 3):
        assert f"#{number}> Change {number} by <@{BOB}>" in card


async def test_who_was_first_is_named_by_what_they_chose(box: Town) -> None:
    await rushed(box, TWO, THREE)
    number = len((await box.of(ONE)).offers) - 1
    await box.presses("keep", ONE, number)
    assert "chose *Keep this*" in await box.refusal("both", ONE, number)
    state = await box.of(ONE)
    state.offers[-1].answer = "both"
    assert chosen(state, state.offers[-1]) == "*Ship all 3*"


@pytest.mark.parametrize("words", ["ship all 3", "Ship all three, please", "all of them"])
async def test_words_choose_as_the_button_does(box: Town, words: str) -> None:
    await rushed(box, TWO, THREE)
    click = await box.click(ONE, text=words)
    decision = lane_clicks.heard(click)
    assert isinstance(decision, Accepted)
    await box.takes(click, decision)
    joined = (await box.of(ONE)).joined
    assert joined is not None
    assert joined.into.sha == THREE


async def test_who_waits_for_a_hotfix_is_told_how_many_would_ship() -> None:
    box = new_town(FakeSource([OLD, *SHAS]), approvals_needed=2)
    await box.merged(ONE)
    await box.posts_card(ONE)
    await box.approves(CARA)
    await box.merged(TWO)
    await box.merged(THREE, label="urgent")
    await box.later(60_000)
    [slot] = [slot for slot in await box.said(ONE) if slot.startswith("hotfix:")]
    said = (await box.messages(ONE))[slot].text
    assert said.endswith("The card asks whether to ship all 3.")


async def test_one_that_comes_to_ship_with_it_later_is_asked_about_anew() -> None:
    box = new_town(FakeSource([OLD, *SHAS]))
    await box.merged(ONE, THREE)
    assert await added(box) == [3]
    assert "'Ship both'" in await buttons(box)
    await box.merged(TWO)
    assert await added(box) == [3, 2]
    told = await box.refusal("both", ONE, 0)
    assert told == "#3 brings more by now: look at the card once more."
    await box.presses("both", ONE, 1)
    assert "#2> Change 2" in await box.card_says(THREE)


async def test_once_somebody_chose_it_is_not_asked_again() -> None:
    box = new_town(FakeSource([OLD, *SHAS]))
    await box.merged(ONE, THREE)
    await box.presses("wait", ONE)
    await box.merged(TWO)
    assert len((await box.of(ONE)).offers) == 1


async def test_a_merge_that_people_stopped_comes_with_it_all_the_same() -> None:
    box = new_town(FakeSource([OLD, *SHAS]))
    await box.merged(ONE, TWO)
    await box.presses("stop", TWO)
    await box.merged(THREE)
    assert await added(box) == [3, 2]


async def test_a_merge_of_another_team_is_no_part_of_it() -> None:
    source = FakeSource([OLD, *SHAS])
    box = Town(teams(), model=OfflinePlanner(), source=source)
    await box.runs_old()
    for sha, path in ((ONE, "web/a"), (TWO, "api/a"), (THREE, "web/b")):
        source.changed = [path]
        await box.merged(sha)
    assert await added(box) == [3]


class Brief(FakeSource):
    """A GitHub that lists the newest commit of a comparison alone."""

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        compared = await super().compare(repo, base, head)
        return Comparison(compared.commits[:1], compared.ahead, compared.behind)


class Silent(FakeSource):
    """A GitHub that compares the same two commits no second time."""

    def __init__(self, branch: list[str]) -> None:
        super().__init__(branch)
        self.asked = set[tuple[str, str]]()

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        if (base, head) in self.asked:
            raise SourceUnavailable("GitHub does not answer")
        self.asked.add((base, head))
        return await super().compare(repo, base, head)


@pytest.mark.parametrize("source", [Brief, Silent])
async def test_what_github_does_not_list_is_known_from_the_threads(
    source: type[FakeSource],
) -> None:
    box = new_town(source([OLD, *SHAS]))
    await rushed(box, TWO, THREE)
    assert await added(box) == [3, 2]
