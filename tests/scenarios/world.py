"""A world in a box, with verbs: the service as a process, local Slack and GitHub, a store."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from app.demo.child import free_port
from app.demo.emulate import Emulate, identity
from app.demo.local_slack import ALICE, BOB, BOT_USER, CARA, LocalSlack, Workspace
from app.redis.embedded import stop_embedded
from tests.forks import Forked
from tests.payloads import check
from tests.scripted_openai import ScriptedOpenAI
from tests.waiting import is_ready, until

CHANNEL = "C01DEPLOYS"
SECRET = "local-webhook-secret"
TARGET = Path(__file__).with_name("target.py")
PEOPLE = {"alice": ALICE.id, "bob": BOB.id, "cara": CARA.id}
Json = dict[str, Any]


def config(more: str = "") -> str:
    """Write the seed's configuration: frontend and backend, in the seed's order."""
    lines = [
        '[repos."acme/shop"]',
        f'channel = "{CHANNEL}"',
        f'approvers = ["{BOB.id}", "{CARA.id}"]',
        more,
        '[repos."acme/shop".people]',
        *(f'{login} = "{user}"' for login, user in PEOPLE.items()),
    ]
    for environment in ("staging", "production"):
        lines += [f'[repos."acme/shop".{environment}]', f"e2e = {_target('e2e', '-')}"]
        lines += [f'[repos."acme/shop".{environment}.services]']
        lines += [
            f"{service} = {_target('deploy', service, environment)}"
            for service in ("frontend", "backend")
        ]
    return "\n".join(lines)


def _target(kind: str, service: str, environment: str = "") -> str:
    program = f'"{sys.executable}", "{TARGET}"'
    filled = '"{sha}", "{attempt_dir}"'
    table = [
        'deployer = "command", env = ["TARGET_HOME"], timeout = "1m", junit = "junit.xml"',
        f'argv = [{program}, "{kind}", "{{environment}}", "{service}", {filled}]',
    ]
    if kind == "deploy":
        table.append(f'current = [{program}, "version", "{environment}", "{service}"]')
    return f"{{ {', '.join(table)} }}"


class World:
    """Everything that a scenario acts on and looks at."""

    def __init__(
        self, folder: Path, slack: LocalSlack, github: Emulate, port: int, env: dict[str, str]
    ) -> None:
        self.folder = folder
        self.slack = slack
        self.github = github
        self.url = f"http://127.0.0.1:{port}"
        self.env = env
        self.service: Forked | None = None

    # The service.

    async def start(self, *options: str) -> None:
        """Start the service and wait until it is ready."""
        argv, output = ["serve", *options], self.folder / "service.txt"
        self.service = Forked("app.cli", argv, output, env=self.env, cwd=self.folder)
        await self.service.ready(lambda: is_ready(self.url))

    async def stop(self) -> None:
        """Stop the service as a deployment of it would."""
        if self.service:
            await self.service.end(grace_seconds=25)
            self.service = None

    def logs(self) -> str:
        """Return what the service logged."""
        return (self.folder / "service.txt").read_text()

    # GitHub.

    async def merge(
        self, title: str = "Add gift cards", author: str = "alice", by: str = "alice"
    ) -> str:
        """Open and merge a pull request; return the merge's SHA."""
        files = {"version.txt": f"{title}\n"}
        pull = await self.github.open_pull_request(title, "", author, files)
        return await self.github.merge(pull.number, by)

    # The targets.

    def effects(self) -> list[str]:
        """Return what happened at the targets, in order."""
        path = self.folder / "effects.txt"
        return path.read_text().splitlines() if path.exists() else []

    def turns_red(self, what: str, times: int) -> None:
        """Let the next runs of "<environment>-<service or e2e>" fail."""
        (self.folder / "red").mkdir(exist_ok=True)
        (self.folder / "red" / what).write_text(str(times))

    # Slack.

    async def messages(self) -> list[Json]:
        """Return what the bot has posted, oldest first; every payload is checked."""
        every = await self.slack.messages(CHANNEL)
        mine = [m for m in every if m.get("user") == BOT_USER or m.get("bot_id")]
        for message in mine:
            check(str(message.get("text", "")), message.get("blocks") or [])
        return [m for m in mine if m.get("subtype") != "ephemeral"]

    async def card(self, words: str, action: str = "approve", seconds: float = 30) -> Json:
        """Wait for a message with these words and this button, and return it."""
        found: list[Json] = []

        async def shown() -> bool:
            found[:] = [m for m in await self.messages() if words in text(m) and _has(m, action)]
            return bool(found)

        await self._until(shown, f"a message with {words!r} and a button {action!r}", seconds)
        return found[-1]

    async def sees(self, words: str, seconds: float = 30) -> Json:
        """Wait until the bot shows these words, and return the newest message that does."""
        found: list[Json] = []

        async def shown() -> bool:
            found[:] = [m for m in await self.messages() if words in text(m)]
            return bool(found)

        await self._until(shown, f"the words {words!r}", seconds)
        return found[-1]

    async def whisper(self, user: str, words: str, seconds: float = 10) -> None:
        """Wait until only this person is told these words."""

        async def told() -> bool:
            whispers = await self.slack.ephemerals(CHANNEL, PEOPLE[user])
            return any(words in text(m) for m in whispers)

        await self._until(told, f"{user} being told {words!r}", seconds)

    async def click(self, user: str, message: Json, action: str) -> None:
        """Press a button of a message."""
        button = next(b for b in buttons(message) if b["action_id"] == action)
        await self.slack.click(
            CHANNEL, message["ts"], PEOPLE[user], action, button["value"], button.get("block", "")
        )

    async def reject(self, user: str, message: Json, words: str) -> None:
        """Reject a card with words, in the modal."""
        await self.click(user, message, "reject_with_feedback")
        errors = await self.slack.submit_modal(PEOPLE[user], {"feedback": {"feedback": words}})
        assert errors == {}

    async def reply(self, user: str, message: Json, words: str) -> str:
        """Write in a message's thread."""
        root = message.get("thread_ts") or message["ts"]
        return await self.slack.say(CHANNEL, PEOPLE[user], words, root)

    async def mention(self, user: str, words: str) -> str:
        """Write to the bot in the channel."""
        return await self.slack.say(CHANNEL, PEOPLE[user], f"<@{BOT_USER}> {words}")

    async def _until(
        self, predicate: Callable[[], Awaitable[bool]], what: str, seconds: float
    ) -> None:
        try:
            await until(predicate, seconds)
        except AssertionError:
            said = "\n".join(f"- {text(m)}" for m in await self.messages())
            end = self.logs()[-3000:]
            raise AssertionError(f"{what} did not come. The bot said:\n{said}\n{end}") from None


