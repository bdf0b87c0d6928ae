"""Everything outside the service, in one server that survives it: Slack, targets, counts."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.payloads import check

Json = dict[str, Any]
TEAM = "T01ACME"
BOT = "U00DEPLOYBOT"


class Outside:
    """Keeps its own count of effects, and every Slack message by the key that it was posted with.

    `keyed` targets ignore a known attempt id; `queryable` ones can be asked by it; `blind` ones
    only by the reference that they answered the start with.
    """

    def __init__(self, recovery: str) -> None:
        self.recovery = recovery
        self.url = ""
        self.effects: list[str] = []
        self.starts: Counter[str] = Counter()
        self.references: dict[str, str] = {}
        self.messages: dict[str, Json] = {}
        self.whispers: list[Json] = []
        self.refused: list[str] = []

    @classmethod
    @asynccontextmanager
    async def run(cls, recovery: str) -> AsyncGenerator["Outside"]:
        """Serve it on a free port of loopback."""
        outside = cls(recovery)
        app = web.Application()
        app.router.add_post("/api/{method}", outside._slack)
        app.router.add_post("/start", outside._start)
        app.router.add_get("/observe", outside._observe)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        outside.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield outside
        finally:
            await runner.cleanup()
        assert not outside.refused, outside.refused

    def production(self) -> list[str]:
        """Return the effects on production, without the tests."""
        return [e for e in self.effects if e.startswith("production") and "e2e" not in e]

    def posted(self) -> Counter[str]:
        """Count the messages by their key: more than one is a message that was posted twice."""
        return Counter(m["key"] for m in self.messages.values())

    # Targets.

    async def _start(self, request: web.Request) -> web.Response:
        body = await request.json()
        attempt_id, what = body["attempt_id"], body["what"]
        if self.recovery != "keyed" or not self.starts[attempt_id]:
            self.effects.append(what)
        self.starts[attempt_id] += 1
        reference = f"ref-{attempt_id}"
        self.references[reference] = attempt_id
        return web.json_response({"reference": reference})

    async def _observe(self, request: web.Request) -> web.Response:
        attempt_id, reference = request.query["attempt_id"], request.query["reference"]
        if self.recovery == "blind":
            return self._say("succeeded" if reference in self.references else "unknown")
        return self._say("succeeded" if self.starts[attempt_id] else "missing")

    def _say(self, status: str) -> web.Response:
        return web.json_response({"status": status})

    # Slack.

    async def _slack(self, request: web.Request) -> web.Response:
        is_json = "json" in request.headers.get("content-type", "")
        fields: Json = await request.json() if is_json else dict(await request.post())
        fields |= dict(request.query)
        return web.json_response({"ok": True, **self._answer(request.match_info["method"], fields)})

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
