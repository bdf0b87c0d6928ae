"""What is outside the service under load: GitHub, and targets that see what overlaps."""

import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.load.monorepo import files, number_of, sha_of

TAKES_SECONDS = 0.05
Json = dict[str, Any]


@dataclass
class Runs:
    """Everything that was started, each running for a while. `wrong` is what may never happen.

    Two runs on one target at a time may not, nor an older commit after a newer one in production.
    The tests of production are no target: those of different services may overlap.
    """

    starts: Counter[str] = field(default_factory=Counter[str])
    shipped: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    wrong: list[str] = field(default_factory=list[str])
    _current: dict[str, str] = field(default_factory=dict[str, str])
    _ends: dict[str, float] = field(default_factory=dict[str, float])
    _busy: dict[str, float] = field(default_factory=dict[str, float])

    def start(self, attempt_id: str, at: str, sha: str) -> None:
        """Begin a run; a known attempt is begun once."""
        self.starts[attempt_id] += 1
        if self.starts[attempt_id] > 1:
            return
        now = time.monotonic()
        if now < self._busy.get(at, 0) and at != "production e2e":
            self.wrong.append(f"{at} {sha[:7]}: another run is under way")
        self._busy[at] = self._ends[attempt_id] = now + TAKES_SECONDS
        self._current[at] = sha
        environment, _, service = at.partition(" ")
        if environment == "production" and service != "e2e":
            self._ship(service, number_of(sha))

    def status(self, attempt_id: str) -> str:
        """Say how a run is."""
        if attempt_id not in self._ends:
            return "missing"
        return "running" if time.monotonic() < self._ends[attempt_id] else "succeeded"

    def current(self, at: str) -> str | None:
        """Return what a target runs."""
        return self._current.get(at)

    def _ship(self, service: str, number: int) -> None:
        before = self.shipped.setdefault(service, [])
        if before and number <= before[-1]:
            self.wrong.append(f"{service}: #{number} after #{before[-1]}")
        before.append(number)


class Outside:
    """One server for GitHub, on which the pull requests up to `head` are merged, and the targets.

    `asked` counts what GitHub was asked.
    """

    def __init__(self) -> None:
        self.url = ""
        self.head = 0
        self.runs = Runs()
        self.asked: Counter[str] = Counter()

    @classmethod
    @asynccontextmanager
    async def run(cls) -> AsyncGenerator["Outside"]:
        """Serve it on a free port of loopback."""
        outside = cls()
        app = web.Application()
        repo = "/github/repos/acme/shop"
        get = app.router.add_get
        get(f"{repo}/commits", outside._commits)
        get(f"{repo}/commits/{{sha}}", outside._commit)
        get(f"{repo}/compare/{{range}}", outside._compare)
        get(f"{repo}/pulls/{{number}}", outside._pull)
        get(f"{repo}/pulls/{{number}}/files", outside._files)
        for name in ("pulls", "hooks"):
            get(f"{repo}/{name}", outside._none)
        app.router.add_post("/start", outside._start)
        get("/observe", outside._observe)
        get("/current", outside._current)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        outside.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield outside
        finally:
            await runner.cleanup()

    # GitHub.

    async def _commits(self, request: web.Request) -> web.Response:
        self.asked["commits"] += 1
        newest = range(self.head, max(0, self.head - int(request.query["per_page"])), -1)
        return web.json_response([_item(number) for number in newest])

    async def _commit(self, request: web.Request) -> web.Response:
        self.asked["commit"] += 1
        return web.json_response(_item(number_of(request.match_info["sha"])))

    async def _compare(self, request: web.Request) -> web.Response:
        self.asked["compare"] += 1
        base, head = map(self._number, request.match_info["range"].split("..."))
        ahead = range(base + 1, head + 1)
        first = (int(request.query.get("page", 1)) - 1) * int(request.query["per_page"])
        page = ahead[first : first + int(request.query["per_page"])]
        answer = {
            "ahead_by": len(ahead),
            "behind_by": max(0, base - head),
            "commits": [_item(number) for number in page],
            "files": [{"filename": name} for number in ahead for name in files(number)],
        }
        return web.json_response(answer)

    async def _pull(self, request: web.Request) -> web.Response:
        self.asked["pull"] += 1
        number = int(request.match_info["number"])
        answer = {"base": {"sha": sha_of(number - 1)}, "head": {"sha": sha_of(number)}}
        return web.json_response(answer)

    async def _files(self, request: web.Request) -> web.Response:
        self.asked["files"] += 1
        names = files(int(request.match_info["number"]))
        return web.json_response([{"filename": name} for name in names])

    async def _none(self, request: web.Request) -> web.Response:
        return web.json_response([])

    def _number(self, ref: str) -> int:
        return self.head if ref == "main" else number_of(ref)

    # The targets, as `tests.crash.target.TargetDeployer` asks them.

    async def _start(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.runs.start(body["attempt_id"], body["at"], body["sha"])
        return web.json_response({"reference": body["attempt_id"]})

    async def _observe(self, request: web.Request) -> web.Response:
        return web.json_response({"status": self.runs.status(request.query["attempt_id"])})

    async def _current(self, request: web.Request) -> web.Response:
        return web.json_response({"sha": self.runs.current(request.query["at"])})


def _item(number: int) -> Json:
    return {
        "sha": sha_of(number),
        "commit": {"message": f"Change {number}"},
        "author": {"login": "alice"},
    }
