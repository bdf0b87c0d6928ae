"""Slack's side of the door: signed requests in, and a small Slack that answers and remembers."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from aiohttp import web
from fastapi import FastAPI

from app.core import events as ev
from app.core.config import RepoConfig
from app.core.ports import ThreadLog, Write
from app.slack.chat import SlackChat, zones_of
from app.slack.edge import slack_routes
from app.slack.handlers import build_app
from app.slack.people import SlackPeople
from tests import payloads, signing
from tests.fakes import FakeLog
from tests.story import THREAD, Story, repo_config
from tests.waiting import until

SECRET = "signing-secret"
BOT = "U00DEPLOYBOT"
CHANNEL = "C01DEPLOYS"
TEAM = "T01ACME"
NOW = 1_800_000_000
Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What a method answers in place of what Slack would."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    retry_after: str = ""

    @classmethod
    def with_fields(cls, **fields: object) -> "Reply":
        """Answer that it was done, with these fields."""
        return cls(json.dumps({"ok": True, **fields}).encode())

    def response(self) -> web.Response:
        """Return it anew."""
        headers = {"Content-Type": self.content_type}
        headers |= {"Retry-After": self.retry_after} if self.retry_after else {}
        return web.Response(body=self.body, status=self.status, headers=headers)


class SlackStub:
    """A Web API that knows users, groups and channels, and keeps every call."""

    def __init__(self) -> None:
        self.users: dict[str, Json] = {}
        self.groups: dict[str, list[str]] = {}
        self.channels: dict[str, Json] = {}
        self.calls: list[tuple[str, Json]] = []
        self.failing: set[str] = set()
        self.garbled: set[str] = set()
        self.hanging: set[str] = set()
        self.errors: dict[str, str] = {}
        self.replies: dict[str, Reply] = {}
        self.over = asyncio.Event()
        self.workspace = "https://a.slack.com/"
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def run(cls) -> AsyncGenerator["SlackStub"]:
        """Serve a new one."""
        stub = cls()
        async with stub.serve():
            yield stub

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[None]:
        """Serve it on a free port of loopback."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
        try:
            yield
        finally:
            self.over.set()
            await runner.cleanup()

    def count(self, method: str) -> int:
        """Return how often a method was called."""
        return Counter(name for name, _ in self.calls)[method]

    def fields(self, method: str) -> list[Json]:
        """Return what a method was called with, oldest first."""
        return [fields for name, fields in self.calls if name == method]

    def check(self) -> None:
        """Fail if anything that was shown is not as Slack wants it."""
        for fields in self.fields("chat.postEphemeral"):
            payloads.check(fields["text"], json.loads(fields.get("blocks", "[]")))
        for fields in (*self.fields("views.open"), *self.fields("views.publish")):
            payloads.check("a view", json.loads(fields["view"])["blocks"])

    async def _answer(self, request: web.Request) -> web.Response:
        method, fields = request.match_info["method"], await fields_of(request)
        self.calls.append((method, fields))
        assert request.headers["authorization"] == "Bearer xoxb-test"
        if method in self.failing:
            return web.json_response({"ok": False, "error": "fatal_error"})
        if method in self.hanging:
            await self.over.wait()
        if method in self.garbled:
            return web.Response(status=502, text="<html>", content_type="application/json")
        if method in self.replies:
            return self.replies[method].response()
        refused = self.errors.get(str(fields.get("user") or fields.get("usergroup")))
        if refused:
            return web.json_response({"ok": False, "error": refused})
        return web.json_response(self._known(method, fields))

    def _known(self, method: str, fields: Json) -> Json:
        match method:
            case "auth.test":
                return {"ok": True, "team_id": TEAM, "user_id": BOT, "url": self.workspace}
            case "users.info":
                user = {"id": fields["user"], "team_id": TEAM}
                return {"ok": True, "user": user | self.users.get(fields["user"], {})}
            case "usergroups.users.list":
                return {"ok": True, "users": self.groups.get(fields["usergroup"], [])}
            case "conversations.info":
                channel = {"id": fields["channel"]}
                return {"ok": True, "channel": channel | self.channels.get(fields["channel"], {})}
            case _:
                return {"ok": True, "ts": "1.1", "message_ts": "1.1"}


async def fields_of(request: web.Request) -> Json:
    """Return what a method is called with, however it is sent."""
    is_json = "json" in request.headers.get("content-type", "")
    fields: Json = await request.json() if is_json else dict(await request.post())
    return fields | dict(request.query)


