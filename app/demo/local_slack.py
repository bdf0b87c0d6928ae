"""The local Slack: starts it, and does in it what people do; knows nothing of the bot's answers."""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from app.demo.child import Child
from app.demo.installed import local_slack_program

Json = dict[str, Any]

_ADDRESS = re.compile(r"Web UI:\s+(http://\S+)")


@dataclass(frozen=True)
class Person:
    """Somebody in the workspace."""

    id: str
    name: str
    real_name: str
    email: str
    tz: str = "Europe/Stockholm"
    is_bot: bool = False


@dataclass(frozen=True)
class Channel:
    """A channel and who is in it, the bot included."""

    id: str
    name: str
    members: tuple[str, ...]


ALICE = Person("U01ALICE", "alice", "Alice Lindqvist", "alice@acme.example")
BOB = Person("U02BOB", "bob", "Bob Okafor", "bob@acme.example")
CARA = Person("U03CARA", "cara", "Cara Mendes", "cara@acme.example")
BOT_USER = "U00DEPLOYBOT"
DEPLOYS = Channel("C01DEPLOYS", "deploys", (BOT_USER, ALICE.id, BOB.id, CARA.id))


@dataclass(frozen=True)
class Workspace:
    """What the local Slack starts with; events and clicks go to `request_url`, signed."""

    request_url: str
    bot_token: str = "xoxb-local-deploybot"
    signing_secret: str = "local-signing-secret"
    bot_user: str = BOT_USER
    bot_name: str = "deploybot"
    users: tuple[Person, ...] = (ALICE, BOB, CARA)
    channels: tuple[Channel, ...] = field(default=(DEPLOYS,))

    def config(self) -> str:
        """Return the local Slack's configuration file, as JSON."""
        app = {
            "appId": "A01DEPLOYBOT",
            "botUserId": self.bot_user,
            "botName": self.bot_name,
            "botToken": self.bot_token,
            "signingSecret": self.signing_secret,
            "mode": "events",
            "requestUrl": self.request_url,
        }
        return json.dumps(
            {
                "workspace": {"name": "Acme", "domain": "acme", "teamId": "T01ACME"},
                "app": app,
                "users": [asdict(person) for person in self.users],
                "channels": [asdict(channel) for channel in self.channels],
            }
        )


class LocalSlack:
    """A running local Slack."""

    def __init__(self, url: str) -> None:
        """Use the local Slack at this address."""
        self.url = url
        self.api_url = f"{url}/api/"

    @classmethod
    @asynccontextmanager
    async def run(
        cls, workspace: Workspace, *, port: int = 0, output: Path | None = None
    ) -> AsyncGenerator["LocalSlack"]:
        """Start one on a port (0: any), empty; end it at the end. It listens on every interface."""
        with tempfile.TemporaryDirectory(prefix="local-slack-") as folder:
            config = Path(folder) / "workspace.json"
            config.write_text(workspace.config())
            argv = [str(local_slack_program()), "--config", str(config), "--port", str(port)]
            argv += ["--base-host", "127.0.0.1", "--files-dir", str(Path(folder) / "files")]
            child = Child(argv, output or Path(folder) / "output.txt")
            seen = child.output.stat().st_size
            addresses: list[str] = []

            async def printed_address() -> bool:
                addresses[:] = _ADDRESS.findall(child.output.read_bytes()[seen:].decode())
                return bool(addresses)

            try:
                await child.ready(printed_address)
                yield cls(addresses[0])
            finally:
                await child.end()

    async def say(self, channel: str, user: str, text: str, thread_ts: str | None = None) -> str:
        """Write a message and return its ts; returns after the app answered the events."""
        body = {"channel": channel, "user": user, "text": text}
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        return str((await self._control("message", body))["message"]["ts"])

    async def click(
        self,
        channel: str,
        message_ts: str,
        user: str,
        action_id: str,
        value: str,
        block_id: str = "",
    ) -> None:
        """Press a button, whether or not the message shows it; returns after the app answered."""
        action = {"type": "button", "action_id": action_id, "block_id": block_id, "value": value}
        body = {"channel": channel, "messageTs": message_ts, "user": user, "action": action}
        await self._control("interact", body)

    async def command(self, channel: str, user: str, command: str, text: str = "") -> None:
        """Give a slash command; returns after the app answered."""
        body = {"channel": channel, "user": user, "command": command, "text": text}
        await self._control("command", body)

    async def submit_modal(
        self, user: str, values: Mapping[str, Mapping[str, str]], seconds: float = 10
    ) -> Json:
        """Wait for an open modal, submit texts by block and action; return its errors, {} if none.

        The modal on top is submitted: the workspace has one stack for everybody.
        """
        typed = {
            block: {
                action: {"type": "plain_text_input", "value": text} for action, text in of.items()
            }
            for block, of in values.items()
        }
        async with asyncio.timeout(seconds), self._page() as (socket, state):
            stack = state["modalStack"]
            while not stack:
                stack = (await _received(socket, "view"))["stack"]
            await socket.send_json({"t": "view_submit", "user": user, "values": typed})
            answer = await _received(socket, "view", "view_errors")
            return dict(answer.get("errors", {}))

    async def modal(self) -> Json | None:
        """Return the view of the modal on top, None where none is open."""
        stack = (await self.state())["modalStack"]
        return stack[-1] if stack else None

    async def home(self, user: str) -> Json | None:
        """Return the home view that the app published for somebody."""
        views: Json = (await self.state())["homeViews"].get(user, {})
        return next(iter(views.values()), None)

    async def messages(self, channel: str) -> list[Json]:
        """Return everything in a channel, oldest first: replies and ephemerals too."""
        return list((await self._get(f"messages/{channel}"))["messages"])

    async def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a message and its replies that everybody sees."""
        return [
            message
            for message in await self.messages(channel)
            if ts in (message["ts"], message.get("thread_ts"))
            and message.get("subtype") != "ephemeral"
        ]

    async def ephemerals(self, channel: str, user: str) -> list[Json]:
        """Return what only this person sees in a channel, oldest first."""
        return [m for m in await self.messages(channel) if m.get("ephemeral_to") == user]

    async def log(self) -> list[Json]:
        """Return the last 1,000 exchanges with the app: direction, kind, summary, detail."""
        return list((await self._get("log"))["log"])

    async def reset(self) -> None:
        """Forget all messages, views and the log."""
        await self._control("reset", {})

    async def state(self) -> Json:
        """Return what the page knows: messages by channel, modalStack, homeViews, log."""
        async with self._page() as (_, state):
            return state

    async def _control(self, verb: str, body: Json) -> Json:
        async with httpx.AsyncClient(verify=False, timeout=30) as client:
            response = await client.post(f"{self.url}/_control/{verb}", json=body)
            return dict(response.raise_for_status().json())

    async def _get(self, path: str) -> Json:
        async with httpx.AsyncClient(verify=False, timeout=30) as client:
            return dict((await client.get(f"{self.url}/_control/{path}")).raise_for_status().json())

    @asynccontextmanager
    async def _page(self) -> AsyncGenerator[tuple[aiohttp.ClientWebSocketResponse, Json]]:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.url}/ui", max_msg_size=0) as socket,
        ):
            yield socket, (await _received(socket, "init"))["state"]


async def _received(socket: aiohttp.ClientWebSocketResponse, *kinds: str) -> Json:
    while True:
        message: Json = await socket.receive_json()
        if message["t"] in kinds:
            return message
