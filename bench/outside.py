"""What the measured services act on: a Slack and a target that answer at once and keep count."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Json = dict[str, Any]
TEAM = "T01ACME"


@dataclass(frozen=True)
class Effect:
    """Something that happened at the target: what, by which attempt, who asked for it, and when."""

    what: str
    attempt_id: str
    instance: str
    at: float


class Outside:
    """Slack and a target; `arrivals` are its production effects as they happen.

    A `keyed` target ignores a known attempt id, a `queryable` one can be asked by it, a `blind`
    one only by the reference with which it answered the start.
    """

    def __init__(self, recovery: str) -> None:
        self.url = ""
        self.whispers: list[str] = []
        self._recovery = recovery
        self._effects: list[Effect] = []
        self._seen: set[str] = set()
        self._answered: set[str] = set()
        self._posted = 0
        self.arrivals: asyncio.Queue[Effect] = asyncio.Queue()
        self._answers = asyncio.Event()
        self._answers.set()

    @classmethod
    @asynccontextmanager
    async def run(cls, recovery: str) -> AsyncGenerator["Outside"]:
        """Serve it on a free port of loopback."""
        outside = cls(recovery)
        app = web.Application()
        app.router.add_post("/{instance}/api/{method}", outside._slack)
        app.router.add_post("/{instance}/start", outside._start)
        app.router.add_get("/{instance}/observe", outside._observe)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        outside.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield outside
        finally:
            await runner.cleanup()

    def production(self) -> list[Effect]:
        """Return what happened in production, oldest first."""
        return [effect for effect in self._effects if effect.what.startswith("production")]

    def _happens(self, effect: Effect) -> None:
        self._effects.append(effect)
        if effect.what.startswith("production"):
            self.arrivals.put_nowait(effect)

    def hang(self) -> None:
        """Act from now on, but do not answer."""
        self._answers.clear()

    def answer(self) -> None:
        """Answer again, also who waits."""
        self._answers.set()

    async def _start(self, request: web.Request) -> web.Response:
        at, body = time.perf_counter(), await request.json()
        attempt_id: str = body["attempt_id"]
        if self._recovery != "keyed" or attempt_id not in self._seen:
            instance = request.match_info["instance"]
            self._happens(Effect(body["what"], attempt_id, instance, at))
        self._seen.add(attempt_id)
        await self._answers.wait()
        self._answered.add(attempt_id)
        return web.json_response({"reference": attempt_id})

    async def _observe(self, request: web.Request) -> web.Response:
        if self._recovery == "blind":
            known = request.query["reference"] in self._answered
            return web.json_response({"status": "succeeded" if known else "unknown"})
        known = request.query["attempt_id"] in self._seen
        return web.json_response({"status": "succeeded" if known else "missing"})

    async def _slack(self, request: web.Request) -> web.Response:
        is_json = "json" in request.headers.get("content-type", "")
        fields: Json = await request.json() if is_json else dict(await request.post())
        fields |= dict(request.query)
        answer = self._answer(request.match_info["method"], fields)
        return web.json_response({"ok": True, **answer})

    def _answer(self, method: str, fields: Json) -> Json:
        match method:
            case "chat.postMessage":
                self._posted += 1
                return {"ts": f"1800000000.{self._posted:06}"}
            case "chat.update":
                return {"ts": fields["ts"]}
            case "conversations.history" | "conversations.replies":
                return {"messages": []}
            case "chat.postEphemeral":
                self.whispers.append(fields["text"])
                return {}
            case "auth.test":
                return {"team_id": TEAM, "user_id": "U00DEPLOYBOT"}
            case "users.info":
                return {"user": {"id": fields["user"], "team_id": TEAM}}
            case "conversations.info":
                return {"channel": {"id": fields["channel"], "is_member": True}}
            case _:
                return {}
