"""Everything outside the service, in one server that survives it: Slack, GitHub, the targets.

Each instance has an address of its own in it, "/0", "/1", …, so that it is known who asks.
"""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.crash.actions import ActionsTarget
from tests.crash.people import BOT, TEAM
from tests.crash.points import Points
from tests.crash.target import ACTIONS, Target
from tests.payloads import check

Json = dict[str, Any]
PAGE = 100
# What pull requests change: most of them both services.
SERVICES = ("web/index.html", "api/app.py")
ONLY_WEB, WITH_JOB = 8, 9
FILES = {ONLY_WEB: SERVICES[:1], WITH_JOB: (*SERVICES, "api/migrations/1.sql")}
ASKED = ("auth.test", "users.info", "conversations.info")


class Outside:
    """Keeps every Slack message by the key that it was posted with, and knows every commit.

    `points` are those of the instances that it may strike before it acts and before it answers.
    `merged` are the commits of the branch, oldest first.
    """

    def __init__(self, name: str) -> None:
        self.url = ""
        self.target = ActionsTarget(name) if name in ACTIONS else Target(name)
        self.points: dict[str, Points] = {}
        self.messages: dict[str, Json] = {}
        self.whispers: list[Json] = []
        self.refused: list[str] = []
        self.merged: list[str] = []

    @classmethod
    @asynccontextmanager
    async def run(cls, name: str) -> AsyncGenerator["Outside"]:
        """Serve it on a free port of loopback."""
        outside = cls(name)
        app = web.Application()
        app.router.add_post("/{instance}/api/{method}", outside._slack)
        app.router.add_routes(outside.target.routes())
        app.router.add_get("/{instance}/github/repos/acme/shop/{kind}/{what}", outside._github)
        app.router.add_get(
            "/{instance}/github/repos/acme/shop/pulls/{number}/files", outside._files
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        outside.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield outside
        finally:
            await runner.cleanup()
        assert not outside.refused, outside.refused
        assert not outside.target.wrong, outside.target.wrong

    def posted(self) -> Counter[str]:
        """Count the messages by their key: more than one is a message that was posted twice."""
        return Counter(m["key"] for m in self.messages.values())

    async def _at(self, request: web.Request, point: str) -> None:
        points = self.points.get(request.match_info["instance"])
        if points:
            await points.at(point)

    # GitHub.

    def merges(self, sha: str) -> None:
        """Put a commit on the branch, if it is not there."""
        if sha not in self.merged:
            self.merged.append(sha)

    def contains(self, newer: str, older: str) -> bool:
        """Tell whether a commit of the branch, full or short, is another one or came after it."""
        return self._place(newer) >= self._place(older)

    async def _github(self, request: web.Request) -> web.Response:
        kind, what = request.match_info["kind"], request.match_info["what"]
        await self._at(request, f"before github {kind}")
        answer = self._known(kind, what, int(request.query.get("page", 1)))
        await self._at(request, f"after github {kind}")
        return web.json_response(answer)

    async def _files(self, request: web.Request) -> web.Response:
        await self._at(request, "before github files")
        files = FILES.get(int(request.match_info["number"]), SERVICES)
        answer = [{"filename": name} for name in files]
        await self._at(request, "after github files")
        return web.json_response(answer)

    def _known(self, kind: str, what: str, page: int) -> Json:
        if kind == "commits":
            return _commit(what)
        if kind == "pulls":
            return {"base": {"sha": "b" * 40}, "head": {"sha": "c" * 40}}
        base, _, head = map(self._place, what.partition("..."))
        ahead = self.merged[base + 1 : head + 1]
        shown = [_commit(sha) for sha in ahead[(page - 1) * PAGE : page * PAGE]]
        return {"ahead_by": len(ahead), "behind_by": max(0, base - head), "commits": shown}

    def _place(self, ref: str) -> int:
        """Return where the branch has a commit; what it does not have came before all."""
        found = (place for place, sha in enumerate(self.merged) if sha.startswith(ref))
        return len(self.merged) - 1 if ref == "main" else next(found, -1)

    # Slack.

    async def _slack(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        name = "asked" if method in ASKED else method
        is_json = "json" in request.headers.get("content-type", "")
        fields: Json = await request.json() if is_json else dict(await request.post())
        fields |= dict(request.query)
        await self._at(request, f"before slack {name}")
        answer = self._answer(method, fields)
        await self._at(request, f"after slack {name}")
        return web.json_response({"ok": True, **answer})

    def _check(self, fields: Json) -> None:
        """Keep what Slack would have refused."""
        try:
            check(fields["text"], fields.get("blocks") or [])
        except AssertionError as refusal:
            self.refused.append(str(refusal))

    def _answer(self, method: str, fields: Json) -> Json:
        if "text" in fields:
            self._check(fields)
        match method:
            case "chat.postMessage":
                ts = f"1800000000.{len(self.messages):06}"
                metadata: Json = fields["metadata"]
                fields["key"] = metadata["event_payload"]["key"]
                self.messages[ts] = {**fields, "ts": ts}
                return {"ts": ts}
            case "chat.update":
                self.messages[fields["ts"]] |= {"blocks": fields["blocks"]}
                return {"ts": fields["ts"]}
            case "conversations.history" | "conversations.replies":
                return {"messages": list(self.messages.values())}
            case "chat.postEphemeral":
                self.whispers.append(fields)
                return {}
            case "auth.test":
                return {"team_id": TEAM, "user_id": BOT}
            case "users.info":
                return {"user": {"id": fields["user"], "team_id": TEAM}}
            case "conversations.info":
                return {"channel": {"id": fields["channel"], "is_member": True}}
            case _:
                return {}


def _commit(sha: str) -> Json:
    return {"sha": sha, "commit": {"message": f"Change {sha[:7]}"}, "author": {"login": "alice"}}
