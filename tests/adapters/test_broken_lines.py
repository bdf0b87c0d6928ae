"""What somebody broke in the store by hand: that thread rests, and every other goes on."""

import asyncio
import json
from typing import Any, cast

import pytest

from app.core import events as ev
from app.core.ports import Write
from app.desk import Ports
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.slack.sender import SlackSender
from app.worker import Worker
from tests.core.box import SHA, ScriptedModel
from tests.fake_deployer import FakeDeployer
from tests.fakes import FakeChat
from tests.shop import REPO, repo_config
from tests.waiting import until

BROKEN, HEALTHY = f"{REPO}/0000000001", f"{REPO}/0000000002"
KEY = f"{{{REPO}}}:log:{BROKEN}"
STARTED = {"at": 1, "write": "w", "event": {"type": "thread_started"}}
LINES: dict[str, bytes] = {
    "no json": b"{{{",
    "empty": b"",
    "another json": b'["thread_started"]',
    "no event": b'{"at": 1, "write": "w"}',
    "an event without its fields": json.dumps(STARTED).encode(),
    "an event of a newer version": b'{"at": 1, "write": "w", "event": {"type": "x", "more": 1}}',
    "half a character": b'{"at": 1, "write": "w", "event": {"type": "\\ud800"}}',
    "no utf-8": b"\xff\xfe",
    "a time that is none": b'{"at": "noon", "write": "w", "event": {"type": "continued"}}',
    "deep": b"[" * 100_000,
}


def started(thread_id: str) -> ev.ThreadStarted:
    return ev.ThreadStarted(
        thread_id=thread_id, repo=REPO, branch="main", channel="C01DEPLOYS", origin="merge", sha=SHA
    )


async def command(url: str, *words: str | bytes) -> None:
    client = connect(url)
    await cast("Any", client).execute_command(*words)
    await client.aclose()


@pytest.mark.parametrize("at", ["first", "last"])
@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
async def test_a_broken_line_touches_no_other_thread(
    clean_redis_url: str, redis_log: RedisLog, line: bytes, at: str
) -> None:
    await redis_log.append(Write(BROKEN, [started(BROKEN)]))
    await command(clean_redis_url, "LPUSH" if at == "first" else "RPUSH", KEY, line)
    await others_go_on(redis_log)


async def test_a_key_of_another_kind_touches_no_other_thread(
    clean_redis_url: str, redis_log: RedisLog
) -> None:
    await redis_log.append(Write(BROKEN, [started(BROKEN)]))
    await command(clean_redis_url, "SET", KEY, "?")
    await others_go_on(redis_log)


async def others_go_on(log: RedisLog) -> None:
    """Start the worker and the sender, and see another thread through."""
    await log.append(Write(HEALTHY, [started(HEALTHY)]))
    ports = Ports(log, ScriptedModel(), None, None, {"command": FakeDeployer()})
    chat, repos = FakeChat(), {REPO: repo_config()}
    worker = Worker(ports, repos, lease_seconds=30, hands=1)
    sender = SlackSender(log, chat, repos, seconds_between_posts=0, edits_per_minute=0, at_once=1)

    async def went_on() -> bool:
        types = [entry.event.type for entry in await log.read(HEALTHY)]
        return "staging_ended" in types and "message_posted" in types

    tasks = [asyncio.create_task(worker.run()), asyncio.create_task(sender.run())]
    try:
        await until(went_on)
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
