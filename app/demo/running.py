"""The demo's programs, started in order and ended in the opposite one; knows no keys."""

import asyncio
import fcntl
import hmac
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.demo.child import Child, free_port
from app.demo.emulate import Emulate
from app.demo.journal import Journal
from app.demo.local_slack import LocalSlack, Workspace
from app.demo.shop import FOLDER, Shop
from app.redis.embedded import stop_embedded

# What the user's own settings say is about a real workspace.
_NOT_PASSED_ON = ("SLACK_", "GITHUB_", "REDIS_", "DEPLOYBOT_")
_READY_SECONDS = 60
SERVE = (sys.executable, "-m", "app.cli", "serve")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Addresses:
    """The ports that the programs take where they are free; 0 is any free one."""

    service: int = 8000
    slack: int = 3900
    github: int = 4001
    shop: tuple[int, int, int, int] = (8101, 8102, 8201, 8202)


USUAL = Addresses()
ANY = Addresses(0, 0, 0, (0, 0, 0, 0))


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True)
class Files:
    """What the demo keeps, all below one folder, and where its programs listen."""

    folder: Path
    addresses: Addresses = USUAL

    @property
    def journal(self) -> Journal:
        """Return the merges that a new local GitHub is told again."""
        return Journal(self.folder / "merges.jsonl")

    @property
    def address(self) -> Path:
        """Return the file that says where the running demo's GitHub is."""
        return self.folder / "demo.json"

    def output(self, name: str) -> Path:
        """Return the file for what a program writes."""
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        return self.folder / "logs" / f"{name}.txt"


@dataclass(frozen=True)
class Running:
    """A demo that is up; `production` is the address of each of the shop's services there."""

    shop: Shop
    service: Child
    slack: LocalSlack
    production: Mapping[str, str]


@asynccontextmanager
async def running(
    files: Files,
    environ: Mapping[str, str],
    say: Say,
    serve: Sequence[str] = SERVE,
) -> AsyncGenerator[Running]:
    """Start everything that the demo needs, wait until the service is ready, end it all."""
    with _alone(files.folder), ExitStack() as held:
        port = claim_port(files.addresses.service, held)
        slack_port = claim_port(files.addresses.slack, held)
        github_port = claim_port(files.addresses.github, held)
        # Own secrets, so that a service of another demo takes nothing of ours, nor ours of its.
        workspace = Workspace(
            f"http://127.0.0.1:{port}/slack/events",
            bot_token=f"xoxb-local-{secrets.token_hex(16)}",
            signing_secret=secrets.token_hex(16),
        )
        webhook_secret = secrets.token_hex(16)
        say("Starting the local Slack and the local GitHub")
        async with (
            LocalSlack.run(workspace, port=slack_port, output=files.output("slack")) as slack,
            Emulate.run(port=github_port, output=files.output("github")) as github,
            _shop_programs(files, environ, github, say, held) as (shop, settings),
        ):
            env = settings | _service_settings(workspace, slack, github, port)
            env["GITHUB_WEBHOOK_SECRET"] = webhook_secret
            async with _service(files, serve, env, port, say) as service:
                await github.register_webhook(
                    f"http://127.0.0.1:{port}/github/webhook", webhook_secret
                )
                github_is = {"url": github.url, "mark": github.mark}
                files.address.write_text(json.dumps(github_is))
                try:
                    yield Running(shop, service, slack, _production(settings))
                finally:
                    files.address.unlink(missing_ok=True)
                    say("Stopping everything")


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise DemoError("a demo runs in this folder already") from taken
        yield


def claim_port(preferred: int, held: ExitStack) -> int:
    """Return a port that is free: the preferred one, unless 0, if no other demo has claimed it.

    The programs listen only seconds later. Until `held` ends a UDP socket with the same number,
    which takes nothing from them, tells other demos that it is taken.
    """
    if not preferred:
        return free_port()
    claim = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claim.bind(("127.0.0.1", preferred))
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
        return preferred


@asynccontextmanager
async def _shop_programs(
    files: Files, environ: Mapping[str, str], github: Emulate, say: Say, held: ExitStack
) -> AsyncGenerator[tuple[Shop, dict[str, str]]]:
    """Fill the repository and run the shop as deployed last; yield it and the settings to use."""
    settings = {k: v for k, v in environ.items() if not k.startswith(_NOT_PASSED_ON)}
    # The shop's programs are started as `python3`, which has to be this one.
    python = Path(sys.executable).parent
    settings["PATH"] = f"{python}{os.pathsep}{environ.get('PATH', os.defpath)}"
    settings["SHOP_HOME"] = str(files.folder / "shop")
    settings["SHOP_GITHUB_API"] = github.url
    # One that was left running would keep its port.
    await _run(settings, say, "stop.py")
    ports = [claim_port(port, held) for port in files.addresses.shop]
    settings["SHOP_PORTS"] = ",".join(map(str, ports))
    shop = Shop(github, files.journal)
    try:
        first = await shop.seed()
        say("Starting the example shop, on staging and on production")
        await _run(settings, say, "start.py", first)
        yield shop, settings
    finally:
        await _run(settings, _silent, "stop.py")


async def _run(settings: Mapping[str, str], say: Say, *argv: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *argv,
        cwd=FOLDER,
        env=dict(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Ctrl-C in the terminal is for the demo alone.
        start_new_session=True,
    )
    assert process.stdout
    try:
        async for line in process.stdout:
            say("  " + line.decode(errors="replace").rstrip())
    finally:
        # Cancelled, we still wait: what it starts is stopped only when it has started.
        await process.communicate()
    if process.returncode:
        raise DemoError(f"the shop's {argv[0]} failed")


def _production(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the address of each service on production."""
    ports = settings["SHOP_PORTS"].split(",")
    return {
        "backend": f"http://127.0.0.1:{ports[2]}",
        "frontend": f"http://127.0.0.1:{ports[3]}",
    }


def _silent(_: str) -> None:
    return


def _service_settings(
    workspace: Workspace, slack: LocalSlack, github: Emulate, port: int
) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "GITHUB_TOKEN": github.token,
        "GITHUB_API_URL": github.api_url,
        "DEPLOYBOT_CONFIG": str(FOLDER / "deploybot.toml"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }


@asynccontextmanager
async def _service(
    files: Files, serve: Sequence[str], settings: Mapping[str, str], port: int, say: Say
) -> AsyncGenerator[Child]:
    """Run the service in the folder that holds ours, so that its store is kept with the rest."""
    say("Starting the service")
    service = Child(serve, files.output("service"), env=settings, cwd=files.folder.parent)

    async def ready() -> bool:
        return await is_ours(f"http://127.0.0.1:{port}", settings["GITHUB_WEBHOOK_SECRET"])

    try:
        await service.ready(ready, _READY_SECONDS)
        yield service
    finally:
        await service.end(grace_seconds=15)
        # It ends its store itself; this is for a service that was killed, or had only begun.
        await stop_embedded(files.folder / "redis")


async def is_ours(url: str, webhook_secret: str) -> bool:
    """Return whether a service is ready that has this secret: another may have taken the port."""
    ping = b"{}"
    digest = hmac.new(webhook_secret.encode(), ping, "sha256").hexdigest()
    headers = {
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": "ready",
        "X-Hub-Signature-256": f"sha256={digest}",
    }
    try:
        async with httpx.AsyncClient(base_url=url, verify=False, timeout=5) as client:
            if (await client.get("/readyz")).status_code != 200:
                return False
            answer = await client.post("/github/webhook", content=ping, headers=headers)
            return answer.status_code == 200
    except httpx.TransportError:
        return False
