"""A merge that people stopped or rejected hears when another one brings its commit out."""

import json

import pytest

from app.core import events as ev
from app.core import lanes, outgoing
from app.core.actions import Here
from app.core.context import render
from app.core.ports import Write
from app.core.rules.outgoing import hear_of_going_out
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import ONE, TWO, Town, teams
from tests.fake_source import FakeSource
from tests.shop import CARA, REPO, repo_config
from tests.story import Story

NAMED = "the thread of <https://github.com/acme/shop/pull/2|#2> Change 2"
OUT = f"frontend and backend have this on production already, by {NAMED}: nothing to continue"


@pytest.fixture
async def box() -> Town:
    """Let people stop the first merge; the second one, which has its commit, asks."""
    fact = json.dumps({"sha": OLD, "thread": f"{REPO}/0", "at": 0})
    facts = {"running/frontend": fact, "running/backend": fact}
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))
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
    assert f"⏹️ stopped by <@{CARA}> · say `continue` to take it up again" in await status(box)


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
