"""`deploybot audit` on a real store: one byte that was changed by hand is found."""

import asyncio
import json
import random
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from app.audit import SOUND
from app.core import events as ev
from app.core.ports import Write
from app.redis import chain
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.adapters.test_cli import deploybot
from tests.story import THREAD, Story

KEY, HEADS = "{acme/shop}:log:" + THREAD, "{acme/shop}:heads"


@pytest.fixture
async def store(clean_redis_url: str) -> AsyncIterator[Any]:
    """Give the raw client of a store that holds one thread."""
    log = RedisLog(connect(clean_redis_url))
    story = Story().merged().staged().asks()
    for entry in story.entries:
        await log.append(Write(THREAD, [entry.event]))
    client = connect(clean_redis_url)
    yield cast("Any", client)
    await client.aclose()
    await log.close()


async def audit(folder: Path, url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "deploybot.toml").write_text("")
    return await asyncio.to_thread(deploybot, folder, "audit", THREAD, *options, REDIS_URL=url)


async def breaks(store: Any) -> tuple[str, ...]:
    return chain.check(await RedisLog(store).stored(THREAD)).breaks


async def doubted(store: Any) -> tuple[int, ...]:
    checked = chain.check(await RedisLog(store).stored(THREAD))
    assert checked.breaks == ()
    return checked.unlinked


