"""Several instances on one store: they share the work, and replace one that froze or died."""

import asyncio
import signal
from pathlib import Path

from tests.crash.crashes import Zygote, crashes
from tests.waiting import until

CLICKS = 100


async def test_a_hundred_clicks_on_three_instances_are_one_execution(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "blind", zygote, instances=3) as box:
        await box.start()
        deploy = box.deploy()
        call_id = await deploy.waits_for_a_card()
        clicks = [deploy.click("approve", call_id, n % 3) for n in range(CLICKS)]
        await asyncio.gather(*clicks)
        await until(lambda: len(box.outside.whispers) == CLICKS - 1, 30)

        late = [w for w in box.outside.whispers if "<@U02BOB> approved this already" in w["text"]]
        assert len(late) == CLICKS - 1
        await until(lambda: box.outside.production())
        assert box.outside.production() == ["production frontend 4af9ec0"]
        assert (await deploy.state()).cards[call_id].approvers == ["U02BOB"]


async def test_a_frozen_instance_is_replaced_and_does_nothing_twice_when_it_wakes(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote, instances=2) as box:
        await box.start()
        deploy = box.deploy()
        call_id = await deploy.waits_for_a_card()
        frozen, other = box.services
        frozen.signal(signal.SIGSTOP)
        await deploy.click("approve", call_id, instance=box.services.index(other))

        async def goes_on() -> bool:
            return len((await deploy.state()).cards) == 2

        await until(goes_on, 10)
        frozen.signal(signal.SIGCONT)
        state = await deploy.plays()
        assert len(state.cards) == 2
        assert sorted(box.outside.production()) == [
            "production backend 4af9ec0",
            "production frontend 4af9ec0",
        ]


async def test_a_killed_instance_is_replaced_within_its_lease(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote, instances=2) as box:
        killed, _ = box.services
        await killed.start("after append tool_started production")
        await box.services[1].start()
        await box.deploy().plays()
        assert box.outside.production().count("production frontend 4af9ec0") == 1
