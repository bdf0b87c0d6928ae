"""A merge that people stopped or rejected hears when another one brings its commit out."""

import json

import pytest

from app.core import events as ev
from app.core import lane_clicks, lanes, outgoing, rides
from app.core.actions import Here
from app.core.clicks import Refused
from app.core.context import render
from app.core.endings import ending
from app.core.ports import Write
from app.core.records import Elsewhere
from app.core.rules.outgoing import hear_of_going_out
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, THREE, TWO, Town, teams, town
from tests.fake_source import FakeSource
from tests.shop import CARA, REPO, repo_config
from tests.story import Story

NAMED = "the thread of <https://github.com/acme/shop/pull/2|#2> Change 2"
OUT = f"frontend and backend have this on production already, by {NAMED}: nothing to continue"


@pytest.fixture
async def box() -> Town:
    """Let people stop the first merge; the second one, which has its commit, asks."""
    box = town(FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    await box.merged(ONE)
    await box.presses("stop", ONE)
    await box.merged(TWO)
    return box


async def status(box: Town) -> str:
    """Return what the status of the stopped merge says last."""
    await box.later(1000)
    return (await box.said(ONE))["status"]


async def test_a_stopped_merge_says_that_it_is_on_production_and_with_whom(box: Town) -> None:
    assert f"⏹️ stopped by <@{CARA}> · say `continue` to take it up again" in await status(box)
    await box.ships(TWO)
    said = await status(box)
    assert f"⏹️ stopped by <@{CARA}> · {OUT}" in said
    assert "say `continue`" not in said
    assert not [name for name in await box.log.facts(REPO) if name.startswith(outgoing.FACT)]


async def test_what_is_not_out_yet_can_be_taken_up(box: Town) -> None:
    box.thread_id = box.thread_of(TWO)
    await box.approves(CARA)
    assert (
        f"frontend has this on production already, by {NAMED} · "
        "say `continue` to take backend up again"
    ) in await status(box)


async def test_a_rejected_merge_says_so_too() -> None:
    pull = ev.Pull(thread_id=f"{REPO}/1", sha=TWO, number=2, title="", url="", author="", at=1)
    story = Story().merged().staged().asks().then(ev.ApprovalRejected(call_id="c1", user=CARA))
    story.then(ev.WentOut(by=pull, service="backend"))
    assert f"🚫 rejected by <@{CARA}> · backend has this on production already" in (
        story.says("status")
    )


async def test_a_thread_without_a_merge_is_not_named() -> None:
    by = ev.Pull(thread_id=f"{REPO}/1", sha="", number=0, title="", url="", author="", at=1)
    story = Story().merged().staged().then(ev.StopRequested(user=CARA))
    story.then(ev.WentOut(by=by, service="backend"))
    assert "has this on production already, by another thread · say" in story.says("status")


async def test_what_is_taken_back_can_be_taken_up_again(box: Town) -> None:
    await box.ships(TWO)
    assert "nothing to continue" in await status(box)
    box.thread_id = box.thread_of(TWO)
    versions = {f"versions/{s}": json.dumps([OLD, TWO]) for s in ("frontend", "backend")}
    await box.log.append(Write(f"{REPO}/0", [], facts=versions, silent=True))
    await box.says("roll back")
    await box.ships(TWO)
    assert (await box.of(TWO)).rolled_back
    back = "and was rolled back: backend and frontend by the thread of"
    said = await status(box)
    assert f"⏹️ stopped by <@{CARA}> · ↩️ went out with" in said
    assert back in said
    assert said.split("\n")[-1].endswith(" · say `continue` to take it up again")


async def test_the_model_reads_it(box: Town) -> None:
    await box.ships(TWO)
    await box.later(1000)
    entries = await box.log.read(box.thread_of(ONE))
    read = render(await box.of(ONE), entries, box.config, await box.log.now(REPO))
    assert "the other merge #2 brought this commit, too, to backend in production" in read


def test_only_what_the_merge_touches_is_left() -> None:
    state = Story().merged().state
    assert outgoing.left(state, teams()) == ["frontend", "backend"]
    state.change = ev.ChangeSeen(touched=("backend",), channel="C01DEPLOYS")
    assert outgoing.left(state, teams()) == ["backend"]


def test_a_job_brings_no_commit_out() -> None:
    assert outgoing.facts_of(Story().merged().state, "migrate", "job") == {}


def test_a_thread_that_cannot_be_read_whole_takes_nothing_up() -> None:
    state = Story().merged().state
    told = ev.WentOut(by=lanes.pull_of(state), service="backend").model_dump_json()
    here = Here(repo_config(), 0, {f"out/{state.thread_id}/backend": told})
    assert hear_of_going_out(state, here) is not None
    state.newer.append("of_a_newer_version")
    assert hear_of_going_out(state, here) is None


# Merges that another one was to ship.

BY_TWO = "✅ on production with <https://github.com/acme/shop/pull/2|#2> Change 2 · since"


async def buttons(box: Town) -> str:
    return str([message.blocks for message in (await box.messages(ONE)).values()])


@pytest.fixture
async def both() -> Town:
    """Let people choose that the second merge ships the first, an urgent one, too."""
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO, THREE]))
    await box.runs_old()
    await box.merged(ONE, label="urgent")
    await box.merged(TWO)
    await box.presses("both", ONE)
    return box


