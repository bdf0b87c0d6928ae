"""A Redis that is full: refused in time, nothing half-written, and on it goes with more room."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.errors import StoreUnavailable
from app.core.ids import thread_id_for
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.crash import people
from tests.crash.crashes import crashes
from tests.faults.doors import deliver, readiness
from tests.faults.stores import OwnServer, Store, one_server
from tests.faults.test_lost_replies import REPO, WRITES, held, played, told
from tests.forks import Zygote
from tests.waiting import until

OTHER = "0bad" + "0" * 36


@pytest.fixture
async def store(own_server: OwnServer) -> AsyncIterator[Store]:
    """Give a store that may be filled up."""
    async with one_server(("127.0.0.1", own_server.port), own_server.url) as store:
        yield store


async def recorded(store: Store) -> list[tuple[str, object]]:
    """Return what the store holds, but for who works on it."""
    work = (":due:", ":leases:", ":fences:", ":written")
    return [pair for pair in await held(store) if not any(name in pair[0] for name in work)]


async def test_a_write_happens_whole_or_not_at_all(own_server: OwnServer, store: Store) -> None:
    refused: list[str] = []
    for what, acts in WRITES.items():
        whole = await played(store, acts)
        await played(store, [*acts[:-1], lambda log: log.facts(REPO)])
        before = await held(store)
        log = RedisLog(connect(store.direct))
        await own_server.fill()
        try:
            assert (await told(log, acts[-1]), await held(store)) == whole, what
        except StoreUnavailable:
            refused.append(what)
            assert await held(store) == before, what
        await own_server.widen()
        await log.close()
    assert len(refused) > len(WRITES) / 2
    # What gives back is not refused, though it writes.
    assert "a thread given back until then" not in refused


async def test_the_service_says_no_and_goes_on_with_more_room(
    tmp_path: Path, own_server: OwnServer, store: Store, zygote: Zygote
) -> None:
    async with crashes(tmp_path, own_server.url, "blind", zygote) as box:
        await box.start(None)
        deploy = box.deploy()
        call_id = await deploy.waits_for_a_card()
        deliveries = [
            people.merge(OTHER),
            people.mention("what is on production?", "1900000000.000001"),
            deploy.clicked("approve", call_id),
        ]
        await until(lambda: len(box.outside.messages) >= 3)
        before = await recorded(store)
        await own_server.fill()

        answers = [await deliver(box, delivery) for delivery in deliveries]
        assert [answer.status for answer in answers] == [503, 503, 503]
        status, said = await readiness(box)
        assert status == 503
        assert "maxmemory" in said
        assert await recorded(store) == before
        assert box.target.production() == []
        await until(lambda: any("my store" in w["text"] for w in box.outside.whispers))

        await own_server.widen()
        answers = [await deliver(box, delivery) for delivery in deliveries]
        assert [answer.status for answer in answers] == [202, 200, 200]
        await deploy.plays()
        assert sorted(box.target.production()) == [
            "production backend 4af9ec0",
            "production frontend 4af9ec0",
        ]
        threads = await box.log.threads(REPO, 9)
        assert thread_id_for(REPO, "main", OTHER) in threads
        assert len(threads) == 3
