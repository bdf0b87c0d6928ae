"""The service is killed wherever merges of the same services tell each other who ships whom."""

from pathlib import Path

import pytest

from tests.crash.crashes import crashes
from tests.crash.merges import ONE, THREE, TWO, ship_both, two_waits_and_joins_three
from tests.crash.points import Fault
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import REPO

# In the order in which they come: a merge joins the next while both wait for staging, which takes
# it up; then the card of the one before both is asked about it, and a person lets it ship both.
POINTS = (
    "append order_seen",
    "append coalesced",
    "append carried",
    "append newer_offered",
    "append superseded",
)


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