class Desk:
    """The service's Slack door over a fake log, and people who come to it."""

    def __init__(self, slack: SlackStub, log: ThreadLog, repos: Sequence[RepoConfig]) -> None:
        self.slack = slack
        self.log = log
        self.seconds = 0.0
        people = SlackPeople("xoxb-test", slack.url, lambda: self.seconds)
        chat = SlackChat("xoxb-test", slack.url, zones=zones_of(repos))
        by_name = {repo.name: repo for repo in repos}
        bolt = build_app("xoxb-test", slack.url, by_name, log, chat, people)
        self.app = FastAPI()
        self.app.include_router(slack_routes(bolt, SECRET, lambda: float(NOW)))
        self._events = 0

    @classmethod
    @asynccontextmanager
    async def run(cls, *repos: RepoConfig, log: ThreadLog | None = None) -> AsyncGenerator["Desk"]:
        """Open the door for these repositories, by default for the shop."""
        async with SlackStub.run() as slack:
            yield cls(slack, log or FakeLog(start=NOW * 1000), repos or (repo_config(),))
            slack.check()

    # Requests.

    async def post(
        self, body: bytes, content_type: str = "application/json", **headers: str
    ) -> httpx.Response:
        """Post a body, signed unless the headers say otherwise."""
        sent = {"content-type": content_type, **signed(body)}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            return await client.post("/slack/events", content=body, headers=sent)

    async def event(self, event: Json, event_id: str = "", **headers: str) -> httpx.Response:
        """Deliver an event."""
        self._events += 1
        envelope = {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": event_id or f"Ev{self._events}",
            "event": event,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
        }
        return await self.post(json.dumps(envelope).encode(), **headers)

    async def says(
        self,
        text: str,
        user: str = "U01ALICE",
        ts: str = "2.2",
        thread_ts: str | None = None,
        channel: str = CHANNEL,
    ) -> httpx.Response:
        """Write in a channel: a mention of the bot arrives as two events."""
        event: Json = {"channel": channel, "user": user, "text": text, "ts": ts}
        if thread_ts:
            event["thread_ts"] = thread_ts
        answer = await self.event({"type": "message", "channel_type": "channel", **event})
        if f"<@{BOT}>" in text:
            answer = await self.event({"type": "app_mention", **event})
        return answer

    async def form(self, payload: Json) -> httpx.Response:
        """Post a payload as interactions are posted."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return await self.post(body, "application/x-www-form-urlencoded")

    async def clicks(
        self,
        action_id: str,
        value: str = f"{THREAD}:c1",
        user: str = "U03CARA",
        channel: str = CHANNEL,
    ) -> httpx.Response:
        """Press a button."""
        return await self.form(
            {
                "type": "block_actions",
                "team": {"id": TEAM},
                "user": {"id": user, "team_id": TEAM},
                "channel": {"id": channel},
                "container": {"type": "message", "message_ts": "1.2", "thread_ts": "1.1"},
                "message": {"ts": "1.2", "thread_ts": "1.1"},
                "trigger_id": "123.456",
                "actions": [{"type": "button", "action_id": action_id, "value": value}],
            }
        )

    async def submits(
        self,
        text: str | None,
        user: str = "U03CARA",
        callback_id: str = "feedback",
        field: str = "feedback",
        value: str = f"{THREAD}:c1",
    ) -> httpx.Response:
        """Submit a form of the card, or of what another value is about."""
        values = {field: {field: {"type": "plain_text_input", "value": text}}}
        view = {
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": value,
            "state": {"values": values},
        }
        return await self.form(
            {
                "type": "view_submission",
                "team": {"id": TEAM},
                "user": {"id": user, "team_id": TEAM},
                "view": view,
            }
        )

    async def commands(self, text: str, channel: str = CHANNEL) -> str:
        """Give the slash command and return its answer."""
        fields = {
            "command": "/deploybot",
            "text": text,
            "user_id": "U01ALICE",
            "channel_id": channel,
            "team_id": TEAM,
        }
        body = urlencode(fields).encode()
        answer = await self.post(body, "application/x-www-form-urlencoded")
        assert answer.status_code == 200
        return answer.text

    # What follows.

    async def tells(self, story: Story) -> None:
        """Let a story have happened, with its Slack thread at 1.1."""
        events = [entry.event for entry in story.entries]
        await self.log.append(Write(THREAD, events, index=[f"{CHANNEL}|1.1"]))

    async def events_of(self, thread_id: str = THREAD) -> list[ev.Event]:
        """Return the events of a thread."""
        return [entry.event for entry in await self.log.read(thread_id)]

    async def newest(self, thread_id: str = THREAD) -> ev.Event:
        """Return the newest event of a thread."""
        return (await self.events_of(thread_id))[-1]

    async def threads(self, repo: str = "acme/shop") -> list[str]:
        """Return the ids of all threads."""
        return await self.log.threads(repo, 100)

    def whispers(self) -> list[str]:
        """Return what single persons were told."""
        return [str(fields["text"]) for fields in self.slack.fields("chat.postEphemeral")]

    async def whisper(self, number: int = 1) -> str:
        """Wait for the n-th thing that a person is told, and return it."""
        await until(lambda: len(self.whispers()) >= number)
        return self.whispers()[number - 1]


def signed(body: bytes, secret: str = SECRET, timestamp: str = str(NOW)) -> dict[str, str]:
    """Return the headers with which Slack signs a body."""
    return signing.slack(body, secret, timestamp)
