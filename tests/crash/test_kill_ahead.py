"""The service is killed wherever a merge is approved while staging runs: red first, then green."""

from pathlib import Path

import pytest

from app.core import ahead
from app.core.state import State
from tests.adapters.github_bodies import SHA
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import Deploy
from tests.crash.points import Fault
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import REPO

# In the order in which they come: what is approved for the first run through staging lapses with
# it, what is approved for the second takes effect.
POINTS = (
    "append approval_prepared",
    "append approval_granted",  # with the card, in one write
    "append approval_expired",
    "append approval_took_effect",
)
TESTS = "staging e2e"


@pytest.mark.parametrize("recovery", [*CLASSES, *ACTIONS])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_kills_around_an_approval_ahead_let_only_what_is_green_run_and_once(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, when: str, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote, shop="plans") as box:
        points = [f"{when} {point}" for point in POINTS]
        first, *box.later = map(Fault, points)
        await box.start(first)
        state = await ApprovedAhead(box, SHA).plays()

        assert box.fired() == points
        lapsed, counted = state.cards.values()
        assert lapsed.text.startswith("staging of 4af9ec0 is red")
        assert (counted.request.ahead, counted.in_effect) == (2, True)
        for card in (lapsed, counted):
            [approval] = card.approvals
            assert approval.spec_hash == card.request.spec_hash
        assert sorted(box.target.production()) == [
            f"production {service} {SHA[:7]}" for service in ("backend", "frontend")
        ]
        assert max(box.target.starts.values()) <= (2 if recovery == "keyed" else 1)
        assert max(box.outside.posted().values(), default=0) <= 1
        assert await box.log.locks(REPO) == {}


class ApprovedAhead(Deploy):
    """A merge that is approved while its tests run on staging, which end only then."""

    def __init__(self, box: Crashes, sha: str) -> None:
        super().__init__(box, sha)
        self._tests = box.target
        self._tests.held.add(TESTS)

    async def _answer(self, state: State, instance: int) -> None:
        await self._box.revive()
        offered = ahead.offered(state)
        if offered:
            await self.click("approve_when_green", offered.call_id)
        elif state.ahead:
            self._let_end(state)
        else:
            self._tests.held.add(TESTS)  # for when they are run again
            await super()._answer(state, instance)

    def _let_end(self, state: State) -> None:
        """Let the tests end; up to now nothing may have come to production."""
        if state.staging and state.staging.passed is None:
            assert not self._tests.production()
            self._tests.red = {TESTS} if state.staging.number == 1 else set()
            self._tests.held.clear()
