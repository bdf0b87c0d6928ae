"""The service is killed wherever a merge is approved while staging runs: red first, then green.

Or green, with another merge in it that somebody rejects while the service is dead or frozen.
"""

import signal
from pathlib import Path

import pytest

from app.core import ahead, ledger
from app.core import events as ev
from app.core.state import State
from tests.adapters.github_bodies import SHA
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import Deploy
from tests.crash.merges import comes_to
from tests.crash.ordinary import ran_before
from tests.crash.outside import ONLY_WEB
from tests.crash.points import Fault, Kind
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import BOB, CARA, REPO
from tests.waiting import until

# In the order in which they come: what is approved for the first run through staging lapses with
# it, what is approved for the second takes effect.
POINTS = (
    "append approval_prepared",
    "append approval_granted",  # with the card, in one write
    "append approval_expired",
    "append approval_took_effect",
)
TESTS = "staging e2e"
RIDER = "0000001".ljust(40, "0")
TOOK = "append approval_took_effect"
LAPSES = "append approval_expired"


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


@pytest.mark.parametrize(
    ("kind", "later"),
    [("stop", ()), ("kill", (f"before {LAPSES}",)), ("kill", (f"after {LAPSES}",))],
)
async def test_what_is_rejected_before_it_counts_does_not_go_out_unasked(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, kind: Kind, later: tuple[str, ...]
) -> None:
    async with crashes(tmp_path, clean_redis_url, "blind", zygote, shop="plans") as box:
        deploy = await is_struck_as_it_counts(box, Fault(f"before {TOOK}", kind=kind))
        await rejects_the_rider(box)
        box.later = [Fault(point) for point in later]
        box.services[0].signal(signal.SIGCONT)
        state = await deploy.ends()

        assert box.fired() == [f"before {TOOK}", *later]
        lapsed, asked = state.cards.values()
        assert lapsed.text == "#7, which goes out with it, was rejected meanwhile"
        assert (lapsed.status, lapsed.attempts) == ("expired", {})
        assert [said_no.how for said_no in asked.request.facts.declined] == ["rejected"]
        assert asked.approvers == [BOB]
        await went_out_once(box)


async def test_what_counts_already_is_asked_about_anew_where_somebody_says_no_before_it_begins(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "blind", zygote, shop="plans") as box:
        deploy = await is_struck_as_it_counts(box, Fault(f"after {TOOK}"))
        await rejects_the_rider(box)
        first, asked = (await deploy.ends()).cards.values()
        assert (first.status, first.in_effect, first.attempts) == ("expired", True, {})
        assert first.text == "people said no to #7, which goes out with it, so it is made anew"
        assert asked.approvers == [BOB]
        await went_out_once(box)


class OfTheFrontend(Deploy):
    """A merge for the frontend alone."""

    number = ONLY_WEB


async def is_struck_as_it_counts(box: Crashes, fault: Fault) -> Deploy:
    """Approve a merge ahead that brings another one, whose card waits, and let it turn green."""
    box.reminds = False
    await ran_before(box)
    await box.start(fault)
    await box.deploy(RIDER).waits_for_a_card()
    box.target.held.add(TESTS)
    deploy = OfTheFrontend(box, SHA)
    await deploy.merge()
    offered = ahead.offered(await comes_to(box, deploy, ahead.offered))
    assert offered
    await deploy.click("approve_when_green", offered.call_id)
    box.target.held.clear()
    await until(box.fired, 30)
    return deploy


async def rejects_the_rider(box: Crashes) -> None:
    """Reject the other merge, as the command line does while the service is away."""
    rider = await box.deploy(RIDER).state()
    assert rider.pending
    rejected = ev.ApprovalRejected(call_id=rider.pending.request.call_id, user=CARA)
    await box.log.append(ledger.write(rider, [rejected], await box.log.now(REPO)))


async def went_out_once(box: Crashes) -> None:
    """Fail unless the frontend alone went out, once, and nothing is left over."""
    assert box.target.production() == [f"production frontend {SHA[:7]}"]
    assert max(box.target.starts.values()) == 1
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
