"""What only the Redis log does: lost replies, outages, hints between processes, its check."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from app.core.errors import Locked, StoreUnavailable
from app.core.events import HumanSaid
from app.core.ports import Claim, Write
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests.waiting import until

REPO = "acme/shop"
T1, T2 = f"{REPO}/aaaaaaaaaa", f"{REPO}/bbbbbbbbbb"
SAID = (HumanSaid(user="U01ALICE", text="hello"),)


class CuttingProxy:
    """Forward to a Redis; lose the replies to as many scripts as `cuts` says, or everything."""

    def __init__(self, target: str) -> None:
        self._target = target.removeprefix("unix://")
        self.cuts = 0
        self.down = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        async with AsyncExitStack() as stack:
            stack.callback(writer.close)
            there = await asyncio.open_unix_connection(self._target)
            stack.callback(there[1].close)
            while not self.down and (request := await reader.read(65_536)):
                there[1].write(request)
                reply = await there[0].read(65_536)
                if b"EVALSHA" in request and self.cuts:
                    self.cuts -= 1
                    return
                writer.write(reply)


@pytest.fixture
async def proxy(clean_redis_url: str, tmp_path: Path) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(clean_redis_url)
    async with await asyncio.start_unix_server(proxy.serve, tmp_path / "proxy"):
        yield proxy
        proxy.down = True


@pytest.fixture
async def far_log(
    redis_log: RedisLog, proxy: CuttingProxy, tmp_path: Path
) -> AsyncIterator[RedisLog]:
    """Give a log behind the proxy, whose scripts Redis already knows."""
    log = RedisLog(connect(f"unix://{tmp_path / 'proxy'}"))
    claim = Claim(T1, 0)
    await log.append(Write(f"{REPO}/warm", []))
    warm = await log.claim(REPO, "slack")
    await log.claim(REPO, "work")
    await log.park(claim, "work", 0, None)
    await log.park(warm or claim, "slack", 0, None)
    yield log
    await log.close()


class TestLostReply:
    @pytest.mark.parametrize("version", [0, None])
    async def test_to_an_append_leaves_one_entry(
        self, far_log: RedisLog, proxy: CuttingProxy, version: int | None
    ):
        proxy.cuts = 2
        write = Write(T1, SAID, version=version, dedupe=["click:1"], history=["once"])
        assert await far_log.append(write)
        assert proxy.cuts == 0
        assert len(await far_log.read(T1)) == 1
        assert await far_log.history(REPO, 9) == ["once"]

    async def test_to_an_append_without_events_changes_once(
        self, far_log: RedisLog, proxy: CuttingProxy
    ):
        proxy.cuts = 1
        await far_log.append(Write(T1, [], history=["once"]))
        assert await far_log.history(REPO, 9) == ["once"]

    async def test_to_an_append_that_took_a_lock_is_no_refusal(
        self, far_log: RedisLog, proxy: CuttingProxy
    ):
        proxy.cuts = 1
        assert await far_log.append(Write(T1, SAID, version=0, take=["staging"]))
        assert await far_log.locks(REPO) == {"staging": T1}

    async def test_to_a_refused_append_is_the_same_refusal(
        self, far_log: RedisLog, proxy: CuttingProxy
    ):
        await far_log.append(Write(T1, SAID, take=["staging"]))
        proxy.cuts = 2
        with pytest.raises(Locked):
            await far_log.append(Write(T2, SAID, take=["staging"]))
        assert await far_log.read(T2) == []

    async def test_to_a_claim_claims_one_thread_once(self, far_log: RedisLog, proxy: CuttingProxy):
        await far_log.append(Write(T1, SAID))
        await far_log.append(Write(T2, SAID))
        proxy.cuts = 1
        assert {await far_log.claim(REPO, "slack"), await far_log.claim(REPO, "slack")} == {
            Claim(T1, 1),
            Claim(T2, 1),
        }

    async def test_three_times_is_an_error_though_the_write_happened(
        self, far_log: RedisLog, proxy: CuttingProxy
    ):
        proxy.cuts = 3
        with pytest.raises(StoreUnavailable):
            await far_log.append(Write(T1, SAID))
        assert len(await far_log.read(T1)) == 1


class TestOutage:
    async def test_of_a_killed_server_ends_with_its_restart(self, tmp_path: Path):
        log = RedisLog(connect(await start_embedded(tmp_path)))
        await log.append(Write(T1, SAID))
        await stop_embedded(tmp_path)
        with pytest.raises(StoreUnavailable):
            await log.append(Write(T1, SAID))
        await start_embedded(tmp_path)
        await log.append(Write(T1, SAID))
        assert len(await log.read(T1)) == 2
        await log.close()
        await stop_embedded(tmp_path)

    async def test_does_not_end_the_hints(self, tmp_path: Path):
        log = RedisLog(connect(await start_embedded(tmp_path)))
        await log.wait_for_work(0.01)
        await stop_embedded(tmp_path)
        await log.wait_for_work(0.01)
        other = RedisLog(connect(await start_embedded(tmp_path)))
        await hinted(log, other)
        await log.close()
        await other.close()
        await stop_embedded(tmp_path)


async def hinted(log: RedisLog, other: RedisLog) -> None:
    """Wait until a write of the other log ends a long wait of this one."""
    waiting = asyncio.create_task(log.wait_for_work(60))

    async def woken() -> bool:
        await other.append(Write(T1, SAID))
        return waiting.done()

    await until(woken)


class TestHints:
    async def test_come_from_other_processes_to_all_tasks(
        self, redis_log: RedisLog, clean_redis_url: str
    ):
        other = RedisLog(connect(clean_redis_url))
        await asyncio.gather(*(hinted(redis_log, other) for _ in range(5)))
        await other.close()

    async def test_that_came_between_two_waits_of_a_task_are_not_missed(self, redis_log: RedisLog):
        async with asyncio.timeout(10):
            await redis_log.wait_for_work(60)
            await redis_log.append(Write(T1, SAID))
            await redis_log.wait_for_work(60)


class TestStorage:
    async def test_keeps_everything_under_the_tag_of_the_repository(
        self, redis_log: RedisLog, clean_redis_url: str
    ):
        await redis_log.append(Write(T1, SAID, dedupe=["d"], take=["l"], facts={"a": "b"}))
        await redis_log.claim(REPO, "work")
        client = cast("Any", connect(clean_redis_url))
        keys = await client.keys("*")
        await client.aclose()
        assert len(keys) > 10
        assert all(key.startswith("{acme/shop}:") for key in keys)

    async def test_keeps_an_event_as_one_json_line(self, redis_log: RedisLog, clean_redis_url: str):
        await redis_log.append(Write(T1, SAID))
        client = cast("Any", connect(clean_redis_url))
        [line] = await client.lrange(f"{{{REPO}}}:log:{T1}", 0, -1)
        await client.aclose()
        assert json.loads(line)["event"]["type"] == "human_said"

    async def test_survives_a_server_that_forgot_the_scripts(
        self, redis_log: RedisLog, clean_redis_url: str
    ):
        await redis_log.append(Write(T1, SAID))
        client = cast("Any", connect(clean_redis_url))
        await client.script_flush()
        await client.aclose()
        assert await redis_log.append(Write(T1, SAID))


class TestCheck:
    async def test_finds_nothing_wrong_with_the_embedded_server(self, redis_log: RedisLog):
        assert await redis_log.check() == []
        assert await redis_log.warnings() == []

    async def test_finds_nothing_wrong_with_a_cluster(self, cluster_log: RedisLog):
        assert await cluster_log.check() == []
        assert await cluster_log.warnings() == []

    async def test_names_a_policy_that_evicts_and_warns_of_a_missing_file(self, tmp_path: Path):
        url = await start_embedded(tmp_path)
        client = cast("Any", connect(url))
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await client.config_set("appendonly", "no")
        await client.aclose()
        log = RedisLog(connect(url))
        [problem] = await log.check()
        assert "allkeys-lru" in problem
        [warning] = await log.warnings()
        assert "appendonly" in warning
        await log.close()
        await stop_embedded(tmp_path)

    async def test_says_that_nobody_answers(self, tmp_path: Path):
        log = RedisLog(connect(f"unix://{tmp_path / 'nobody'}"))
        [problem] = await log.check()
        assert "cannot be reached" in problem
        await log.close()
