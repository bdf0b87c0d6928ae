"""The demo starts, merges, ends and starts again; a small program takes the service's place."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from app.demo.child import free_port
from app.demo.demo import merge_elsewhere, run_demo
from app.demo.emulate import Emulate
from app.demo.running import ANY, DemoError, Files, claim_port, is_ours
from tests.waiting import until

SERVICE = """
import hmac, http.server, json, os, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        secret = os.environ["GITHUB_WEBHOOK_SECRET"].encode()
        signature = "sha256=" + hmac.new(secret, body, "sha256").hexdigest()
        if self.headers["x-hub-signature-256"] != signature:
            return self.send_error(401)
        event = json.loads(body)
        if self.headers["x-github-event"] == "ping":
            self.send_response(200)
            return self.end_headers()
        with pathlib.Path("events.txt").open("a") as events:
            events.write(event["action"] + " " + event["pull_request"]["title"] + "\\n")
        self.send_response(202)
        self.end_headers()
pathlib.Path("environment.json").write_text(json.dumps(dict(os.environ)))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Demo:
    """A running demo: what it said, and its keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = Files(folder / ".deploybot", ANY)
        self.said: list[str] = []
        self.keys: asyncio.Queue[str] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def run(cls, folder: Path, service: str = SERVICE) -> AsyncGenerator["Demo"]:
        demo = cls(folder)
        serve = (sys.executable, "-c", service)
        environ = {"PATH": os.environ["PATH"], "GITHUB_TOKEN": "a real one"}
        running = asyncio.create_task(
            run_demo(demo.files, environ, demo.keys, demo.said.append, serve)
        )
        await until(lambda: running.done() or demo.heard("Keys: m merges"), 30)
        try:
            yield demo
        finally:
            demo.keys.put_nowait("q")
            assert await running == 0

    def heard(self, words: str) -> bool:
        return any(words in line for line in self.said)

    def events(self) -> list[str]:
        kept = self.folder / "events.txt"
        return kept.read_text().splitlines() if kept.exists() else []


async def test_m_merges_and_the_service_is_told(tmp_path: Path) -> None:
    async with Demo.run(tmp_path) as demo:
        demo.keys.put_nowait("m")
        await until(lambda: "closed Show how many are in stock" in demo.events())
        await until(lambda: demo.heard("merged #1 'Show how many are in stock' by alice"))
        environment = json.loads((tmp_path / "environment.json").read_text())
        assert environment["GITHUB_TOKEN"] == "local-github-deploybot"
        assert "REDIS_URL" not in environment


async def test_every_demo_has_secrets_of_its_own(tmp_path: Path) -> None:
    secrets: list[str] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with Demo.run(tmp_path / name):
            environment = json.loads((tmp_path / name / "environment.json").read_text())
            of_github, of_slack = "GITHUB_WEBHOOK_SECRET", "SLACK_SIGNING_SECRET"
            secrets += [environment[key] for key in (of_github, of_slack, "SLACK_BOT_TOKEN")]
    assert len(set(secrets)) == 6


async def test_a_service_that_is_not_ours_is_not_taken_for_it(tmp_path: Path) -> None:
    async with Demo.run(tmp_path) as demo:
        environment = json.loads((tmp_path / "environment.json").read_text())
        url = f"http://127.0.0.1:{environment['PORT']}"
        assert await is_ours(url, environment["GITHUB_WEBHOOK_SECRET"])
        assert not await is_ours(url, "the secret of another demo")
        github = json.loads(demo.files.address.read_text())
        assert await Emulate(**github).answers()
        assert not await Emulate(github["url"], mark="another").answers()


def test_a_port_that_another_demo_claimed_is_not_taken() -> None:
    preferred = free_port()
    with ExitStack() as first, ExitStack() as second:
        assert claim_port(preferred, first) == preferred
        assert claim_port(preferred, second) != preferred
        first.close()
        assert claim_port(preferred, second) == preferred


async def test_the_welcome_names_the_command_that_lists_its_threads(tmp_path: Path) -> None:
    async with Demo.run(tmp_path) as demo:
        assert demo.heard("deploybot threads list")
        assert demo.heard("DEPLOYBOT_CONFIG=")


async def test_another_terminal_merges_too(tmp_path: Path) -> None:
    async with Demo.run(tmp_path) as demo:
        said: list[str] = []
        assert await merge_elsewhere(demo.files, said.append, bad=True) == 0
        demo.keys.put_nowait("b")
        await until(lambda: demo.heard("the bad change is on main already"))
        assert said[0].startswith("merged #1 'Look products up by name")


async def test_started_again_merges_and_versions_are_as_they_were(tmp_path: Path) -> None:
    async with Demo.run(tmp_path) as demo:
        demo.keys.put_nowait("m")
        await until(lambda: demo.heard("merged #1"))
        merged = demo.files.journal.merges()[0].merged.sha
        kept = demo.files.folder / "shop" / "staging" / "backend" / "deployed"
        kept.write_text(merged)
    async with Demo.run(tmp_path) as demo:
        assert demo.heard(f"backend on staging reports {merged[:7]}")
        demo.keys.put_nowait("m")
        await until(lambda: demo.heard("merged #2"))


async def test_a_second_demo_in_the_folder_is_refused(tmp_path: Path) -> None:
    async with Demo.run(tmp_path) as demo:
        with pytest.raises(DemoError, match="runs in this folder already"):
            await run_demo(demo.files, os.environ, asyncio.Queue(), demo.said.append)


async def test_a_service_that_ends_ends_the_demo_with_its_last_words(tmp_path: Path) -> None:
    keys: asyncio.Queue[str] = asyncio.Queue()
    serve = (sys.executable, "-c", "raise SystemExit('no such setting')")
    with pytest.raises(Exception, match="no such setting"):
        await run_demo(Files(tmp_path / ".deploybot", ANY), os.environ, keys, print, serve)


async def test_q_while_it_starts_ends_it(tmp_path: Path) -> None:
    keys: asyncio.Queue[str] = asyncio.Queue()
    keys.put_nowait("q")
    files = Files(tmp_path / ".deploybot", ANY)
    assert await run_demo(files, os.environ, keys, print) == 0
