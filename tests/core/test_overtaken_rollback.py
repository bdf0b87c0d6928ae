"""Production moves on while a rollback waits: it ends with one line, and never aims elsewhere."""

import json

import pytest

from app.core import events as ev
from app.core.ports import Write
from tests.core.box import OLD
from tests.core.town import ONE, RUNS, SHAS, THREE, TWO, Town, town
from tests.fake_source import FakeSource
from tests.shop import CARA, REPO

MOVED = "Production has changed since this rollback was asked for:"
ENDED = (
    f"{MOVED} frontend ran 2222222, and runs 3333333 now. So I roll back nothing. To go there all "
    'the same, say "roll back frontend to 1111111"; "roll back frontend" goes to the version '
    "before that."
)


async def asked(words: str = "roll back frontend", **changes: object) -> Town:
    """Let people ask for a rollback from the second merge to the first."""
    box = town(FakeSource([OLD, *SHAS]), **changes)
    for sha in (ONE, TWO):
        await box.merged(sha)
        await box.ships(sha)
    await box.mentions(words)
    card = await box.card()
    assert (card.request.spec.production_was, card.request.spec.sha) == (TWO, ONE)
    return box


async def ships_another(box: Town, sha: str = THREE) -> None:
    """Merge and ship another one meanwhile, and look at this thread again."""
    here = box.thread_id
    await box.merged(sha)
    await box.ships(sha)
    await looks(box, here)


async def looks(box: Town, thread_id: str) -> None:
    """Let the worker look at a thread within a minute."""
    box.thread_id = thread_id
    await box.later(60_000)


@pytest.mark.parametrize("words", ["roll back frontend", f"roll back frontend to {ONE[:7]}"])
async def test_it_ends_and_says_what_happened_and_how_to_go_on(words: str) -> None:
    box = await asked(words)
    await ships_another(box)
    state = await box.state()
    assert state.pending is None
    assert state.says[-1].text == ENDED
    said = str(await box.said_here())
    assert "⌛ given up: roll back frontend in production" in said
    assert "sk again" not in said
    await box.says(f"roll back frontend to {ONE[:7]}")
    again = (await box.card()).request.spec
    assert (again.production_was, again.sha) == (THREE, ONE)


async def test_what_goes_back_elsewhere_leaves_nothing_to_do() -> None:
    box = await asked()
    waits = box.thread_id
    box.thread_id = box.thread_of(TWO)
    await box.does(ev.RollbackOpened(user=CARA))
    await box.ships(TWO)
    await looks(box, waits)
    state = await box.state()
    assert state.pending is None
    assert state.question is None
    assert state.says[-1].text == (
        f"{MOVED} frontend ran 2222222, and runs 1111111 now. That is what was asked for: nothing "
        "is left to do."
    )


async def test_a_rollback_of_several_services_ends_as_well() -> None:
    box = await asked("roll back everything", approval="plan")
    await ships_another(box)
    state = await box.state()
    assert state.pending is None
    assert state.says[-1].text == (
        f"{MOVED} backend ran 2222222, and runs 3333333 now; frontend ran 2222222, and runs "
        "3333333 now. So I roll back nothing. To go there all the same, say "
        '"roll back backend to 1111111" and "roll back frontend to 1111111"; '
        '"roll back backend and frontend" goes to the versions before these.'
    )


async def test_one_that_expired_is_not_asked_for_again_with_another_target() -> None:
    box = await asked("roll back everything", approval="plan")
    call_id = (await box.card()).request.call_id
    await box.does(ev.ApprovalExpired(call_id=call_id, reason="nobody decided in time"))
    await ships_another(box)
    await box.does(ev.AskedAgain(call_id=call_id, user=CARA))
    state = await box.state()
    assert state.pending is None
    assert state.says[-1].text.startswith(MOVED)


async def test_what_went_back_before_that_is_kept_and_tested() -> None:
    box = await asked("roll back everything", approval="plan")
    box.deployer.prepare("production backend", RUNS)
    await box.approves(CARA)
    runs = json.dumps({"sha": THREE, "thread": f"{REPO}/0", "at": 0})
    await box.log.append(Write(f"{REPO}/0", [], facts={"running/frontend": runs}, silent=True))
    box.deployer.prepared.clear()
    await box.later(60_000)
    state = await box.state()
    assert (state.shipped, state.pending) == ({"backend": ONE}, None)
    assert state.says[-1].text.startswith(
        f"{MOVED} frontend ran 2222222, and runs 3333333 now. So I roll back nothing more."
    )
    assert state.verification is not None


async def test_words_that_come_later_are_answered() -> None:
    box = await asked()
    await ships_another(box)
    await box.says("roll back frontend")
    again = (await box.card()).request.spec
    assert (again.production_was, again.sha) == (THREE, TWO)
