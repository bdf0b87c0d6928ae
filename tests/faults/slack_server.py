"""A Slack that keeps messages, and enforces the limits that Slack documents, in a time of its own.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.adapters.slack_desk import Json, SlackStub, fields_of
from tests.fakes import FakeLog, FakeMessage
from tests.faults.proxy import Proxy, proxy_to

START = 1_800_000_000
PAGE = 100


@dataclass
class Clock:
    """Stands still until it is told; a log in memory goes with it."""

    log: FakeLog = field(default_factory=lambda: FakeLog(start=START * 1000))
    ms: int = 0

    @property
    def seconds(self) -> float:
        """The time, in seconds since the epoch."""
        return START + self.ms / 1000

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.ms += round(seconds * 1000)
        self.log.advance(round(seconds * 1000))


@dataclass
class Limit:
    """So many calls at once, and then so many a second."""

    at_once: float
    a_second: float
    left: float = 0
    at: float = 0

    def seconds(self, now: float) -> int:
        """Let a call pass and return 0, or return for how many seconds to stay away."""
        self.left = min(self.at_once, self.left + (now - self.at) * self.a_second)
        self.at = now
        if self.left < 1:
            return 1 + int((1 - self.left) / self.a_second)
        self.left -= 1
        return 0


class SlackServer(SlackStub):
    """`refused` is what Slack would not show, `too_early` is who did not stay away as told.

    Every call takes `latency` seconds of the clock's time. `strict` is how Slack treats apps that
    are distributed outside its Marketplace: one page of 15 messages a minute.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.latency = 0.0
        self.strict = False
        self.is_broken = False
        self.messages: list[FakeMessage] = []
        self.asked: list[tuple[float, str, str]] = []
        self.refused: list[str] = []
        self.too_early: list[str] = []
        self._limits: dict[str, Limit] = {}
        self._away: dict[str, float] = {}

    @asynccontextmanager
    async def behind_proxy(self) -> AsyncGenerator[Proxy]:
        """Serve it through a proxy: its address is the proxy's."""
        async with self.serve():
            port = int(self.url.rsplit(":", 1)[1].split("/")[0])
            async with proxy_to(("127.0.0.1", port)) as proxy:
                self.url = f"http://127.0.0.1:{proxy.port}/api/"
                yield proxy
        self.check()

    def check(self) -> None:
        """Fail if anything was shown, or asked, that Slack does not want."""
        super().check()
        assert not self.refused, self.refused
        assert not self.too_early, self.too_early

    def limit(self, method: str, seconds: float, channel: str = "") -> None:
        """Have a method, or posts to one channel, left alone for so long."""
        self._away[_scope(method, channel)] = self.clock.seconds + seconds

    def at(self, method: str, channel: str = "") -> list[float]:
        """Return when a method was called, seconds since the start."""
        found = (a for a, name, where in self.asked if (name, where) == (method, channel or where))
        return [round(at - START, 3) for at in found]

    async def _answer(self, request: web.Request) -> web.Response:
        method, fields = request.match_info["method"], await fields_of(request)
        self.clock.passes(self.latency)
        channel = str(fields.get("channel", ""))
        self.asked.append((self.clock.seconds, method, channel))
        if self.is_broken:
            return web.Response(status=503, text="<html>", content_type="text/html")
        if seconds := self._stay_away(method, channel):
            headers = {"Retry-After": str(seconds)}
            answer = {"ok": False, "error": "ratelimited"}
            return web.json_response(answer, status=429, headers=headers)
        return await super()._answer(request)

    def _stay_away(self, method: str, channel: str) -> int:
        now, scope = self.clock.seconds, _scope(method, channel)
        told = f"{scope} told"
        if now < self._away.get(told, 0):
            self.too_early.append(f"{scope} at {now - START}")
        away = self._away.get(scope, 0) - now
        seconds = -int(-away // 1) if away > 0 else self._limit(method, scope).seconds(now)
        if seconds:
            self._away[told] = now + seconds
        return seconds

    def _limit(self, method: str, scope: str) -> Limit:
        if scope not in self._limits:
            self._limits[scope] = self._tier(method)
            self._limits[scope].left = self._limits[scope].at_once
        return self._limits[scope]

    def _tier(self, method: str) -> Limit:
        match method:
            case "chat.postMessage":
                return Limit(3, 1)
            case "conversations.history" | "conversations.replies":
                return Limit(1, 1 / 60) if self.strict else Limit(50, 50 / 60)
            case "chat.update" | "conversations.info":
                return Limit(50, 50 / 60)
            case _:
                return Limit(100, 100 / 60)

    # Messages.

    def _known(self, method: str, fields: Json) -> Json:
        match method:
            case "chat.postMessage":
                return self._posted(fields)
            case "chat.update":
                return self._updated(fields)
            case "conversations.history" | "conversations.replies":
                return self._page(fields)
            case _:
                return super()._known(method, fields)

    def _posted(self, fields: Json) -> Json:
        key = fields["metadata"]["event_payload"]["key"]
        ts = f"{int(self.clock.seconds)}.{len(self.messages):06}"
        message = FakeMessage(fields["channel"], ts, fields.get("thread_ts"), key)
        if not self._shown(message, fields):
            return {"ok": False, "error": "invalid_blocks"}
        self.messages.append(message)
        return {"ok": True, "ts": ts}

    def _updated(self, fields: Json) -> Json:
        where = (fields["channel"], fields["ts"])
        found = [m for m in self.messages if (m.channel, m.ts) == where]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        shown = self._shown(found[0], fields)
        return {"ok": True} if shown else {"ok": False, "error": "invalid_blocks"}

    def _shown(self, message: FakeMessage, fields: Json) -> bool:
        try:
            message.show(fields["text"], fields["blocks"])
        except AssertionError as refusal:
            self.refused.append(str(refusal))
            return False
        return True

    def _page(self, fields: Json) -> Json:
        """Answer with the channel, newest first, or with a thread, oldest first; with metadata."""
        root, oldest = fields.get("ts"), float(fields.get("oldest", 0))
        here = [m for m in self.messages if m.channel == fields["channel"]]
        found = [m for m in here if m.ts == root or m.thread_ts == root]
        found = [m for m in found if m.ts == root or float(m.ts) > oldest]
        found = found if root else found[::-1]
        start = int(fields.get("cursor") or 0)
        end = start + min(int(fields["limit"]), 15 if self.strict else PAGE)
        more = {"next_cursor": str(end)} if len(found) > end else {}
        page = [_as_read(m, fields) for m in found[start:end]]
        return {"ok": True, "messages": page, "response_metadata": more}


def _as_read(message: FakeMessage, fields: Json) -> Json:
    read: Json = {"ts": message.ts, "text": message.text}
    if str(fields.get("include_all_metadata")).lower() in ("1", "true"):
        read["metadata"] = {"event_type": "any", "event_payload": {"key": message.key}}
    return read


def _scope(method: str, channel: str) -> str:
    """Posts are limited for each channel, other methods as a whole."""
    return f"{method} {channel}" if method == "chat.postMessage" else method
