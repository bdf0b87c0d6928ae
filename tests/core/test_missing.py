"""What a thread set out to bring to production and did not: it says so, and how to try again."""

import pytest

from app.core import events as ev
from app.core.missing import Missing, missing
from app.core.ports import Observation
from app.slack.messages.missing import done_but, missing_lines
from tests.core.test_jobs import MIGRATION, merged, shop
from tests.core.town import ONE, TWO, Town, town
from tests.shop import BOB, CARA

FAILED = Observation(status="failed", summary="no disk")
MENDED = "To try again, say `deploy frontend`."


async def done(box: Town, sha: str = ONE) -> str:
    """Return what the newest end of a plan says."""
    ends = [f"say:{say.n}" for say in (await box.of(sha)).says if say.because == "done"]
    return (await box.said(sha))[ends[-1]]


async def headline(box: Town, sha: str = ONE) -> str:
    return (await box.said(sha))["status"]


async def half_done(approval: str) -> Town:
    """Let the frontend's deploy fail, and people go on with the backend."""
    box = town(approval=approval)
    box.deployer.prepare("production frontend", FAILED)
    await box.merged(ONE)
    await box.approves(CARA)
    await box.says("deploy the backend")
    await box.approves(CARA)
    return box


@pytest.mark.parametrize("approval", ["call", "plan"])
async def test_a_deploy_that_failed_is_said_at_the_end_with_the_words_that_try_it_again(
    approval: str,
) -> None:
    box = await half_done(approval)
    told = await done(box)
    assert "On production now: backend 1111111. frontend stays as it is." in told
    assert "❌ *frontend did not get it:* its deploy failed <!date^" in told
    assert MENDED in told
    status = await headline(box)
    assert "⚠️ done and tested, without frontend: its deploy failed · <!date^" in status
    assert "say `deploy frontend` to try again" in status
    assert "✅ done" not in status


async def test_these_words_make_its_card_and_nothing_is_missing_then() -> None:
    box = await half_done("plan")
    await box.says("deploy frontend")
    assert (await box.card()).request.spec.service == "frontend"
    await box.approves(CARA)
    assert "✅ done and tested · <!date^" in await headline(box)
    assert "did not get it" not in " ".join((await box.said(ONE)).values())


async def test_where_nothing_else_went_out_that_is_said_too() -> None:
    box = town()
    box.deployer.prepare("production frontend", FAILED)
    await box.merged(ONE)
    await box.approves(CARA)
    await box.says("stop here")
    assert "❌ *frontend did not get it:* its deploy failed" in await done(box)
    told = "⚠️ nothing went out · frontend: its deploy failed · say `deploy frontend` to try again"
    assert told in await headline(box)


async def test_what_people_rejected_is_said_with_who_did() -> None:
    box = town()
    await box.merged(ONE)
    await box.approves(CARA)
    await box.turns_down(ONE)
    assert "💬 waiting for words" in await headline(box)
    await box.says("skip the backend")
    told = await done(box)
    assert f"🚫 *backend did not get it:* rejected by `{CARA}` <!date^" in told
    assert "To try again, say `deploy backend`." in told
    assert f"without backend: rejected by `{CARA}`" in await headline(box)


async def test_what_people_left_out_is_in_the_headline_alone() -> None:
    box = town()
    await box.merged(ONE)
    await box.says("only the backend")
    await box.approves(CARA)
    assert "✅ done and tested, without frontend · <!date^" in await headline(box)
    assert "did not get it" not in await done(box)


async def test_a_job_that_failed_is_named_too() -> None:
    box = await merged(shop(), MIGRATION, "backend/cards.py")
    box.deployer.prepare("production migrate", FAILED)
    await box.approves(CARA)
    await box.approves(CARA)
    await box.says("stop here")
    state = await box.state()
    job, backend = missing(state, box.config)
    assert (job.name, job.how, job.words) == ("migrate", "failed", "run migrate")
    assert backend == Missing("backend", "left out")
    [told] = missing_lines(state, box.config)
    assert told.startswith("❌ *migrate did not run:* it failed <!date^")
    assert told.endswith("To try again, say `run migrate`.")
    assert done_but(state, box.config) == (
        "⚠️",
        ", without migrate and backend",
        " · say `run migrate` to try again",
    )


async def test_a_cancelled_deploy_is_no_failed_one() -> None:
    box = town()
    box.deployer.prepare("production frontend", Observation(status="cancelled", summary="enough"))
    await box.merged(ONE)
    await box.approves(CARA)
    [first, _] = missing(await box.state(), box.config)
    assert (first.name, first.how) == ("frontend", "cancelled")
    [told] = missing_lines(await box.state(), box.config)
    assert told.startswith("⏹️ *frontend did not get it:* its deploy was cancelled <!date^")


# A rollback that people did not want.


async def taken_back() -> Town:
    """Let somebody ask for the rollback of a deploy that is done and green."""
    box = town()
    for sha in (ONE, TWO):
        await box.merged(sha)
        await box.ships(sha)
    await box.does(ev.RollbackOpened(user=BOB))
    assert (await box.card()).takes_back
    return box


async def test_a_rejected_rollback_leaves_the_headline_of_what_is_out() -> None:
    box = await taken_back()
    await box.turns_down(TWO)
    status = await headline(box, TWO)
    assert "✅ done and tested" in status
    assert f" · rollback rejected by <@{CARA}>" in status
    assert " · 💬 waiting for words" in status
    assert "🚫" not in status
    await box.says("stop here")
    status = await headline(box, TWO)
    assert "✅ done and tested" in status
    assert f" · rollback rejected by <@{CARA}>\nChanged here:" in status
    assert "waiting for words" not in status


async def test_an_expired_rollback_does_too() -> None:
    box = await taken_back()
    await box.later(2 * 24 * 3_600_000)
    status = await headline(box, TWO)
    assert "✅ done and tested" in status
    assert " · ⌛ rollback not approved in time: ask again on its card" in status
