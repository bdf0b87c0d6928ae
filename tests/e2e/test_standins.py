"""The stand-ins do what the demo and the scenarios count on; the bot takes no part."""

import hashlib
import hmac
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from aiohttp import web

from app.demo.emulate import LocalGitHubError, identity
from app.demo.standins import Child, ChildError, Emulate, LocalSlack, Workspace, free_port
from tests.waiting import until

DATE = "2026-11-02T09:00:00Z"


class Receiver:
    """An app that keeps every request and answers 200, with `answer` as JSON if there is one."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answer: dict[str, Any] | None = None
        self.requests: list[tuple[dict[str, str], bytes]] = []

    @classmethod
    @asynccontextmanager
    async def run(cls) -> AsyncGenerator["Receiver"]:
        receiver = cls(free_port())
        app = web.Application()
        app.router.add_post("/{path:.*}", receiver._keep)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
        yield receiver
        await runner.cleanup()

    async def _keep(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, await request.read()))
        return web.Response() if self.answer is None else web.json_response(self.answer)

    def events(self) -> list[dict[str, Any]]:
        bodies = [body for headers, body in self.requests if "json" in headers["content-type"]]
        return [json.loads(body)["event"] for body in bodies]

    def interactions(self) -> list[dict[str, Any]]:
        forms = [body for headers, body in self.requests if "form" in headers["content-type"]]
        return [json.loads(parse_qs(form.decode())["payload"][0]) for form in forms]


@pytest.fixture
async def app() -> AsyncGenerator[Receiver]:
    async with Receiver.run() as receiver:
        yield receiver


@pytest.fixture
async def slack(app: Receiver) -> AsyncGenerator[LocalSlack]:
    async with LocalSlack.run(Workspace(f"http://127.0.0.1:{app.port}/slack/events")) as slack:
        yield slack


@pytest.fixture
async def github() -> AsyncGenerator[Emulate]:
    async with Emulate.run() as github:
        first = await github.commit({"a.txt": "1\n"}, "First", identity("alice", DATE))
        await github.create_branch("main", first)
        yield github


async def call(slack: LocalSlack, method: str, **arguments: Any) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        return dict((await client.post(slack.api_url + method, json=arguments)).json())


async def test_a_mention_is_delivered_twice_and_signed(app: Receiver, slack: LocalSlack) -> None:
    ts = await slack.say("C01DEPLOYS", "U01ALICE", "<@U00DEPLOYBOT> hello")
    assert [(e["type"], e["ts"]) for e in app.events()] == [("message", ts), ("app_mention", ts)]
    headers, body = app.requests[0]
    signed = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
    digest = hmac.new(b"local-signing-secret", signed, hashlib.sha256).hexdigest()
    assert headers["x-slack-signature"] == f"v0={digest}"


async def test_a_click_carries_the_message_and_a_trigger(app: Receiver, slack: LocalSlack) -> None:
    posted = await call(slack, "chat.postMessage", channel="C01DEPLOYS", text="a card")
    await slack.click("C01DEPLOYS", posted["ts"], "U02BOB", "approve", "thread:call")
    (click,) = app.interactions()
    assert click["actions"][0]["action_id"] == "approve"
    assert (click["message"]["text"], click["user"]["id"]) == ("a card", "U02BOB")
    assert click["trigger_id"]


async def test_a_submitted_modal_reaches_the_app(app: Receiver, slack: LocalSlack) -> None:
    await open_feedback(app, slack)
    assert await slack.submit_modal("U02BOB", {"feedback": {"feedback": "backend first"}}) == {}
    values = app.interactions()[-1]["view"]["state"]["values"]
    assert values["feedback"]["feedback"]["value"] == "backend first"
    assert await slack.modal() is None


async def test_a_refused_modal_stays_open_with_its_errors(app: Receiver, slack: LocalSlack) -> None:
    await open_feedback(app, slack)
    app.answer = {"response_action": "errors", "errors": {"feedback": "Say more."}}
    errors = await slack.submit_modal("U02BOB", {"feedback": {"feedback": "?"}})
    assert errors == {"feedback": "Say more."}
    assert await slack.modal()


async def test_only_one_person_sees_an_ephemeral(slack: LocalSlack) -> None:
    posted = await call(slack, "chat.postMessage", channel="C01DEPLOYS", text="a card")
    arguments = {"channel": "C01DEPLOYS", "user": "U02BOB", "thread_ts": posted["ts"]}
    await call(slack, "chat.postEphemeral", text="too late", **arguments)
    assert [m["text"] for m in await slack.ephemerals("C01DEPLOYS", "U02BOB")] == ["too late"]
    assert await slack.ephemerals("C01DEPLOYS", "U01ALICE") == []
    assert [m["text"] for m in await slack.thread("C01DEPLOYS", posted["ts"])] == ["a card"]


async def test_a_published_home_is_seen(slack: LocalSlack) -> None:
    await call(slack, "views.publish", user_id="U02BOB", view={"type": "home", "blocks": []})
    home = await slack.home("U02BOB")
    assert home
    assert home["type"] == "home"


async def test_a_slash_command_reaches_the_app(app: Receiver, slack: LocalSlack) -> None:
    await slack.command("C01DEPLOYS", "U01ALICE", "/deploybot", "help")
    form = parse_qs(app.requests[-1][1].decode())
    assert (form["command"], form["text"]) == (["/deploybot"], ["help"])


async def test_a_merge_delivers_a_signed_closed_event(app: Receiver, github: Emulate) -> None:
    pull = await github.open_pull_request("Change a", "Because.", "alice", {"a.txt": "2\n"})
    await github.register_webhook(f"http://127.0.0.1:{app.port}/github/webhook", "secret")
    sha = await github.merge(pull.number, "bob")
    await until(lambda: len(app.requests) == 1)
    headers, body = app.requests[0]
    digest = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={digest}"
    event = json.loads(body)
    merged = event["pull_request"]
    assert (event["action"], merged["merged"], merged["merge_commit_sha"]) == ("closed", True, sha)
    assert (merged["user"]["login"], merged["merged_by"]["login"]) == ("alice", "bob")
    assert (event["repository"]["full_name"], merged["base"]["ref"]) == ("acme/shop", "main")


async def test_merged_files_are_at_the_merge_commit(github: Emulate) -> None:
    pull = await github.open_pull_request("Add b", "", "alice", {"b/c.txt": "new\n"})
    sha = await github.merge(pull.number, "bob")
    assert await github.head() == sha
    assert await github.read("b/c.txt", sha) == "new\n"
    assert await github.read("a.txt", sha) == "1\n"


async def test_a_merge_that_would_undo_another_is_refused(github: Emulate) -> None:
    first = await github.open_pull_request("One", "", "alice", {"one.txt": "1\n"})
    second = await github.open_pull_request("Two", "", "alice", {"two.txt": "2\n"})
    await github.merge(first.number, "bob")
    with pytest.raises(LocalGitHubError, match="main moved"):
        await github.merge(second.number, "bob")


async def test_a_dated_commit_has_the_same_sha_every_time(github: Emulate) -> None:
    assert await github.head() == "1b2f63855f42ef6e7060efe85f3c8e46b1e7f396"


async def test_a_program_that_ends_early_is_reported_with_its_output(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = Child(["/bin/sh", "-c", "echo no such port; exit 3"], tmp_path / "out.txt")
    with pytest.raises(ChildError, match=r"(?s)code 3.*no such port"):
        await child.ready(never)
    await child.end()


async def test_the_programs_of_an_ended_child_end_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; trap '' TERM; wait; wait"
    child = Child(["/bin/sh", "-c", script], tmp_path / "out.txt")
    await until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
    await child.end(grace_seconds=0.1)
    await until(lambda: not alive(int(pid_file.read_text())))


async def test_a_child_ends_when_we_are_killed(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from app.demo.child import Child\n"
        "child = Child(['sleep', '60'], pathlib.Path(sys.argv[1]) / 'out.txt')\n"
        "(pathlib.Path(sys.argv[1]) / 'pid').write_text(f'{child.pid} ')\n"
        "time.sleep(60)"
    )
    parent = Child([sys.executable, "-c", script, str(tmp_path)], tmp_path / "parent.txt")
    await until(
        lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith(" ")
    )
    pid = int((tmp_path / "pid").read_text())
    assert alive(pid)
    parent.kill()
    await until(lambda: not alive(pid))
    await parent.end()


async def open_feedback(app: Receiver, slack: LocalSlack) -> None:
    posted = await call(slack, "chat.postMessage", channel="C01DEPLOYS", text="a card")
    await slack.click("C01DEPLOYS", posted["ts"], "U02BOB", "reject_with_feedback", "t:c")
    element = {"type": "plain_text_input", "action_id": "feedback"}
    block = {"type": "input", "block_id": "feedback", "element": element}
    view = {"type": "modal", "callback_id": "feedback", "blocks": [block]}
    trigger = app.interactions()[-1]["trigger_id"]
    assert (await call(slack, "views.open", trigger_id=trigger, view=view))["ok"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed process whose new parent does not reap it stays a zombie.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
