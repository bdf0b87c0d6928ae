"""Of threads that wait for each other's targets one gives way, however many there are."""

from app.core import events as ev
from app.core.ports import Write
from tests.core.box import REPO, SHA, Box

A, B = f"{REPO}/{'a' * 10}", f"{REPO}/{'b' * 10}"


async def waits(box: Box, thread_id: str, target: str, holder: str) -> None:
    """Let another thread wait for a target."""
    started = ev.ThreadStarted(
        thread_id=thread_id, repo=REPO, branch="main", channel="C01DEPLOYS", origin="mention"
    )
    waited = ev.LockWaited(target=target, holder=holder)
    await box.log.append(Write(thread_id, [started, waited], silent=True))


async def in_the_middle() -> Box:
    """Let a thread have the backend for good, and approve its frontend, which another one has."""
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.approves()
    await box.log.append(Write(A, [], take=["production/frontend"], silent=True))
    return box


async def test_one_that_waits_for_us_by_way_of_another_makes_us_give_way() -> None:
    box = await in_the_middle()
    await waits(box, A, "staging", B)
    await waits(box, B, "production/backend", box.thread_id)
    await box.approves()
    card = list((await box.state()).cards.values())[-1]
    assert (card.status, card.text) == (
        "expired",
        "production/frontend is held by a thread that waits for what this one holds",
    )


async def test_others_that_wait_for_each_other_are_waited_for() -> None:
    box = await in_the_middle()
    await waits(box, A, "staging", B)
    await waits(box, B, "production/other", A)
    await box.approves()
    assert await box.waits_for() == ("production/frontend", A)


async def test_one_that_waits_for_nothing_is_waited_for() -> None:
    box = await in_the_middle()
    await box.approves()
    assert await box.waits_for() == ("production/frontend", A)
