"""Signed and unsigned rubbish at Slack's door, with a card up: refused or taken, never a fault."""

import json
from typing import Any
from urllib.parse import urlencode

from structlog.testing import capture_logs

from tests.adapters.slack_desk import BOT, CHANNEL, TEAM, Desk, signed
from tests.fuzz.campaign import Campaign
from tests.fuzz.knocking import knock, spoilt
from tests.fuzz.mutation import Mutation, encoded
from tests.story import THREAD, Story

Json = dict[str, Any]
FORM = "application/x-www-form-urlencoded"
NEW_DESK = 1_000  # requests, so that its threads stay few

MESSAGE = {
    "type": "message",
    "channel": CHANNEL,
    "channel_type": "channel",
    "user": "U01ALICE",
    "text": f"<@{BOT}> deploy backend 4af9ec0",
    "ts": "2.2",
    "thread_ts": "1.1",
}
EVENTS: tuple[Json, ...] = (
    MESSAGE,
    MESSAGE | {"type": "app_mention", "thread_ts": None},
    {"type": "app_home_opened", "user": "U01ALICE", "tab": "home"},
    {"type": "agent_session_stopped", "user": "U02BOB", "channel": CHANNEL, "thread_ts": "1.1"},
)
ACTIONS = ("approve", "reject", "reject_with_feedback", "stop", "release", "ask_again", "choose_1")
CHOICE = json.dumps({"repo": "acme/shop", "ts": "3.3", "root": "3.3", "text": "deploy"})


def event(case: Mutation) -> Json:
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": f"Ev{case.random()}",
        "event": case.choice(EVENTS),
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }


def interaction(case: Mutation) -> Json:
    person: Json = {"team": {"id": TEAM}, "user": {"id": "U02BOB", "team_id": TEAM}}
    if case.random() < 0.3:
        values = {"feedback": {"feedback": {"type": "plain_text_input", "value": "backend first"}}}
        view = {"type": "modal", "callback_id": "feedback", "private_metadata": f"{THREAD}:c1"}
        return {"type": "view_submission", **person, "view": view | {"state": {"values": values}}}
    action: Json = {"type": "button", "action_id": case.choice(ACTIONS), "value": f"{THREAD}:c1"}
    if case.random() < 0.2:
        action |= {"action_id": "choose_repo_0", "value": CHOICE}
    return {
        "type": "block_actions",
        **person,
        "channel": {"id": CHANNEL},
        "container": {"type": "message", "message_ts": "1.2", "thread_ts": "1.1"},
        "message": {"ts": "1.2", "thread_ts": "1.1"},
        "trigger_id": "123.456",
        "actions": [action],
    }


def command(case: Mutation) -> Json:
    fields = {"text": case.choice(("status", "help", "")), "user_id": "U01ALICE", "team_id": TEAM}
    fields |= {"command": "/deploybot", "channel_id": CHANNEL}
    return {case.text(name, 1): case.text(value, 1) for name, value in fields.items()}


def request(case: Mutation) -> tuple[bytes, str]:
    """Return a body, spoilt as JSON, as a form or as bytes, and its type."""
    kind = case.choice((event, interaction, interaction, command))
    payload = kind(case)
    if kind is not command and case.random() < 0.9:
        payload = case.value(payload)
    if kind is event:
        body, content_type = encoded(payload), "application/json"
    elif kind is interaction:
        body, content_type = urlencode({"payload": json.dumps(payload)}).encode(), FORM
    else:
        body, content_type = urlencode(payload, errors="replace").encode(), FORM
    return (case.data(body) if case.random() < 0.2 else body), content_type


async def test_slacks_door() -> None:
    with Campaign("slack door") as campaign:
        cases = iter(campaign)
        while await _one_desk(cases):
            pass


async def _one_desk(cases: Any) -> bool:
    async with Desk.run() as desk:
        await desk.tells(Story().merged().staged().asks())
        for number, case in enumerate(cases, 1):
            body, content_type = request(case)
            headers = spoilt({"content-type": content_type} | signed(body), case)
            with capture_logs() as logged:
                status = await knock(desk.app, "/slack/events", body, headers)
            assert status in (200, 400, 401)
            assert [line for line in logged if line["log_level"] == "error"] == []
            if number == NEW_DESK:
                return True
    return False
