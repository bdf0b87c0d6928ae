"""The door for Slack: what is let in, and how everything else is turned away."""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from copy import copy
from typing import Any, cast

import httpx
import pytest

from app.core.errors import StoreUnavailable
from app.core.events import Entry
from app.core.ports import Look, Write
from tests.adapters.slack_desk import BOT, NOW, Desk, signed
from tests.fakes import FakeLog
from tests.story import Story

EVENT = {"type": "event_callback", "event_id": "Ev1"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with Desk.run() as desk:
        yield desk


async def test_url_verification_is_answered(desk: Desk) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZ"}).encode()
    answer = await desk.post(body)
    assert (answer.status_code, answer.text) == (200, "3eZ")


@pytest.mark.parametrize(
    "headers",
    [
        {"x_slack_signature": ""},
        {"x_slack_signature": "v0=00"},
        {"x_slack_signature": "v1=abc"},
        {"x_slack_request_timestamp": ""},
        {"x_slack_request_timestamp": "yesterday"},
        {"x_slack_request_timestamp": "1e9"},
        {"x_slack_request_timestamp": "-1800000000"},
        {"x_slack_request_timestamp": "9" * 400},
        {"x_slack_request_timestamp": str(NOW - 1)},
    ],
)
async def test_what_is_not_signed_is_401(desk: Desk, headers: dict[str, str]) -> None:
    answer = await desk.post(b'{"type": "event_callback"}', **headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(("age", "status"), [(300, 200), (-300, 200), (301, 401), (-301, 401)])
async def test_a_signature_counts_for_five_minutes(desk: Desk, age: int, status: int) -> None:
    body = b'{"type": "something_new"}'
    headers = {
        name.replace("-", "_"): value
        for name, value in signed(body, timestamp=str(NOW - age)).items()
    }
    assert (await desk.post(body, **headers)).status_code == status


async def test_another_secret_is_401(desk: Desk) -> None:
    wrong = signed(b"{}", secret="other")["x-slack-signature"]
    assert (await desk.post(b"{}", x_slack_signature=wrong)).status_code == 401


async def test_an_unsigned_broken_body_is_401_and_not_parsed(desk: Desk) -> None:
    answer = await desk.post(b"{{{\xff", x_slack_signature="v0=00")
    assert answer.status_code == 401


async def test_a_body_over_the_cap_is_413(desk: Desk) -> None:
    assert (await desk.post(b" " * (1024 * 1024 + 1))).status_code == 413


async def test_a_body_without_a_length_is_capped_too(desk: Desk) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    transport = httpx.ASGITransport(desk.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        answer = await client.post("/slack/events", content=chunks(), headers=signed(b""))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"type": "event_callback\xff"}',
        b"[1]",
        b'"text"',
        b"null",
        b"{}",
        b'{"type": 5}',
        b"[" * 200_000,
        b'{"type": "event_callback", "text": "\\ud800"}',
        b'{"type": "url_verification"}',
        json.dumps({**EVENT}).encode(),
        json.dumps({**EVENT, "event": "x"}).encode(),
        json.dumps({**EVENT, "event": {}}).encode(),
        json.dumps({**EVENT, "event": {"type": "message"}}).encode(),
        json.dumps({**EVENT, "event": {"type": "message", "channel": 5, "ts": "1"}}).encode(),
        json.dumps({**EVENT, "event": {"type": "app_mention"}, "authorizations": 5}).encode(),
        json.dumps({**EVENT, "event": {"type": "message"}, "enterprise": 5}).encode(),
        json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode(),
        json.dumps({"type": "something_new", "view": []}).encode(),
    ],
)
async def test_a_broken_json_body_is_400(desk: Desk, body: bytes) -> None:
    assert (await desk.post(body)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=%7B",
        b"payload=%FF",
        b"payload=%5B%5D",
        b"text=no+command",
        b"payload=" + b"%7B%22type%22%3A%22block_actions%22%7D",
        b"payload=%7B%22type%22%3A%22block_actions%22%2C%22actions%22%3A%5B%5D%7D",
        b"payload=%7B%22type%22%3A%22view_submission%22%7D",
        b"command=%2Fdeploybot&text=status",
    ],
)
async def test_a_broken_form_is_400(desk: Desk, body: bytes) -> None:
    assert (await desk.post(body, FORM)).status_code == 400


@pytest.mark.parametrize("action_id", ["approve", "reject_with_feedback", "choose_repo_0"])
async def test_a_click_without_a_user_is_400(desk: Desk, action_id: str) -> None:
    actions = [{"type": "button", "action_id": action_id, "value": "v"}]
    assert (await desk.form({"type": "block_actions", "actions": actions})).status_code == 400


