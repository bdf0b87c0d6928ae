"""A GitHub on loopback that has one repository, merges, and loses webhooks as a test says."""

import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
from aiohttp import web

from tests import signing
from tests.adapters.github_bodies import SECRET
from tests.adapters.github_stub import Answer

REPO = "acme/shop"
REPO_ID = 42
HOOK_ID = 5
Json = dict[str, Any]
Fate = Literal["arrives", "fails", "vanishes"]


class MergingGitHub:
    """Answers in the forms that GitHub documents, at the time of its `clock` (ms).

    A webhook arrives, fails (it is never sent, and recorded as failed) or vanishes (nobody knows).
    `troubles` are the next answers, whatever is asked; None is the right one. `shows_hooks`:
    whether the credentials may see the repository's webhooks. `off_branch`: merges that the
    branch has not. `of_app`: whether the bot's webhook
    is an App's, and not the repository's.
    """

    def __init__(self, clock: Callable[[], Awaitable[int]]) -> None:
        self.url = ""
        self.bot_url = ""
        self.shows_hooks = True
        self.of_app = False
        self.pulls: list[Json] = []
        self.head = f"{1:040x}"
        self.off_branch: set[str] = set()
        self.deliveries: list[Json] = []
        self.troubles: list[Answer | None] = []
        self.asked: Counter[str] = Counter()
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def run(cls, clock: Callable[[], Awaitable[int]]) -> AsyncGenerator["MergingGitHub"]:
        """Listen on a free loopback port."""
        github = cls(clock)
        app = web.Application(middlewares=[github._troubled])
        repo = f"/repos/{REPO}"
        hook = f"{repo}/hooks/{HOOK_ID}/deliveries"
        get, post = app.router.add_get, app.router.add_post
        get(repo, github._repository)
        get(f"{repo}/commits", github._commits)
        get(f"{repo}/pulls", github._list)
        get(f"{repo}/pulls/{{number}}", github._one)
        get(f"{repo}/compare/main...{{sha}}", github._compared)
        get(f"{repo}/hooks", github._hooks)
        get(hook, github._deliveries)
        post(f"{hook}/{{delivery}}/attempts", github._again)
        get("/app/hook/deliveries", github._deliveries)
        post("/app/hook/deliveries/{delivery}/attempts", github._again)
        get(f"{repo}/installation", github._installation)
        post("/app/installations/9/access_tokens", github._access)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        github.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield github
        finally:
            await runner.cleanup()

    # What people do.

    async def merge(self, fate: Fate = "arrives", title: str = "Change", **pull: Any) -> str:
        """Merge a new pull request, and return the SHA that the branch gets."""
        number = len(self.pulls) + 1
        self.head = f"{number:x}".rjust(8, "c") + "d" * 32
        self.pulls.append(await self._pull(number, title) | pull)
        if fate == "arrives":
            await self.deliver(number)
        elif fate == "fails":
            await self._record(number, 502)
        return str(self.pulls[-1]["merge_commit_sha"])

    async def close_unmerged(self) -> None:
        """Close a pull request without merging it."""
        pull = await self._pull(len(self.pulls) + 1, "No")
        pull |= {"merged": False, "merged_at": None, "merged_by": None}
        self.pulls.append(pull)

    async def push(self) -> None:
        """Push to the branch without any pull request."""
        self.head = f"{int(self.head, 16) + 1:040x}"

    async def deliver(self, number: int) -> int:
        """Send a merge's webhook, however late, and return the bot's answer."""
        status = await self._send(number)
        await self._record(number, status)
        return status

    # GitHub's inside.

    async def _now(self) -> str:
        return datetime.fromtimestamp(await self._clock() / 1000, UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )

    async def _pull(self, number: int, title: str) -> Json:
        now = await self._now()
        return {
            "number": number,
            "state": "closed",
            "title": title,
            "body": None,
            "html_url": f"https://github.com/{REPO}/pull/{number}",
            "updated_at": now,
            "merged_at": now,
            "merged": True,
            "merge_commit_sha": self.head,
            "base": {"ref": "main", "sha": "0" * 40},
            "head": {"ref": f"alice/{number}", "sha": "1" * 40},
            "user": {"login": "alice"},
            "merged_by": {"login": "bob"},
        }

    async def _send(self, number: int) -> int:
        repository = {"id": REPO_ID, "full_name": REPO}
        event = {"action": "closed", "repository": repository, "pull_request": self._found(number)}
        body = json.dumps(event).encode()
        headers = {
            "content-type": "application/json",
            "x-github-event": "pull_request",
            "x-github-delivery": f"guid-{number}",
            "x-hub-signature-256": signing.github(body, SECRET),
        }
        async with httpx.AsyncClient() as client:
            url = f"{self.bot_url}/github/webhook"
            return (await client.post(url, content=body, headers=headers)).status_code

    async def _record(self, number: int, status: int) -> None:
        delivery = {
            "id": 1000 + len(self.deliveries),
            "guid": f"guid-{number}",
            "delivered_at": await self._now(),
            "redelivery": any(d["guid"] == f"guid-{number}" for d in self.deliveries),
            "duration": 0.1,
            "status": "OK" if status < 400 else "failed to connect to host",
            "status_code": status,
            "event": "pull_request",
            "action": "closed",
            "installation_id": None,
            "repository_id": REPO_ID,
            "throttled_at": None,
        }
        self.deliveries.insert(0, delivery)

    def _found(self, number: int) -> Json:
        return next(pull for pull in self.pulls if pull["number"] == number)

    # GitHub's doors.

    @web.middleware
    async def _troubled(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.asked[f"{request.method} {request.path}"] += 1
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is None:
            return await handler(request)
        if (trouble.silent or trouble.cut) and request.transport:
            if trouble.silent:
                await request.content.wait_eof()
                return web.Response(status=504)
            request.transport.abort()
        body = (
            trouble.body if isinstance(trouble.body, bytes) else json.dumps(trouble.body).encode()
        )
        return web.Response(status=trouble.status, body=body, headers=trouble.headers)

    async def _repository(self, request: web.Request) -> web.Response:
        return web.json_response({"id": REPO_ID, "full_name": REPO})

    async def _commits(self, request: web.Request) -> web.Response:
        assert request.query["sha"] == "main"
        return web.json_response([{"sha": self.head, "commit": {"message": "x"}}])

    async def _compared(self, request: web.Request) -> web.Response:
        ahead = int(request.match_info["sha"] in self.off_branch)
        return web.json_response({"ahead_by": ahead, "behind_by": 0, "commits": []})

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        assert (query["state"], query["base"]) == ("closed", "main")
        assert (query["sort"], query["direction"]) == ("updated", "desc")
        ordered = sorted(self.pulls, key=lambda p: (p["updated_at"], p["number"]), reverse=True)
        size, page = int(query["per_page"]), int(query["page"])
        # A list has neither of these two.
        shown = [
            {key: value for key, value in pull.items() if key not in ("merged", "merged_by")}
            for pull in ordered[size * (page - 1) : size * page]
        ]
        return web.json_response(shown)

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self._found(int(request.match_info["number"])))

    async def _hooks(self, request: web.Request) -> web.Response:
        if not self.shows_hooks:
            return web.json_response({"message": "Not Found"}, status=404)
        url = "https://other.example/ci" if self.of_app else f"{self.bot_url}/github/webhook"
        hook = {"id": HOOK_ID, "active": True, "config": {"url": url, "content_type": "json"}}
        other = {"id": 6, "active": True, "config": {"url": "https://other.example/hook"}}
        return web.json_response([other, hook])

    async def _deliveries(self, request: web.Request) -> web.Response:
        return web.json_response(self.deliveries[: int(request.query["per_page"])])

    async def _again(self, request: web.Request) -> web.Response:
        wanted = int(request.match_info["delivery"])
        guid = next(str(d["guid"]) for d in self.deliveries if d["id"] == wanted)
        await self.deliver(int(guid.removeprefix("guid-")))
        return web.json_response({}, status=202)

    async def _installation(self, request: web.Request) -> web.Response:
        return web.json_response({"id": 9})

    async def _access(self, request: web.Request) -> web.Response:
        granted = {"token": "ghs_x", "expires_at": "2099-01-01T00:00:00Z"}
        return web.json_response(granted, status=201)
