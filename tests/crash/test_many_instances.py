"""Several instances on one store: they share the work, and replace one that froze or died."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.chance import SOAK, report
from tests.crash.crashes import LEASE_SECONDS, Crashes, crashes
from tests.crash.deploy import is_at_its_end
from tests.crash.points import Fault, Kind
from tests.crash.standby import SECOND, standby, taken_over, wakes
from tests.forks import Zygote
from tests.shop import BOB, CARA
from tests.waiting import until

CLICKS = 100
# What is promised: a dead or frozen instance is replaced within its lease, and this.
GRACE_SECONDS = 5
LEASES = (LEASE_SECONDS, 30.0) if SOAK else (LEASE_SECONDS,)
EFFECTS = ["production backend 4af9ec0", "production frontend 4af9ec0"]
POINTS = (
    "after append tool_started staging",
    "before model",
    "before append approval_requested",
    "after append tool_started production",
    "after start production",
    "before append tool_ended production",
    "before append verification_ended",
)


async def test_a_hundred_clicks_on_three_instances_are_one_execution(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "blind", zygote) as box:
        await box.start(None, None, None)
        deploy = box.deploy()
        call_id = await deploy.waits_for_a_card()
        users = (BOB, CARA)
        clicks = [deploy.click("approve", call_id, n % 3, users[n % 2]) for n in range(CLICKS)]
        await asyncio.gather(*clicks)
        await until(lambda: len(box.outside.whispers) == CLICKS - 1, 30)

        tries = 0
        while (late := told(box, "approved this already")) < CLICKS - 1:
            asked = told(box, "Nothing was recorded, try again")  # so they do
            assert asked > tries, box.outside.whispers
            await asyncio.gather(*(deploy.click("approve", call_id) for _ in range(asked - tries)))
            tries = asked
            await until(lambda n=CLICKS - 1 + asked: len(box.outside.whispers) == n, 30)
        assert late == CLICKS - 1
        [first] = (await deploy.state()).cards[call_id].approvers
        own = told(box, "You approved this already")
        assert told(box, f"<@{first}> approved this already") == late - own >= CLICKS // 2

        await deploy.ends()
        assert sorted(box.target.production()) == EFFECTS


def told(box: Crashes, sentence: str) -> int:
    """Count those who were told something."""
    return sum(sentence in whisper["text"] for whisper in box.outside.whispers)


@pytest.mark.parametrize("lease", LEASES)
@pytest.mark.parametrize("kind", ["kill", "stop"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_dead_or_frozen_instance_is_replaced_within_its_lease(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, point: str, kind: Kind, lease: float
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote, lease) as box:
        async with standby(box, Fault(point, kind=kind)) as deploy:
            seconds = await taken_over(box, deploy, box.fired_at(), lease + GRACE_SECONDS)
        report("replaced", by=kind, at=point, lease=lease, seconds=round(seconds, 2))
        assert seconds <= lease + GRACE_SECONDS

        await deploy.plays(instance=SECOND)
        assert sorted(box.target.production()) == EFFECTS


@pytest.mark.parametrize("point", POINTS)
async def test_a_frozen_instance_that_wakes_up_appends_nothing_and_sends_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, point: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote) as box:
        async with standby(box, Fault(point, kind="stop")) as deploy:
            await deploy.plays(instance=SECOND)
            before = await box.log.read(deploy.thread_id)
            starts = box.target.starts.copy()
            await wakes(box)
        after = await box.log.read(deploy.thread_id)
        new = [entry.event.type for entry in after[len(before) :]]
        assert [kind for kind in new if kind != "message_posted"] == []
        assert box.target.starts == starts
        assert sorted(box.target.production()) == EFFECTS


async def test_one_that_froze_in_its_send_is_refused_by_a_keyed_target(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote) as box:
        async with standby(box, Fault("before start production", kind="stop")) as deploy:
            await deploy.plays(instance=SECOND)
            assert box.target.refusals == 0
            await wakes(box)
        assert box.target.refusals == 1
        assert sorted(box.target.production()) == EFFECTS


@pytest.mark.parametrize("recovery", ["queryable", "blind"])
async def test_one_that_froze_in_its_send_may_still_send_it_before_it_is_called_off(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        async with standby(box, Fault("before start production", kind="stop")) as deploy:
            await deploy.reaches(lambda state: state.unknown, instance=SECOND)
            await wakes(box)
            state = await deploy.plays(instance=SECOND)
        assert [run.outcome for run in state.runs.values() if run.stated_by] == ["succeeded"]
        assert sorted(box.target.production()) == EFFECTS


@pytest.mark.parametrize("woken", ["before", "after"])
@pytest.mark.parametrize("recovery", ["queryable", "blind"])
async def test_it_did_not_happen_counts_only_once_nothing_can_be_sent_any_more(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, recovery: str, woken: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        fault = Fault("after append tool_started production", kind="stop")
        async with standby(box, fault) as deploy:
            unknown = (await deploy.reaches(lambda s: s.unknown, instance=SECOND)).unknown
            assert unknown
            call_id = str(unknown.call_id)
            await deploy.click("did_not_happen", call_id, SECOND)
            await until(lambda: box.outside.whispers)
            assert "It may still be on its way until" in box.outside.whispers[-1]["text"]
            assert (await deploy.state()).unknown

            if woken == "before":
                await wakes(box)
            await box.passes(60_000)
            await deploy.click("did_not_happen", call_id, SECOND)
            assert (await deploy.state()).unknown is None
            if woken == "after":
                await wakes(box)
            assert box.target.starts[unknown.attempt.attempt_id] == 0
            state = await deploy.plays(instance=SECOND)
        assert [run.outcome for run in state.runs.values() if run.stated_by] == ["failed"]
        assert sorted(box.target.production()) == EFFECTS


# Between the last check and the bytes on the wire nothing can hold a process that froze there: it
# may still send, and then the last look of the next card finds what the target runs.
@pytest.mark.skipif(not SOAK, reason="a send's deadline is 30 s of real time: make soak waits")
async def test_one_that_slept_in_its_send_past_its_deadline_makes_no_second_effect(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "queryable", zygote) as box:
        async with standby(box, Fault("before start production", kind="stop")) as deploy:
            state = await deploy.reaches(lambda state: state.unknown, instance=SECOND)
            assert state.unknown
            call_id = str(state.unknown.call_id)

            async def is_called_off() -> bool:
                await deploy.click("did_not_happen", call_id, SECOND)
                return (await deploy.state()).unknown is None

            async def is_settled() -> bool:
                state = await deploy.state()
                if state.pending:
                    await deploy.click("approve", state.pending.request.call_id, SECOND)
                return is_at_its_end(state) or bool(state.says) or state.lapsed

            await until(is_called_off, 60)
            await wakes(box)
            await until(is_settled, 60)
        assert box.target.production().count("production frontend 4af9ec0") == 1


async def test_a_frozen_instance_shares_the_work_again_when_it_wakes_up(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote) as box:
        async with standby(box, Fault("before model", kind="stop")) as deploy:
            await deploy.plays(instance=SECOND)
            await wakes(box)
            box.services[SECOND].signal(signal.SIGKILL)
            other = box.deploy("b" * 40)
            await other.plays(instance=0)
        assert len(box.target.production()) == 4
