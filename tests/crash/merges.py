"""Three merges of the same services: the third ships the second, and after a click the first."""

from collections.abc import Callable

from app.core.state import State
from tests.crash import people
from tests.crash.crashes import Crashes
from tests.crash.deploy import Deploy, to
from tests.waiting import until

ONE, TWO, THREE = (f"{number:07x}".ljust(40, "0") for number in (1, 2, 3))


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