async def test_what_was_written_is_sound(store: Any, tmp_path: Path, clean_redis_url: str) -> None:
    done = await audit(tmp_path, clean_redis_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{THREAD}: 9 events, the chain ends with ")
    assert done.stdout.endswith(f"{SOUND}\n")


async def test_one_changed_byte_is_found_and_its_line_named(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    line = await store.lindex(KEY, 8)
    await store.lset(KEY, 8, line.replace("./deploy.sh", "./deplay.sh"))
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 1
    assert "Line 9 was changed, or a line was taken out or put in before it." in done.stdout
    assert done.stdout.endswith("NOT SOUND: see above.\n")


async def test_a_record_that_names_the_thread_and_is_not_its_own_is_found(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    forged = {"sha": "f" * 40, "thread": THREAD, "at": 0}
    await store.hset("{acme/shop}:facts", "running/backend", json.dumps(forged))
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 1
    said = "The record 'running/backend' names this thread, and is not what its events say."
    assert said in done.stdout


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("x", "The record 'running/backend' names no thread: it was changed."),
        (
            json.dumps({"sha": "f" * 40, "thread": "acme/shop/5555555555", "at": 0}),
            "The record 'running/backend' names 'acme/shop/5555555555', which is not stored.",
        ),
    ],
)
async def test_a_record_that_names_no_thread_is_found_by_each(
    store: Any, tmp_path: Path, clean_redis_url: str, told: str, said: str
) -> None:
    await store.hset("{acme/shop}:facts", "running/backend", told)
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 1
    assert said in done.stdout


async def test_every_byte_counts(store: Any) -> None:
    draw = random.Random(11)
    for index in range(9):
        line = await store.lindex(KEY, index)
        for position in draw.sample(range(len(line)), 40):
            other = "x" if line[position] != "x" else "y"
            await store.lset(KEY, index, line[:position] + other + line[position + 1 :])
            assert await breaks(store), f"line {index} at {position}: {line[position]!r}"
        await store.lset(KEY, index, line)
    assert await breaks(store) == ()


@pytest.mark.parametrize("byte", [b"\xf0", b"\xf1", b"\xf3", b"\xff"])
async def test_a_byte_counts_that_makes_no_text(store: Any, byte: bytes) -> None:
    said = ev.HumanSaid(user="U01ALICE", text="what is \ufffd?")
    log = RedisLog(store)
    await log.append(Write(THREAD, [said]))
    assert await breaks(store) == ()
    line = (await store.lindex(KEY, -1)).encode()
    await store.lset(KEY, -1, line.replace(b"\xef\xbf\xbd", byte + b"\xbf\xbd"))
    assert "Line 10 was changed: some of its bytes are no text." in await breaks(store)


async def test_a_line_taken_out_put_in_moved_or_cut_off_is_found(store: Any) -> None:
    lines = await store.lrange(KEY, 0, -1)
    forged = [
        lines[1:],
        lines[:4] + lines[5:],
        lines[:-1],
        [],
        [*lines, lines[-1]],
        [lines[1], lines[0], *lines[2:]],
    ]
    for stored in forged:
        await store.delete(KEY)
        if stored:
            await store.rpush(KEY, *stored)
        assert await breaks(store)


async def test_a_changed_end_of_the_chain_is_found(store: Any) -> None:
    await store.hset(HEADS, THREAD, "9:" + "0" * 40)
    assert await breaks(store) == ("The last line is not the one that was written last.",)


async def test_everything_is_exported_for_other_verifiers(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    done = await audit(tmp_path, clean_redis_url, "--json")
    exported = json.loads(done.stdout)
    assert exported["sound"] is True
    assert exported["lines"] == await store.lrange(KEY, 0, -1)
    assert f"9:{exported['end']}" == await store.hget(HEADS, THREAD)


async def test_an_effect_is_exported_with_its_approvals_and_what_does_not_fit(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    log = RedisLog(connect(clean_redis_url))
    story = Story().approves().starts("p1", "production", call_id="c1").ends("p1")
    await log.append(Write(THREAD, [entry.event for entry in story.entries]))
    await log.close()
    done = await audit(tmp_path, clean_redis_url, "--json")
    [effect] = json.loads(done.stdout)["effects"]
    assert done.returncode == 1
    assert [click["user"] for click in effect["approvals"]] == ["U02BOB"]
    assert "An approval names another hash than the card." in effect["problems"]


async def test_lines_without_a_link_are_in_doubt_and_later_links_cover_them(store: Any) -> None:
    line = await store.lindex(KEY, -1)
    old = "{" + line.partition(",")[2]
    await store.rpush(KEY, old, old)
    assert await doubted(store) == (10, 11)
    log = RedisLog(store)
    await log.append(Write(THREAD, [ev.StopRequested(user="U02BOB")]))
    assert await doubted(store) == (10, 11)
    await store.lset(KEY, 9, old.replace("./deploy.sh", "./deplay.sh"))
    assert await breaks(store) == (
        "Line 12 was changed, or a line was taken out or put in before it.",
    )


async def test_a_thread_whose_links_were_all_taken_out_is_never_called_sound(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    lines = await store.lrange(KEY, 0, -1)
    await store.delete(KEY, HEADS)
    await store.rpush(KEY, *("{" + line.partition(",")[2] for line in lines))
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 1
    assert "Line 1 was written without a link: who wrote it?" in done.stdout
    assert done.stdout.endswith("CANNOT TELL: see above.\n")


async def test_an_event_of_another_version_is_named_and_in_doubt(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    log = RedisLog(store)
    revoked = ev.UnknownEvent.model_validate({"type": "approval_revoked", "call_id": "c1"})
    await log.append(Write(THREAD, [revoked]))
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 1
    assert "Line 10 is 'approval_revoked', of a version that is not this one." in done.stdout


async def test_a_thread_whose_lines_are_gone_is_missed(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    await store.delete(KEY, HEADS)
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 1
    assert "The thread is listed, and its lines are gone." in done.stdout


async def test_a_line_that_is_no_event_is_named(
    store: Any, tmp_path: Path, clean_redis_url: str
) -> None:
    await store.rpush(KEY, "not json")
    done = await audit(tmp_path, clean_redis_url)
    assert "Line 10 is no event." in done.stdout
    assert done.stdout.endswith("NOT SOUND: see above.\n")


async def test_a_thread_that_is_not_there_is_one_sentence(
    tmp_path: Path, clean_redis_url: str
) -> None:
    done = await audit(tmp_path, clean_redis_url)
    assert done.returncode == 2
    assert done.stderr.startswith(f"There is no thread {THREAD!r}.")
