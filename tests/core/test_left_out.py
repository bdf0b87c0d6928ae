"""A merge that rides along hears which services the one that ships it did not bring out."""

import json

import pytest

from app.core import events as ev
from app.core import rides, thread_clicks
from app.core.endings import ending
from app.core.ports import Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, THREE, TWO, Town
from tests.fake_source import FakeSource
from tests.shop import BOB, REPO, repo_config

DAY_MS = 24 * 3600 * 1000
NAMED = "⚠️ <https://github.com/acme/shop/pull/2|#2> Change 2, which was to ship this, too,"
RUN = (("running/frontend", THREE), ("running/backend", OLD))
LEFT_OUT = f"{NAMED} is done and left out frontend"


@pytest.fixture
async def box() -> Town:
    """Let the second merge ship the first, too, and people want its backend alone."""
    source = FakeSource([OLD, ONE, TWO, THREE])
    box = Town(repo_config(), model=OfflinePlanner(), source=source)
    await box.runs_old()
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await says(box, TWO, "only the backend")
    return box


async def says(box: Town, sha: str, words: str) -> None:
    """Say something in the thread of a merge, which is then the one that goes on."""
    box.thread_id = box.thread_of(sha)
    await box.says(words)


async def goes_on(box: Town, sha: str) -> None:
    """Say `continue` in the thread of a merge."""
    click = await box.click(sha)
    await box.takes(click, thread_clicks.said(click.state, BOB, "continue", "1.2"))


async def ride(box: Town) -> str:
    """Return what the first merge is told of the second one."""
    return (await box.messages(ONE))["ride:0"].text


async def test_nothing_is_said_while_its_card_waits(box: Town) -> None:
    assert (await box.of(TWO)).pending
    assert not (await box.of(ONE)).rides


async def test_what_was_left_out_is_told_once_with_how_to_ask_for_it(box: Town) -> None:
    await box.ships(TWO)
    assert await ride(box) == (
        f"<@{BOB}>: {LEFT_OUT}. Say `continue` here to ask for frontend; what is said in the "
        "thread of #2 is for both."
    )
    status = (await box.said(ONE))["status"]
    assert LEFT_OUT in status
    assert "say `continue` to ask for frontend" in status
    assert "superseded by the thread of" not in status
    await box.later(DAY_MS)
    assert len((await box.of(ONE)).rides) == 1
    told = ending(await box.of(ONE), box.config)
    assert told == "#2, which was to ship it, is done and left out frontend"


async def test_continue_asks_for_it_and_for_nothing_else(box: Town) -> None:
    await box.ships(TWO)
    await goes_on(box, ONE)
    card = (await box.of(ONE)).pending
    assert card is not None
    assert [(step.name, step.spec.sha) for step in card.steps] == [("frontend", ONE)]
    assert f"{LEFT_OUT} · this was taken up again here" in await ride(box)
    await box.ships(ONE)
    assert (await box.of(ONE)).shipped == {"frontend": ONE}


async def test_when_the_other_asks_for_it_after_all_it_ships_both(box: Town) -> None:
    await box.ships(TWO)
    await says(box, TWO, "ship the frontend, too")
    assert "· it goes on since" in await ride(box)
    await box.ships(TWO)
    assert "superseded by the thread of" in (await box.said(ONE))["status"]
    assert "<@" not in await ride(box)


async def test_a_plan_that_ended_before_anything_went_out_is_told(box: Town) -> None:
    await says(box, TWO, "enough for today")
    assert f"{NAMED} is done and left out frontend and backend. Say" in await ride(box)


async def test_what_was_taken_back_was_not_left_out(box: Town) -> None:
    await box.ships(TWO)
    versions = {"versions/backend": json.dumps([OLD, TWO])}
    await box.log.append(Write(f"{REPO}/0", [], facts=versions, silent=True))
    await says(box, TWO, "roll back")
    await box.ships(TWO)
    assert list((await box.of(TWO)).rolled_back) == ["backend"]
    assert LEFT_OUT in await ride(box)


async def test_what_has_the_commit_already_was_not_left_out() -> None:
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO, THREE]))
    fact = {name: json.dumps({"sha": sha, "thread": f"{REPO}/0", "at": 0}) for name, sha in RUN}
    await box.log.append(Write(f"{REPO}/0", [], facts=fact, silent=True))
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await box.ships(TWO)
    state = await box.of(TWO)
    assert (state.shipped, state.there) == ({"backend": TWO}, {"frontend", "backend"})
    assert not (await box.of(ONE)).rides


async def test_what_the_rider_brought_out_itself_is_no_news_to_it(box: Town) -> None:
    state = await box.of(ONE)
    told = ev.RidersTold(how="left out", services=("frontend", "backend"))
    facts = rides.facts_of(await box.of(TWO), told)
    found = rides.told(state, box.config, facts)
    assert found is not None
    assert rides.concerns(state, found)
    state.shipped = {"frontend": ONE}
    found = rides.told(state, box.config, facts)
    assert found is not None
    assert found.change.services == ("backend",)
    state.shipped["backend"] = ONE
    found = rides.told(state, box.config, facts)
    assert found is not None
    assert not rides.concerns(state, found)


async def test_what_went_out_by_itself_meanwhile_is_not_listed_by_the_card_of_the_other() -> None:
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    assert "*Ships:*" in await box.card_says(TWO)
    await box.presses("stop", TWO)
    await goes_on(box, ONE)
    await box.ships(ONE)
    await goes_on(box, TWO)
    card = (await box.of(TWO)).pending
    assert card is not None
    assert [commit.sha for commit in card.request.facts.commits] == [TWO]
    said = await box.card_says(TWO)
    assert "*Ships:*" not in said
    assert "|#1>" not in said
