"""A Redis that is gone for a while: every door says so, and all goes on when it is back.

Nothing in the service depends on how long Redis is gone: whoever needs it asks again each second,
and a claim that is over by then is given anew. So seconds stand for the minute of a soak.
"""

import asyncio
from pathlib import Path

from app.core.ids import thread_id_for
from tests.chance import SOAK
from tests.crash import people
from tests.crash.people import CHANNEL
from tests.faults.doors import deliver, readiness, service_behind
from tests.faults.stores import Store
from tests.forks import Zygote
from tests.shop import REPO
from tests.waiting import until

GONE_SECONDS = 60 if SOAK else 3
SHORTER_THAN_A_LEASE = 3
BOTH = ["production backend 4af9ec0", "production frontend 4af9ec0"]
TS = "1900000000.000001"


async def test_doors_answer_meanwhile_and_nothing_is_lost(
    tmp_path: Path, embedded_store: Store, zygote: Zygote
) -> None:
    [proxy] = embedded_store.proxies
    async with service_behind(embedded_store, tmp_path, "keyed", zygote) as box:
        deploy = box.deploy()
        call_id = await deploy.waits_for_a_card()
        deliveries = [
            people.merge("0bad" + "0" * 36),
            people.mention("what is on production?", TS),
            deploy.clicked("approve", call_id),
        ]
        await proxy.go()
        answers = [await deliver(box, delivery) for delivery in deliveries]
        assert [answer.status for answer in answers] == [503, 503, 503]
        assert (await readiness(box))[0] == 503
        await until(lambda: any("my store" in w["text"] for w in box.outside.whispers))
        await asyncio.sleep(GONE_SECONDS)
        await proxy.come_back()

        again = [await deliver(box, delivery) for delivery in deliveries]
        assert [answer.status for answer in again] == [202, 200, 200]
        assert (await readiness(box))[0] == 200
        await deploy.plays()
        assert sorted(box.target.production()) == BOTH
        assert thread_id_for(REPO, CHANNEL, TS) in await box.log.threads(REPO, 9)


async def test_what_was_sent_when_it_went_away_is_known_when_it_is_back(
    tmp_path: Path, embedded_store: Store, zygote: Zygote
) -> None:
    [proxy] = embedded_store.proxies
    async with service_behind(embedded_store, tmp_path, "blind", zygote, lease=30) as box:
        proxy.drop_requests(
            100, lambda request: b"tool_sent" in request and bool(box.target.production())
        )
        deploy = box.deploy()
        call_id = await deploy.waits_for_a_card()
        await deploy.click("approve", call_id)
        await until(lambda: proxy.done)
        await proxy.go()
        await asyncio.sleep(SHORTER_THAN_A_LEASE)
        proxy.forget()
        await proxy.come_back()

        state = await deploy.plays()
        assert sorted(box.target.production()) == BOTH
        assert [run.stated_by for run in state.runs.values() if run.stated_by] == []