def text(message: Json) -> str:
    """Return everything that a message shows, as one text."""
    return "\n".join(_texts(message.get("blocks") or [])) or str(message.get("text", ""))


def _texts(thing: Any) -> list[str]:
    if isinstance(thing, list):
        items = cast("list[Any]", thing)
        return [found for item in items for found in _texts(item)]
    if not isinstance(thing, dict):
        return []
    fields = cast("Json", thing)
    own = fields.get("text")
    rest = [found for value in fields.values() for found in _texts(value)]
    return [own, *rest] if isinstance(own, str) else rest


def buttons(message: Json) -> list[Json]:
    """Return a message's buttons, each with its block's id."""
    blocks: list[Json] = message.get("blocks") or []
    found: list[Json] = []
    for block in blocks:
        elements: list[Json] = block.get("elements", [])
        for element in elements:
            if element.get("type") == "button":
                found.append({**element, "block": block.get("block_id", "")})
    return found


def _has(message: Json, action: str) -> bool:
    return any(button["action_id"] == action for button in buttons(message))


@asynccontextmanager
async def world(
    folder: Path, openai: ScriptedOpenAI | None = None, more: str = ""
) -> AsyncGenerator[World]:
    """Start everything in a folder, and end it by pid."""
    port = free_port()
    workspace = Workspace(f"http://127.0.0.1:{port}/slack/events")
    (folder / "deploybot.toml").write_text(config(more))
    async with LocalSlack.run(workspace) as slack, Emulate.run() as github:
        first = await github.commit({"version.txt": "first\n"}, "First", identity("alice"))
        await github.create_branch("main", first)
        await github.register_webhook(f"http://127.0.0.1:{port}/github/webhook", SECRET)
        env = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_SIGNING_SECRET": workspace.signing_secret,
            "SLACK_API_URL": slack.api_url,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_TOKEN": github.token,
            "GITHUB_API_URL": github.api_url,
            "PORT": str(port),
            "TARGET_HOME": str(folder),
            "DEPLOYBOT_LEASE_SECONDS": "2",
        }
        if openai:
            env |= {"OPENAI_API_KEY": "sk-scripted", "OPENAI_BASE_URL": openai.base_url}
        box = World(folder, slack, github, port, env)
        try:
            await box.start()
            yield box
        finally:
            await box.stop()
            await stop_embedded(folder / ".deploybot" / "redis")
