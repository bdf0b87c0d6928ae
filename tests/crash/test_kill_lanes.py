"""The service is killed wherever merges of the same services tell each other who ships whom."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.state import State
from tests.crash import people
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import Deploy, to
from tests.crash.points import Fault
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import REPO
from tests.waiting import until

# In the order in which they come: a merge joins the next while both wait for staging, which takes
# it up; then the card of the one before both is asked about it, and a person lets it ship both.
POINTS = (
    "append order_seen",
    "append coalesced",
    "append carried",
    "append newer_offered",
    "append superseded",
)
ONE, TWO, THREE = (f"{number:07x}".ljust(40, "0") for number in (1, 2, 3))


@pytest.mark.parametrize("recovery", [*CLASSES, *ACTIONS])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_kills_between_merges_lose_none_of_them_and_ship_each_once(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, when: str, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        box.reminds = False
        first, *box.later = [Fault(f"{when} {point}") for point in POINTS]
        await box.start(first)
        one, two, three = (box.deploy(sha) for sha in (ONE, TWO, THREE))
        await two_waits_and_joins_three(box, one, two, three)
        await ship_both(box, one)

        end = await three.plays()
        assert end.thread_id == three.thread_id
        assert box.fired() == [f"{when} {point}" for point in POINTS]
        for deploy in (one, two):
            joined = (await deploy.state()).joined
            assert joined is not None
            assert joined.into.sha == THREE
        assert set(end.carried) == {one.thread_id, two.thread_id}
        assert sorted(box.target.production()) == [
            f"production backend {THREE[:7]}",
            f"production frontend {THREE[:7]}",
        ]
        assert max(box.outside.posted().values(), default=0) <= 1
        assert await box.log.locks(REPO) == {}


async def two_waits_and_joins_three(box: Crashes, one: Deploy, two: Deploy, three: Deploy) -> None:
    """Let the first be tested, and ask, once the second has joined the third while both wait."""
    box.target.held.add("staging e2e")
    await one.merge()
    await comes_to(box, one, lambda state: state.staging and len(state.staging.attempts) == 3)
    await two.merge()
    await three.merge()
    await comes_to(box, two, lambda state: state.joined)
    box.target.held.add("staging backend")  # of the third, which comes when the first has its card
    box.target.held.discard("staging e2e")
    await comes_to(box, one, lambda state: state.pending)
    box.target.held.clear()


async def ship_both(box: Crashes, one: Deploy) -> None:
    """Answer the question on the first card, once it is asked."""
    state = await comes_to(box, one, lambda state: state.offer)
    assert state.pending
    value = f"{one.thread_id}:{state.pending.request.call_id}:{len(state.offers) - 1}"
    await box.insist(to(people.click("ship_both", value)))


async def comes_to(box: Crashes, deploy: Deploy, holds: Callable[[State], object]) -> State:
    """Wait for a thread to come into a state, while what died is started again."""

    async def is_there() -> bool:
        await box.revive()
        return bool(holds(await deploy.state()))

    await until(is_there, 60)
    return await deploy.state()
