"""What comes to the service's doors past the local Slack and GitHub, and what its store has."""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import httpx
from redis.asyncio import Redis

from app.core.events import Entry
from app.core.fold import fold
from app.demo.child import free_port
from app.demo.local_slack import BOT_USER, Workspace
from app.redis.connect import connect
from app.redis.embedded import start_embedded
from app.redis.log import RedisLog
from tests import signing
from tests.adapters.github_bodies import merged
from tests.forks import Forked
from tests.scenarios.world import CHANNEL, SECRET, World
from tests.waiting import is_ready, until

Json = dict[str, Any]
Body = bytes | AsyncIterator[bytes]
Headers = Mapping[str, str | None]
SIGNING_SECRET = Workspace("").signing_secret
REPO = "acme/shop"
QUEUES = ("work", "slack")


# GitHub's door.


def merge_event(sha: str, **pull: Any) -> Json:
    """Return the event of a merge into main."""
    event = merged(pull_request__merged_by__login="alice")
    event["pull_request"] |= {"merge_commit_sha": sha} | pull
    return event


def signature(body: bytes, algorithm: str = "sha256") -> str:
    """Return what GitHub signs a delivery with."""
    return signing.github(body, SECRET, algorithm)


async def to_github(
    w: World,
    body: bytes | Json,
    *,
    url: str = "",
    delivery: str = "d-1",
    sent: Body | None = None,
    headers: Headers = MappingProxyType({}),
) -> httpx.Response:
    """Deliver a signed webhook; headers replace GitHub's, None leaves one out.

    `sent` goes over the wire instead of the body that was signed.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = {
        "content-type": "application/json",
        "x-github-event": "pull_request",
        "x-github-delivery": delivery,
        "x-hub-signature-256": signature(raw),
    }
    return await _post(
        f"{url or w.url}/github/webhook", raw if sent is None else sent, usual, headers
    )


# Slack's door.


def words_event(text: str, ts: str, event_id: str = "Ev1", **event: Any) -> Json:
    """Return the event of a message in the channel."""
    return {
        "type": "event_callback",
        "team_id": "T01ACME",
        "event_id": event_id,
        "authorizations": [{"user_id": BOT_USER, "is_bot": True}],
        "event": {"type": "message", "channel": CHANNEL, "user": "U01ALICE", "text": text, "ts": ts}
        | event,
    }


def click_payload(action: str, value: str, **more: Any) -> Json:
    """Return what Slack sends when somebody presses a button."""
    return {
        "type": "block_actions",
        "user": {"id": "U02BOB"},
        "team": {"id": "T01ACME"},
        "channel": {"id": CHANNEL},
        "container": {"type": "message", "message_ts": "1.1"},
        "trigger_id": "1.1.1",
        "actions": [{"type": "button", "block_id": "b", "action_id": action, "value": value}],
    } | more


async def to_slack_door(
    w: World,
    body: bytes | Json,
    *,
    url: str = "",
    sent: Body | None = None,
    age: float = 0,
    headers: Headers = MappingProxyType({}),
) -> httpx.Response:
    """Send a signed request as Slack does, `age` seconds old; otherwise as `to_github`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = headers.get("x-slack-request-timestamp") or str(int(time.time() - age))
    signed = signing.slack(raw, SIGNING_SECRET, timestamp)
    usual = {"content-type": "application/json", **signed}
    return await _post(
        f"{url or w.url}/slack/events", raw if sent is None else sent, usual, headers
    )


async def _post(url: str, body: Body, usual: Headers, headers: Headers) -> httpx.Response:
    changed = {**usual, **headers}
    sent = [(k.encode(), v.encode()) for k, v in changed.items() if v is not None]
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(url, content=body, headers=sent)


async def in_pieces(body: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    """Send a body without saying how long it is."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


# The store.


@asynccontextmanager
async def store(w: World) -> AsyncGenerator[RedisLog]:
    """Open the log in the service's own store."""
    log = RedisLog(connect(await start_embedded(w.folder / ".deploybot" / "redis")))
    try:
        yield log
    finally:
        await log.close()


async def stored(w: World) -> dict[bytes, object]:
    """Return all that the store holds, by key."""
    url = await start_embedded(w.folder / ".deploybot" / "redis")
    client = cast("Any", Redis.from_url(url))  # pyright: ignore[reportUnknownMemberType]
    try:
        return {key: await client.dump(key) for key in await client.keys("*")}
    finally:
        await client.aclose()


async def watched(w: World) -> None:
    """Wait until the branch was looked at for the first time; the next time is in five minutes."""
    url = await start_embedded(w.folder / ".deploybot" / "redis")
    client = cast("Any", Redis.from_url(url))  # pyright: ignore[reportUnknownMemberType]

    async def looked_at() -> bool:
        seen = await client.hget("{acme/shop}:facts", "watch")
        return seen is not None and b'"at":0,' not in seen

    try:
        await until(looked_at)
    finally:
        await client.aclose()


async def quiet(w: World) -> None:
    """Wait until nothing runs, is due or claimed: every thread waits, and is shown as it is."""
    url = await start_embedded(w.folder / ".deploybot" / "redis")
    client = cast("Any", Redis.from_url(url))  # pyright: ignore[reportUnknownMemberType]

    async def nothing_to_do() -> bool:
        async with store(w) as log:
            now = await log.now(REPO)
        due = [await client.zcount(f"{{{REPO}}}:due:{queue}", 0, now) for queue in QUEUES]
        claimed = [await client.hlen(f"{{{REPO}}}:leases:{queue}") for queue in QUEUES]
        running = [fold(entries).running for entries in (await threads(w)).values()]
        return not any((*due, *claimed, *running))

    try:
        await until(nothing_to_do, 30)
    finally:
        await client.aclose()


async def threads(w: World) -> dict[str, list[Entry]]:
    """Return every thread's entries, the oldest thread first."""
    async with store(w) as log:
        return {name: await log.read(name) for name in reversed(await log.threads(REPO, 100))}


async def later(w: World, seconds: float) -> None:
    """Let time pass: the store's clock goes on by this much, from its true time."""
    async with store(w) as log:
        await log.set_offset(REPO, int(seconds * 1000))


# The targets.


def slow(w: World, what: str) -> Path:
    """Keep the next runs of "<environment>-<service or e2e>" from ending; unlink to let them."""
    (w.folder / "slow").mkdir(exist_ok=True)
    held = w.folder / "slow" / what
    held.touch()
    return held


# Another process.


@asynccontextmanager
async def second_service(w: World, *options: str) -> AsyncGenerator[str]:
    """Run a second service on the same store, and yield its address."""
    port = free_port()
    argv, output = ["serve", *options], w.folder / "second.txt"
    second = Forked("app.cli", argv, output, env=w.env | {"PORT": str(port)}, cwd=w.folder)
    url = f"http://127.0.0.1:{port}"
    try:
        await second.ready(lambda: is_ready(url))
        yield url
    finally:
        await second.end(grace_seconds=25)
