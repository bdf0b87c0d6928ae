"""The service is killed where a merge that ships others ends without them, and one goes out later.

Whom it was to ship hears of it once, and so does it when a newer merge brings its commit out.
"""

from pathlib import Path

import pytest

from app.core import events as ev
from app.core.events import Event
from tests.crash import people
from tests.crash.crashes import crashes
from tests.crash.deploy import Deploy, to
from tests.crash.merges import ONE, THREE, TWO, comes_to, ship_both, two_waits_and_joins_three
from tests.crash.ordinary import ran_before
from tests.crash.points import Fault
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import REPO

FOUR = "0000004".ljust(40, "0")
# In the order in which they come: the third merge is stopped, which the second hears; then the
# fourth brings out what the third was about.
POINTS = ("append riders_told", "append ride_changed", "append went_out")


@pytest.mark.parametrize("recovery", [*CLASSES, *ACTIONS])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_kills_around_a_stopped_merge_let_everybody_hear_once(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, when: str, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        box.reminds = False
        await ran_before(box)
        first, *box.later = [Fault(f"{when} {point}") for point in POINTS]
        await box.start(first)
        one, two, three, four = (box.deploy(sha) for sha in (ONE, TWO, THREE, FOUR))
        await two_waits_and_joins_three(box, one, two, three)
        await box.insist(to(people.click("stop", three.thread_id)))
        await comes_to(box, two, lambda state: state.joined and state.joined.ride)

        await four.merge()
        await ship_both(box, one)
        await four.ends()
        await comes_to(box, three, lambda state: len(state.went_out) == 2)
        assert box.fired() == [f"{when} {point}" for point in POINTS]
        assert await count(three, ev.RidersTold) == await count(two, ev.RideChanged) == 1
        assert await count(three, ev.WentOut) == 2, "once for each service"
        assert sorted(box.target.production()) == [
            f"production backend {FOUR[:7]}",
            f"production frontend {FOUR[:7]}",
        ]
        assert max(box.outside.posted().values(), default=0) <= 1
        assert await box.log.locks(REPO) == {}


async def count(deploy: Deploy, kind: type[Event]) -> int:
    """Count the events of a kind in a thread."""
    entries = await deploy.entries()
    return sum(isinstance(entry.event, kind) for entry in entries)
