"""`deploybot locks` as a process of its own: what is locked, by whom, and the end of a lock."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core import events as ev
from app.core import ledger
from app.core.fold import fold
from app.core.ports import Write
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests.adapters.slack_desk import SlackStub
from tests.adapters.test_cli import GOOD, deploybot
from tests.shop import ALICE, BOB
from tests.story import NEW, OLD, THREAD, Story

REPO = "acme/shop"
WAITS = f"{REPO}/fedcba9876"


def freeze_since_an_hour_ago() -> str:
    """Return a freeze that is in force now, and ends today."""
    begun = datetime.now(UTC) - timedelta(hours=1)
    cron = f"{begun.minute} {begun.hour} * * *"
    return f'{{ cron = "{cron}", duration = "4h", reason = "stock <taking>" }}'


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[RedisLog]:
    """Give the log of a service that is configured in the folder."""
    frozen = GOOD.replace("approvers", f"freeze = [{freeze_since_an_hour_ago()}]\napprovers", 1)
    (tmp_path / "deploybot.toml").write_text(frozen)
    store = tmp_path / ".deploybot" / "redis"
    log = RedisLog(connect(await start_embedded(store)))
    yield log
    await log.close()
    await stop_embedded(store)


async def locked(log: RedisLog, until: int | None = None) -> None:
    """Let alice lock the backend in a deploy's thread."""
    merged = [entry.event for entry in Story().merged().entries]
    await log.append(Write(THREAD, merged))
    lock = ev.ServiceLocked(services=("backend",), user=ALICE, reason="load <test>", until=until)
    state, now = fold(await log.read(THREAD)), await log.now(REPO)
    await log.append(ledger.write(state, [lock], now, state.version))


async def rests(log: RedisLog, thread_id: str) -> None:
    """Let a thread wait for an hour, and no other one have anything to do."""
    await log.append(Write(thread_id, [ev.HumanSaid(user=ALICE, text="hi")]))
    later = await log.now(REPO) + 3_600_000
    while claim := await log.claim(REPO, "work"):
        wake_at = later if claim.thread_id == thread_id else None
        await log.park(claim, "work", len(await log.read(claim.thread_id)), wake_at)


async def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(deploybot, folder, "locks", *arguments, **variables)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


async def test_everything_that_is_locked_is_listed(tmp_path: Path, log: RedisLog) -> None:
    await locked(log)
    attempt = ev.Attempt(
        attempt_id="a1",
        kind="deploy",
        repo=REPO,
        environment="production",
        service="backend",
        sha=NEW,
        deployer="command",
        arguments={},
    )
    target = "production/backend"
    started = ev.ToolStarted(attempt=attempt, call_id=None, fence=1, locks=(target,), send_by=0)
    hold = {"hold/backend": json.dumps({"bad_sha": OLD, "thread": THREAD, "at": 0})}
    await log.append(Write(THREAD, [started], take=[target], facts=hold))
    code, out, _ = await run(tmp_path, "list")
    assert code == 0
    lock, freeze, held, in_use = out.splitlines()
    assert lock.startswith("acme/shop backend locked by U01ALICE since 2")
    assert lock.endswith(f" UTC: load <test>, by {THREAD}")
    assert freeze.startswith("acme/shop backend frozen since 2")
    assert freeze.endswith(": stock <taking>")
    assert held == "acme/shop backend on hold since 1111111 was rolled back"
    assert in_use.startswith(f"acme/shop {target} in use by {THREAD} since 2")


async def test_a_lock_is_released_in_the_thread_that_placed_it(
    tmp_path: Path, log: RedisLog
) -> None:
    await locked(log)
    await rests(log, WAITS)
    code, out, _ = await run(tmp_path, "release", REPO, "backend", "--user", BOB)
    assert (code, out) == (0, f"backend is unlocked; {THREAD} says so.\n")
    assert {c.thread_id for _ in range(2) if (c := await log.claim(REPO, "work"))} == {
        THREAD,
        WAITS,
    }
    newest = (await log.read(THREAD))[-1].event
    assert newest == ev.ServiceUnlocked(services=("backend",), user=BOB, by="command line")
    assert "lock/backend" not in await log.facts(REPO)


async def test_a_lock_is_released_for_nobody_who_may_not(tmp_path: Path, log: RedisLog) -> None:
    """Slack is asked as at a click; where it does not answer, the configuration alone counts."""
    await locked(log)
    async with SlackStub.run() as slack:
        slack.users[BOB] = {"deleted": True}
        variables = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_API_URL": slack.url}
        dave = await run(tmp_path, "release", REPO, "backend", "--user", "U09DAVE")
        gone = await run(tmp_path, "release", REPO, "backend", "--user", BOB, **variables)
        slack.failing.add("users.info")
        assert "lock/backend" in await log.facts(REPO)
        silent = await run(tmp_path, "release", REPO, "backend", "--user", BOB, **variables)
    assert [code for code, _, _ in (dave, gone, silent)] == [2, 2, 0]
    assert dave[2].startswith("U09DAVE may not unlock backend: only U01ALICE, who locked it, and")
    assert gone[2].startswith("U02BOB: This Slack account is deactivated")
    assert "lock/backend" not in await log.facts(REPO)


async def test_what_cannot_be_released_is_a_sentence(tmp_path: Path, log: RedisLog) -> None:
    await locked(log, until=await log.now(REPO) - 1)
    over = await run(tmp_path, "release", REPO, "backend", "--user", BOB)
    nobody = await run(tmp_path, "release", REPO, "backend", "--user", "bob")
    nowhere = await run(tmp_path, "release", "acme/blog", "backend", "--user", BOB)
    assert [code for code, _, _ in (over, nobody, nowhere)] == [2, 2, 2]
    assert nowhere[2].startswith("'acme/blog' is no repository that is configured.")
    assert over[2].startswith("Nobody has locked 'backend' of 'acme/shop'. `deploybot locks list`")
    assert nobody[2].startswith("--user has to be a Slack user id (U…), and 'bob' is not.")


async def test_a_lock_whose_thread_is_gone_or_record_is_broken_is_released(
    tmp_path: Path, log: RedisLog
) -> None:
    gone = {"user": ALICE, "reason": "", "at": 0, "until": None, "thread": "acme/shop/gone"}
    for recorded in (json.dumps(gone), "{"):
        facts = {"lock/backend": recorded}
        await log.append(Write(THREAD, [], facts=facts))
        code, out, _ = await run(tmp_path, "release", REPO, "backend", "--user", BOB)
        said = "backend is unlocked; no thread is left that could say so.\n"
        assert (code, out) == (0, said)
        assert await log.facts(REPO) == {}
        assert await log.threads(REPO, 9) == []
