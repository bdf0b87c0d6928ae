"""What "revert that" is about in the thread of a merge: its own services, and nobody else's."""

import json

import pytest

from app.core import events as ev
from app.core import way_back, words
from app.core.context import render
from app.core.ports import Write
from app.model import offline_replies
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.core.town import ONE, SHAS, THREE, TWO, Town, ends_staging, holds_staging, teams, town
from tests.fake_source import FakeSource
from tests.shop import CARA, REPO, repo_config
from tests.story import Story

NOTHING = (
    f"Nothing of {ONE[:7]} is on production, so there is nothing to take back here. "
    'To take back something else, say "roll back" and the name of its service.'
)


def running(sha: str, at: int = 0, kind: str = "deploy") -> str:
    return json.dumps({"sha": sha, "thread": "t", "at": at, "kind": kind})


# Which services it is about.


def test_in_the_thread_of_a_merge_it_is_what_runs_that_merge() -> None:
    state, repo = Story().merged().state, repo_config()
    new = str(state.sha)
    facts = {"running/frontend": running(new, 1), "running/backend": running(new, 2)}
    assert way_back.meant(state, repo, facts) == ("backend", "frontend")
    facts["running/backend"] = running("2" * 40, 3)
    assert way_back.meant(state, repo, facts) == ("frontend",)
    facts["running/frontend"] = running(new, 4, "rollback")
    assert way_back.meant(state, repo, facts) == ()
    assert way_back.meant(state, repo, {}) == ()


def test_what_the_merge_does_not_touch_is_not_its_own_but_what_the_thread_shipped_is() -> None:
    story = Story().merged().then(ev.ChangeSeen(touched=("backend",), channel="C01DEPLOYS"))
    facts = {"running/frontend": running(str(story.state.sha))}
    assert way_back.meant(story.state, repo_config(), facts) == ()
    state = story.state
    state.shipped = {"frontend": str(state.sha)}
    assert way_back.meant(state, repo_config(), facts) == ("frontend",)


def test_in_a_thread_that_people_began_it_is_what_changed_last() -> None:
    facts = {"running/frontend": running("1" * 40, 1)}
    assert way_back.meant(Story().mentioned().state, repo_config(), facts) == ("frontend",)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("roll back the Backend", True),
        ("roll backends back", True),
        ("revert that", False),
        ("the webbackend is slow", False),
    ],
)
def test_words_name_a_service(said: str, named: bool) -> None:
    assert words.names(said, "backend") is named


def test_words_name_a_service_in_whichever_spelling() -> None:
    assert all(
        words.names(f"revert {it}", "user_api") for it in ("user api", "User-API", "userapi")
    )


# In threads.


@pytest.fixture
async def box() -> Town:
    """Let a merge of the backend ask, after another team shipped its frontend."""
    source = FakeSource(SHAS[::-1])
    box = Town(teams(), model=OfflinePlanner(), source=source)
    source.changed = ["web/a", "api/a"]
    await box.merged(THREE)
    await box.ships(THREE)
    source.changed = ["web/b"]
    await box.merged(TWO)
    await box.ships(TWO)
    source.changed = ["api/b"]
    await box.merged(ONE)
    box.thread_id = box.thread_of(ONE)
    assert (await box.card()).request.spec.tool == "deploy_backend_to_prod"
    return box


@pytest.mark.parametrize("said", ["revert that", "roll back", "please roll it back"])
async def test_nothing_of_the_merge_is_out_so_it_is_said_and_the_card_stays(
    box: Town, said: str
) -> None:
    card = await box.card()
    await box.says(said)
    state = await box.state()
    assert state.says[-1].text == f"{NOTHING} The card above still waits for Approve."
    assert state.pending is not None
    assert state.pending.request == card.request
    await box.approves(CARA)
    assert (await box.state()).shipped == {"backend": ONE}