async def test_a_superseded_merge_says_that_it_is_out(both: Town) -> None:
    assert "which ships it, too" in await status(both)
    await both.ships(TWO)
    said = await status(both)
    assert BY_TWO in said
    assert "🚨" not in said
    assert "ships it" not in str(await both.said(ONE))
    assert "#2>, which brought it to production" in await both.card_says(ONE)
    assert "'stop'" not in await buttons(both)
    assert ending(await both.of(ONE), both.config) == "a newer merge ships it, #2"
    urgent = lane_clicks.urgent(await both.of(ONE), CARA)
    assert urgent == Refused("This is on production already, so nothing is left to hurry.")


async def test_it_is_told_by_an_edit_alone(both: Town) -> None:
    before = await both.messages(ONE)
    await both.ships(TWO)
    await both.later(1000)
    assert list(await both.messages(ONE)) == list(before)


async def test_half_of_it_is_not_all_of_it(both: Town) -> None:
    both.thread_id = both.thread_of(TWO)
    await both.approves(CARA)
    assert "which ships it, too" in await status(both)
    assert (await both.of(ONE)).is_urgent


async def test_it_says_so_when_it_was_rolled_back(both: Town) -> None:
    await both.ships(TWO)
    versions = {f"versions/{s}": json.dumps([OLD, TWO]) for s in ("frontend", "backend")}
    await both.log.append(Write(f"{REPO}/0", [], facts=versions, silent=True))
    both.thread_id = both.thread_of(TWO)
    await both.says("roll back")
    await both.ships(TWO)
    link = "<https://github.com/acme/shop/pull/2|#2> Change 2"
    assert f"↩️ went out with {link}, and was rolled back: " in await status(both)
    await both.merged(THREE)
    card = await both.card_says(THREE)
    one = "<https://github.com/acme/shop/pull/1|#1> Change 1"
    assert f"*Go out with it:* {link} and {one}, which were rolled back" in card
    assert "wrote:" not in card


async def test_one_that_waited_for_words_waits_no_more() -> None:
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    await box.merged(ONE)
    await box.turns_down(ONE)
    assert "'stop'" in await buttons(box)
    await box.merged(TWO)
    await box.ships(TWO)
    said = await status(box)
    assert f"🚫 rejected by <@{CARA}> · {OUT}" in said
    assert "waiting for words" not in said
    assert "'stop'" not in await buttons(box)


async def test_one_whose_card_expired_offers_nothing_any_more() -> None:
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    await box.merged(ONE)
    await box.later(24 * 3600 * 1000)
    assert "ask again on its card" in await status(box)
    await box.merged(TWO)
    await box.ships(TWO)
    said = await status(box)
    assert f"*Production*  ✅ {OUT}" in said
    assert "expired" not in said
    assert "ask again" not in said


async def test_one_that_was_left_behind_hears_that_a_third_one_brought_it(both: Town) -> None:
    await both.presses("stop", TWO)
    assert "did not go out" in await status(both)
    await both.merged(THREE)
    await both.ships(THREE)
    out = "✅ on production with <https://github.com/acme/shop/pull/3|#3> Change 3"
    assert out in await status(both)
    messages = await both.messages(ONE)
    assert out in messages["ride:0"].text
    assert messages["ride:0"].passed
    assert rides.broken(await both.of(ONE)) is None


async def test_words_that_are_being_read_keep_a_thread_open(both: Town) -> None:
    state = await both.of(ONE)
    told = ev.WentOut(by=lanes.pull_of(state), service="backend")
    state.went_out["frontend"] = Elsewhere(told.by, "", 0)
    assert outgoing.is_over(state, both.config, told)
    state.owes_step = True
    assert not outgoing.is_over(state, both.config, told)


def test_who_comes_along_when_a_service_is_out_already_hears_of_it() -> None:
    pull = ev.Pull(thread_id=f"{REPO}/1", sha=ONE, number=1, title="", url="", author="", at=1)
    told = Story().merged().staged().ships().brings(ev.Carried(pulls=(pull,))).facts
    [name] = [name for name in told if name.startswith(outgoing.FACT)]
    assert name == f"out/{REPO}/1/backend"
    assert not Story().merged().staged().brings(ev.Carried(pulls=(pull,))).facts


def test_a_thread_without_a_merge_that_ships_one_is_not_named() -> None:
    by = ev.Pull(thread_id=f"{REPO}/1", sha="", number=0, title="", url="", author="", at=1)
    story = Story().merged().staged().then(ev.Superseded(into=by))
    story.then(ev.WentOut(by=by, service="backend", over=True))
    assert "✅ on production with another thread · since" in story.says("status")