async def test_what_is_not_for_us_is_200(desk: Desk) -> None:
    assert (await desk.event({"type": "team_join"})).status_code == 200
    assert (await desk.clicks("open_link")).status_code == 200
    assert (await desk.post(b"ssl_check=1&token=x", FORM)).status_code == 200


MESSAGE = {"type": "message", "channel": "C1", "user": "U1", "text": "hi", "ts": "1.1"}
VIEW: dict[str, Any] = {"type": "modal", "callback_id": "feedback", "state": {"values": {}}}
WHOLE: list[dict[str, Any]] = [
    {"type": "event_callback", "event_id": "E1", "team_id": "T", "event": MESSAGE}
    | {"authorizations": [{"user_id": "U0"}], "enterprise_id": "E"},
    {
        "type": "block_actions",
        "user": {"id": "U1"},
        "team": {"id": "T"},
        "channel": {"id": "C1"},
        "container": {"thread_ts": "1.1"},
        "message": {"ts": "1.2"},
        "actions": [{"type": "button", "action_id": "approve", "value": "a/b/c:d"}],
    },
    {"type": "view_submission", "user": {"id": "U1"}, "team": {"id": "T"}, "view": VIEW},
    {"type": "block_suggestion", "action_id": "a"},
    {"type": "shortcut", "callback_id": "a"},
    {"type": "message_action", "callback_id": "a"},
    {"type": "view_closed", "view": VIEW},
    {"type": "dialog_submission", "callback_id": "a"},
]


def spoiled(value: Any) -> Iterator[Any]:
    """Return the payload again and again, each time with one field of another form or missing."""
    if not isinstance(value, dict | list):
        return
    whole = cast(Any, value)
    for key in list(whole) if isinstance(value, dict) else range(len(whole)):
        for other in (None, 5, "x", [], {}, [5], {"id": 5}, *spoiled(whole[key])):
            changed = copy(whole)
            changed[key] = other
            yield changed
        missing = copy(whole)
        del missing[key]
        yield missing


@pytest.mark.parametrize("whole", WHOLE, ids=lambda whole: whole["type"])
async def test_no_spoiled_field_is_a_fault_of_ours(desk: Desk, whole: dict[str, Any]) -> None:
    for payload in spoiled(whole):
        answer = await desk.post(json.dumps(payload).encode())
        assert answer.status_code in (200, 400), payload


async def test_other_verbs_are_405(desk: Desk) -> None:
    transport = httpx.ASGITransport(desk.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        assert (await client.get("/slack/events")).status_code == 405


class GoneLog(FakeLog):
    """A log whose store went away."""

    async def append(self, write: Write) -> Look | None:
        raise StoreUnavailable

    async def find(self, repo: str, channel: str, ts: str) -> str | None:
        raise StoreUnavailable


async def test_a_store_that_is_gone_is_503() -> None:
    async with Desk.run(log=GoneLog()) as desk:
        assert (await desk.says(f"<@{BOT}> deploy")).status_code == 503
        assert desk.slack.calls == []


class DeafLog(FakeLog):
    """A log that takes nothing more once it is told to."""

    deaf = False

    async def append(self, write: Write) -> Look | None:
        if self.deaf:
            raise StoreUnavailable
        return await super().append(write)


async def test_a_click_on_a_store_that_is_gone_is_answered() -> None:
    log = DeafLog(start=NOW * 1000)
    async with Desk.run(log=log) as desk:
        await desk.tells(Story().merged().staged().asks())
        log.deaf = True
        assert (await desk.clicks("approve")).status_code == 503
        assert "nothing was recorded. Try again." in await desk.whisper()


WORDS = "what a person " + "wrote"


class BrokenLog(FakeLog):
    """A log with a fault in it."""

    async def read(self, thread_id: str) -> list[Entry]:
        raise RuntimeError(WORDS)


async def test_a_fault_is_answered_with_an_id_and_logged_without_the_words(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Desk.run(log=BrokenLog()) as desk:
        assert (await desk.clicks("approve")).status_code == 500
        answer = await desk.whisper()
    error_id = answer.partition("(id ")[2][:8]
    logged = capsys.readouterr().out + caplog.text
    assert error_id in logged
    assert WORDS not in logged


async def test_no_body_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    await desk.says(f"<@{BOT}> hunter2")
    await desk.event({"type": "team_join", "text": "hunter2"})
    await desk.post(b'{"text": "hunter2"}')
    output = capsys.readouterr()
    assert "hunter2" not in caplog.text + output.out + output.err
