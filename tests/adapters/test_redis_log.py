"""What only the Redis log does: outages, hints between processes, its storage, its check."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from app.core.errors import StoreUnavailable
from app.core.events import HumanSaid
from app.core.ports import Write
from app.redis.chain import check
from app.redis.connect import connect, send
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.hints import Hints
from app.redis.log import RedisLog
from tests.waiting import until

REPO = "acme/shop"
T1, T2 = f"{REPO}/aaaaaaaaaa", f"{REPO}/bbbbbbbbbb"
SAID = (HumanSaid(user="U01ALICE", text="hello"),)


async def test_a_connection_closed_while_a_command_is_written_is_a_lost_reply():
    errors = [AttributeError("'NoneType' object has no attribute 'writelines'"), TypeError()]

    async def command() -> str:
        if errors:
            raise errors.pop()
        return "done"

    assert await send(command) == "done"


@pytest.mark.parametrize("error", [None, ZeroDivisionError(), OSError()])
async def test_a_cancellation_that_the_client_swallows_is_one_all_the_same(
    error: Exception | None,
):
    began = asyncio.Event()

    async def command() -> None:
        with suppress(asyncio.CancelledError):
            began.set()
            await asyncio.sleep(60)
        if error:
            raise error

    sending = asyncio.create_task(send(command))
    await began.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


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
        await log.wait_for_work("work", 0.01)
        await stop_embedded(tmp_path)
        await log.wait_for_work("work", 0.01)
        other = RedisLog(connect(await start_embedded(tmp_path)))
        await hinted(log, other)
        await log.close()
        await other.close()
        await stop_embedded(tmp_path)


async def hinted(log: RedisLog, other: RedisLog) -> None:
    """Wait until a write of the other log ends a long wait of this one."""
    waiting = asyncio.create_task(log.wait_for_work("work", 60))

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

    async def test_wake_as_many_tasks_as_there_is_work_for_and_one(self, clean_redis_url: str):
        client = connect(clean_redis_url)
        hints = Hints(client)
        await hints.wait("work", 60)  # for the subscription's own hint
        waiting = [asyncio.create_task(hints.wait("work", 60)) for _ in range(8)]
        slack = asyncio.create_task(hints.wait("slack", 0.01))
        await slack
        hints.call("work")
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        hints.call("work")
        await until(lambda: sum(task.done() for task in waiting) == 2)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await hints.close()
        await client.aclose()

    async def test_that_a_cancelled_task_got_go_to_the_next(self, clean_redis_url: str):
        client = connect(clean_redis_url)
        hints = Hints(client)
        await hints.wait("work", 60)
        first, second = (asyncio.create_task(hints.wait("work", 60)) for _ in range(2))
        await asyncio.sleep(0)  # they wait now
        hints.call("work")
        first.cancel()
        await asyncio.wait([second], timeout=10)
        assert (first.cancelled(), second.done()) == (True, True)
        await hints.close()
        await client.aclose()

    async def test_that_came_between_two_waits_of_a_task_are_not_missed(self, redis_log: RedisLog):
        async with asyncio.timeout(10):
            await redis_log.wait_for_work("work", 60)
            await redis_log.append(Write(T1, SAID))
            await redis_log.wait_for_work("work", 60)

    async def test_do_not_keep_a_task_from_its_cancellation(self, clean_redis_url: str):
        client = connect(clean_redis_url)
        hints = Hints(client)
        await hints.wait("work", 60)  # for the subscription's own hint
        waiting = asyncio.create_task(hints.wait("work", 60))
        await asyncio.sleep(0)  # it waits now

        hints.expect("work", 0)
        asyncio.get_running_loop().call_later(0, waiting.cancel)
        await asyncio.wait([waiting], timeout=10)
        assert waiting.cancelled()
        await hints.close()
        await client.aclose()

    async def test_that_come_as_a_wait_ends_wake_another_task(self, clean_redis_url: str):
        client = connect(clean_redis_url)
        hints = Hints(client)
        await hints.wait("work", 60)  # for the subscription's own hint
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        late = asyncio.create_task(hints.wait("work", 0))
        other = asyncio.create_task(hints.wait("work", 60))
        loop.call_soon(lambda: loop.call_soon(lambda: (hints.call("work"), asked.set())))
        await asyncio.wait([late, other], timeout=10)
        assert asked.is_set()
        assert other.done()
        await hints.close()
        await client.aclose()


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


@asynccontextmanager
async def own(folder: Path) -> AsyncGenerator[tuple[RedisLog, Any]]:
    """Run a server whose settings may be changed; give a log and a client."""
    url = await start_embedded(folder)
    log, client = RedisLog(connect(url)), cast("Any", connect(url))
    try:
        yield log, client
    finally:
        await log.close()
        await client.aclose()
        await stop_embedded(folder)


class TestCheck:
    async def test_finds_nothing_wrong_with_the_embedded_server(self, redis_log: RedisLog):
        assert await redis_log.check() == []
        assert await redis_log.warnings() == []

    async def test_finds_nothing_wrong_with_a_cluster(self, cluster_log: RedisLog):
        assert await cluster_log.check() == []
        assert await cluster_log.warnings() == []

    async def test_names_a_policy_that_evicts_and_warns_of_a_missing_file(self, tmp_path: Path):
        async with own(tmp_path) as (log, client):
            await client.config_set("maxmemory-policy", "allkeys-lru")
            await client.config_set("appendonly", "no")
            [problem] = await log.check()
            assert "allkeys-lru" in problem
            [warning] = await log.warnings()
            assert "appendonly" in warning

    async def test_warns_of_a_redis_that_is_almost_full(self, tmp_path: Path):
        async with own(tmp_path) as (log, client):
            assert await log.fullness() == 0
            used = (await client.info("memory"))["used_memory"]
            await client.config_set("maxmemory", used * 100 // 85)
            assert 0.8 < await log.fullness() < 0.9
            [warning] = await log.warnings()
            assert "% full" in warning
            assert await log.check() == []

    async def test_says_that_redis_is_full(self, tmp_path: Path):
        async with own(tmp_path) as (log, client):
            await client.config_set("maxmemory", 1)
            [problem] = await log.check()
            assert "refuses to be written to" in problem
            assert "maxmemory" in problem

    async def test_says_that_it_reached_a_replica(self, tmp_path: Path):
        async with own(tmp_path) as (log, client):
            await client.replicaof("127.0.0.1", "1")
            [problem] = await log.check()
            assert "refuses to be written to" in problem

    async def test_does_not_take_offence_at_keys_that_it_may_not_touch(self, tmp_path: Path):
        async with own(tmp_path) as (log, client):
            await client.acl_setuser(
                "default", keys=["{acme/shop}:*"], reset_keys=True, enabled=True
            )
            assert await log.check() == []
            await log.append(Write(T1, SAID))

    async def test_says_that_nobody_answers(self, tmp_path: Path):
        log = RedisLog(connect(f"unix://{tmp_path / 'nobody'}"))
        [problem] = await log.check()
        assert "cannot be reached" in problem
        await log.close()


async def test_a_thread_that_is_written_to_meanwhile_is_read_as_of_one_instant(redis_log: RedisLog):
    async def keeps_writing() -> None:
        for _ in range(60):
            await redis_log.append(Write(T1, SAID))

    writing = asyncio.create_task(keeps_writing())
    await redis_log.append(Write(T1, SAID))
    while not writing.done():
        assert check(await redis_log.stored(T1)).breaks == ()
    await writing
