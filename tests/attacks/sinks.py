"""Where planted secrets must not arrive: raw values of the store, answers over HTTP, log lines."""

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import httpx
import structlog
from fastapi import FastAPI

from app import logs
from app.core.config import RepoConfig
from app.github.edge import github_routes
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.web.health import health_routes
from tests import signing
from tests.adapters.github_bodies import merged
from tests.adapters.github_stub import Answer, StubGitHub
from tests.attacks.own import SHA
from tests.core.box import OLD

WEBHOOK_SECRET = "webhook-secret"
_READS = {
    "string": ("GET",),
    "list": ("LRANGE", 0, -1),
    "hash": ("HGETALL",),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1),
}


class Store:
    """Reads a Redis past the log, as somebody would who got at its disk."""

    def __init__(self, url: str) -> None:
        self._client = cast(Any, connect(url))

    async def forgets(self) -> None:
        """Keep nothing on disk from now on."""
        await self._client.config_set("appendonly", "no")

    async def empty(self) -> None:
        """Forget everything."""
        await self._client.flushall()

    async def raw(self) -> str:
        """Return every key with its raw value."""
        parts: list[str] = []
        for key in sorted(await self._client.keys("*")):
            kind = _text(await self._client.type(key))
            read, *rest = _READS[kind]
            parts += [_text(key), _text(await self._client.execute_command(read, key, *rest))]
        return "\n".join(parts)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return _text([part for pair in cast("dict[Any, Any]", value).items() for part in pair])
    if isinstance(value, list | tuple | set):
        return "\n".join(map(_text, cast("list[Any]", value)))
    return str(value)


@contextmanager
def logging_as_the_service() -> Generator[None]:
    """Log as `serve` does, to standard output."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure([WEBHOOK_SECRET])
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:], level = before
        root.setLevel(level)


def plant_in_github(stub: StubGitHub, message: str, author: str) -> None:
    """Let GitHub's API say of every commit what somebody wrote into it."""

    def item(sha: str) -> dict[str, Any]:
        commit = {"message": message, "author": {"name": author}}
        return {"sha": sha, "commit": commit, "author": None, "committer": None}

    ahead = {"ahead_by": 1, "behind_by": 0, "commits": [item(SHA)]}
    behind: dict[str, Any] = {"ahead_by": 0, "behind_by": 1, "commits": []}
    pull = {"base": {"sha": OLD}, "head": {"sha": SHA}}
    paths: dict[str, Any] = {
        "commits": [item(SHA), item(OLD)],
        f"commits/{SHA}": item(SHA),
        f"commits/{OLD}": item(OLD),
        f"compare/main...{SHA}": behind,
        f"compare/main...{OLD}": behind,
        f"compare/{OLD}...{SHA}": ahead,
        f"compare/{SHA}...{OLD}": behind,
        "pulls/7": pull,
    }
    for path, body in paths.items():
        stub.on(f"GET /repos/acme/shop/{path}", Answer(body=body))


async def answers_over_http(log: RedisLog, config: RepoConfig, text: str) -> str:
    """Return what the service answers to webhooks that are wrong in this text, and of itself."""
    repos = {config.name: config}
    app = FastAPI()
    app.include_router(health_routes(log, repos))
    app.include_router(github_routes([WEBHOOK_SECRET], repos, log))
    wrong = [
        merged(pull_request__html_url=text),
        merged(pull_request__merge_commit_sha=text),
        merged(pull_request__number=text),
        merged(**{"action": text}),
        merged(repository__full_name=text, pull_request__user={"login": {text: text}}),
        text,
        {text: text},
    ]
    bodies = [json.dumps(body).encode() for body in wrong]
    bodies.append(text.encode("utf-8", "surrogatepass"))
    said: list[str] = []
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for number, body in enumerate(bodies):
            headers = {
                "x-github-event": "pull_request",
                "x-github-delivery": f"d-{number}",
                "x-hub-signature-256": signing.github(body, WEBHOOK_SECRET),
            }
            answer = await client.post("/github/webhook", content=body, headers=headers)
            said.append(answer.text)
        answer = await client.post(
            "/github/webhook", content=bodies[0], headers={"x-hub-signature-256": "sha256=0"}
        )
        assert answer.status_code == 401
        said.append(answer.text)
        for path in ("/metrics", "/readyz", "/healthz"):
            said.append((await client.get(path)).text)
    return "\n".join(said)
