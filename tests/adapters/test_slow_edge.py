"""The real service among hundreds of clients that dawdle: others are served, memory is bounded."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.demo.child import Child, free_port
from app.redis.embedded import stop_embedded
from tests import signing
from tests.adapters.github_bodies import encoded, merged, signed
from tests.adapters.http_client import Line, delivery, get, line
from tests.adapters.slack_desk import SECRET, SlackStub
from tests.adapters.test_cli import GOOD, ROOT
from tests.servers import start_with
from tests.waiting import is_ready, until

CLIENTS, LARGE = 500, 10
REQUESTS = 20
BODY = encoded(merged())
MB = 2**20
# What the service may need in all, of which it has about 75 MB at rest.
MAX_RESIDENT = 512 * MB


@dataclass
class Service:
    """The service as a process, taking events in and acting on none."""

    port: int
    child: Child

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def peak(self) -> int:
        """Return the most memory that it ever had, in bytes."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        [kilobytes] = [s.split()[1] for s in status.splitlines() if s.startswith("VmHWM")]
        return int(kilobytes) * 1024

    def open_files(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.child.pid}/fd").iterdir()))


@asynccontextmanager
async def service(folder: Path) -> AsyncGenerator[Service]:
    port = free_port()
    (folder / "deploybot.toml").write_text(GOOD)
    store = folder / ".deploybot" / "redis"
    await start_with(store, "appendfsync", "no")  # the service is measured, not the disk
    async with SlackStub.run() as slack:
        environ = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "SLACK_BOT_TOKEN": "xoxb-test",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": slack.url,
            "GITHUB_WEBHOOK_SECRET": "webhook-secret",
            "PORT": str(port),
        }
        argv = [sys.executable, "-m", "app.cli", "serve", "--no-worker"]
        child = Child(argv, folder / "service.txt", env=environ, cwd=folder)
        try:
            running = Service(port, child)
            await child.ready(lambda: is_ready(running.url))
            yield running
        finally:
            await child.end(grace_seconds=25)
            await stop_embedded(store)


# Clients that dawdle, each in a way of its own until the service has had enough.


async def silent(slow: Line) -> None:
    """Say nothing."""


async def slow_head(slow: Line) -> None:
    """Send a head, a byte at a time."""
    await slow.trickle(get(more=b"x-slow: " + b"1" * 900 + b"\r\n"), every=1)


async def slow_body(slow: Line) -> None:
    """Send the body of a delivery, a byte at a time."""
    await slow.send(delivery(BODY))
    await slow.trickle(BODY, every=1)


async def large_body(slow: Line) -> None:
    """Send nearly all of the largest body that is let in, and then nothing."""
    await slow.send(delivery(BODY, length=25 * MB) + b" " * MB)
    for _ in range(23):
        await slow.send(b" " * MB)


async def greedy(slow: Line) -> None:
    """Ask often without waiting for an answer, and then say nothing."""
    await slow.send(get() * 20)


WAYS = [silent, slow_head, slow_body, greedy]


async def dawdle(port: int, way: Callable[[Line], Awaitable[None]]) -> None:
    """Be a slow client, and a new one whenever the service hangs up."""
    while True:
        async with line(port) as slow:
            await way(slow)
            with contextlib.suppress(ConnectionError):
                while await slow.reader.read(100):
                    pass


@asynccontextmanager
async def slow_clients(running: Service) -> AsyncGenerator[None]:
    """Have hundreds of slow clients while the body runs."""
    ways = [WAYS[number % len(WAYS)] for number in range(CLIENTS)] + [large_body] * LARGE
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(dawdle(running.port, way)) for way in ways]
        try:
            await until(lambda: running.open_files() > CLIENTS // 2)
            yield
        finally:
            for task in tasks:
                task.cancel()


# Clients as they should be.


async def deliver(client: httpx.AsyncClient, url: str, number: int) -> int:
    """Deliver a merge of its own."""
    body = encoded(merged(pull_request__merge_commit_sha=f"{number:040x}"))
    headers = signed(body) | {"X-GitHub-Delivery": f"d-{number}"}
    return (await client.post(f"{url}/github/webhook", content=body, headers=headers)).status_code


async def speak(client: httpx.AsyncClient, url: str, number: int) -> int:
    """Send an event of Slack's."""
    event = {"type": "message", "channel": "C1", "user": "U1", "text": "hi", "ts": f"{number}.1"}
    body = json.dumps({"type": "event_callback", "event_id": f"E{number}", "event": event}).encode()
    headers = signing.slack(body, SECRET, str(int(time.time())))
    return (await client.post(f"{url}/slack/events", content=body, headers=headers)).status_code


async def heard(
    send: Callable[[httpx.AsyncClient, str, int], Awaitable[int]],
    client: httpx.AsyncClient,
    url: str,
    number: int,
) -> int:
    """Send a thing, and up to twice again where the store was too slow to keep it (503)."""
    statuses = [await send(client, url, number)]
    while statuses[-1] == 503 and len(statuses) < 3:
        statuses.append(await send(client, url, number))
    return statuses[-1]


async def test_hundreds_of_slow_clients_stop_nobody_and_fill_no_memory(tmp_path: Path) -> None:
    async with service(tmp_path) as running, slow_clients(running):
        # As GitHub and Slack do, a connection for each.
        one_by_one = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=10, limits=one_by_one) as client:
            for number in range(REQUESTS):
                assert await heard(deliver, client, running.url, number) == 202
                assert await heard(speak, client, running.url, number) == 200
                assert (await client.get(f"{running.url}/healthz")).status_code == 200
        assert running.peak() < MAX_RESIDENT
    assert "Traceback" not in (tmp_path / "service.txt").read_text()
