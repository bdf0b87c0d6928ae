"""`deploybot threads agreement` as a process of its own: the rate, and each difference."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from app.core import events as ev
from app.core.ids import thread_id_for
from app.core.ports import Write
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests.adapters.test_cli import GOOD, deploybot
from tests.shop import REPO
from tests.story import OLD

AGREED, PARTLY, OPEN, SILENT = (f"{n}" * 40 for n in range(2, 6))
BEFORE = {"frontend": OLD, "backend": OLD}


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[RedisLog]:
    """Give the log of a service that is configured in the folder."""
    (tmp_path / "deploybot.toml").write_text(
        GOOD.replace("approvers", 'mode = "shadow"\napprovers', 1)
    )
    store = tmp_path / ".deploybot" / "redis"
    log = RedisLog(connect(await start_embedded(store)))
    yield log
    await log.close()
    await stop_embedded(store)


async def watched(
    log: RedisLog, sha: str, proposed: Mapping[str, str], *seen: Mapping[str, str]
) -> str:
    """Let a merge have been watched: what the agent proposed, and what production ran."""
    thread_id = thread_id_for(REPO, "main", sha)
    started = ev.ThreadStarted(
        thread_id=thread_id,
        repo=REPO,
        branch="main",
        channel="C01DEPLOYS",
        origin="merge",
        sha=sha,
        shadow=True,
    )
    proposals = [
        ev.ShadowProposed(call_id=f"c{n}", service=service, sha=its)
        for n, (service, its) in enumerate(proposed.items())
    ]
    looks = [ev.ProductionSeen(versions=versions) for versions in seen]
    first, later = looks[:1], looks[1:]
    ended = ev.PlanEnded(call_id="end", message="")
    await log.append(Write(thread_id, [started, *first, *proposals, ended, *later]))
    return thread_id


async def run(folder: Path, *options: str) -> str:
    done = await asyncio.to_thread(deploybot, folder, "threads", "agreement", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def four(log: RedisLog) -> list[str]:
    """Let people do the same, half of it, nothing yet, and something that nobody can see."""
    both = {"frontend": AGREED, "backend": AGREED}
    half = {"frontend": PARTLY, "backend": PARTLY}
    return [
        await watched(log, AGREED, both, BEFORE, both),
        await watched(log, PARTLY, {"frontend": PARTLY}, BEFORE, half),
        await watched(log, OPEN, {"frontend": OPEN}, BEFORE, BEFORE),
        await watched(log, SILENT, {"frontend": SILENT}, {}),
    ]


async def test_the_rate_is_of_those_that_can_be_compared(tmp_path: Path, log: RedisLog) -> None:
    _, partly, _, silent = await four(log)
    assert (await run(tmp_path)).splitlines() == [
        "acme/shop: 2 threads compared: 1 agreed, 1 partly, 0 not, 50 % agreed fully; "
        "1 not comparable, 1 still open",
        f"{silent} not comparable: no deployer says what production runs",
        f"{partly} partly: backend: not proposed, people deployed 3333333",
    ]


async def test_without_a_thread_to_compare_there_is_no_rate(tmp_path: Path, log: RedisLog) -> None:
    await watched(log, OPEN, {"frontend": OPEN}, BEFORE)
    said = (
        "acme/shop: 0 threads compared: 0 agreed, 0 partly, 0 not; 0 not comparable, 1 still open"
    )
    assert await run(tmp_path) == f"{said}\n"
    exported = json.loads(await run(tmp_path, "--json"))[REPO]
    assert (exported["compared"], exported["rate"]) == (0, None)


async def test_everything_is_exported(tmp_path: Path, log: RedisLog) -> None:
    agreed, partly, opened, silent = await four(log)
    exported = json.loads(await run(tmp_path, "--json"))[REPO]
    assert (exported["compared"], exported["rate"]) == (2, 0.5)
    assert exported["counts"] == {"agreed": 1, "partly": 1, "open": 1, "not comparable": 1}
    assert [thread["thread"] for thread in exported["threads"]] == [silent, opened, partly, agreed]
    assert exported["threads"][2]["differences"] == [
        "backend: not proposed, people deployed 3333333"
    ]


async def test_threads_of_a_live_repository_are_not_counted(tmp_path: Path, log: RedisLog) -> None:
    thread_id = thread_id_for(REPO, "main", OLD)
    started = ev.ThreadStarted(
        thread_id=thread_id, repo=REPO, branch="main", channel="C", origin="merge", sha=OLD
    )
    await log.append(Write(thread_id, [started]))
    assert "0 threads compared" in await run(tmp_path)