async def test_a_service_that_people_name_goes_back_whoever_shipped_it(box: Town) -> None:
    await box.says("roll back the frontend")
    assert (await box.card()).request.spec.tool == "rollback_frontend_in_prod"


async def test_what_the_thread_shipped_goes_back_and_no_more(box: Town) -> None:
    await box.approves(CARA)
    await box.says("revert that")
    spec = (await box.card()).request.spec
    assert (spec.tool, spec.sha) == ("rollback_backend_in_prod", THREE)
    await box.approves(CARA)
    state = await box.state()
    assert (state.pending, list(state.rolled_back)) == (None, ["backend"])


async def test_a_newer_commit_that_has_the_merge_is_named_instead(box: Town) -> None:
    running = ev.Running(service="backend", sha=TWO, source="recorded", ahead_of=ONE)
    await box.did(ev.FactsFetched(running=(running,)))
    said = offline_replies.nothing_back(await box.state())
    assert said == (
        "backend runs a newer commit, which has 1111111 in it. To take that back, say "
        '"roll back backend". The card above still waits for Approve.'
    )


async def test_words_that_found_nothing_to_take_back_take_nothing_back_later() -> None:
    """They are said on staging, before anything is looked up; the merge ships all the same."""
    box = town()
    await box.merged(TWO)
    await box.ships(TWO)
    holds_staging(box)
    await box.merged(ONE)
    box.thread_id = box.thread_of(ONE)
    await box.says("revert that")
    assert (await box.state()).says[-1].text == NOTHING
    await ends_staging(box)
    await box.ships(ONE)
    state = await box.state()
    assert (list(state.shipped), state.rolled_back) == (["frontend", "backend"], {})


async def test_what_is_looked_up_for_the_words_counts_for_them() -> None:
    """Another thread has brought the merge to production, since this one has looked."""
    box = town()
    await box.merged(TWO)
    await box.ships(TWO)
    await box.merged(ONE)
    box.thread_id = box.thread_of(ONE)
    fact = {"running/backend": running(ONE), "verified/backend": ONE}
    versions = {"versions/backend": json.dumps([TWO, ONE])}
    await box.log.append(Write("acme/shop/0", [], facts=fact | versions, silent=True))
    await box.says("revert that")
    spec = (await box.card()).request.spec
    assert (spec.tool, spec.sha) == ("rollback_backend_in_prod", TWO)


# What a model is told, and refused.


async def test_a_model_reads_what_going_back_is_about(box: Town) -> None:
    async def told() -> str:
        entries = await box.log.read(box.thread_id)
        return render(await box.state(), entries, box.config, await box.log.now(REPO))

    assert (
        f"nothing of {ONE[:7]} is on production: only what people name can go back" in await told()
    )
    await box.approves(CARA)
    await box.says("what is on production?")
    assert "to be taken back unless people name others: backend" in await told()


async def test_a_model_that_people_ask_elsewhere_reads_what_changed_last(box: Town) -> None:
    await box.mentions("what is on production?")
    state, entries = await box.state(), await box.log.read(box.thread_id)
    read = render(state, entries, box.config, await box.log.now(REPO))
    assert "changed last, together: frontend" in read


@pytest.mark.parametrize("plans", [False, True])
async def test_code_refuses_a_model_that_takes_back_what_is_not_of_the_thread(plans: bool) -> None:
    box = Box(repo_config(approval="plan" if plans else "call"))
    await box.has_old_version()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.merges()
    waits = (await box.card()).request
    if plans:
        box.model.will("propose_rollback", steps=["backend"], reason="")
    else:
        box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    box.model.will("reply", message="Nothing of this is on production.")
    await box.says("revert that")
    refused = [e.event for e in await box.log.read(box.thread_id)]
    assert [e.error for e in refused if isinstance(e, ev.ToolRefused)] == [
        "backend runs nothing of this thread, and nobody here named it: people have to"
    ]
    assert (await box.card()).request == waits
