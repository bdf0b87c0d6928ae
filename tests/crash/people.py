"""What GitHub and Slack send to the service, signed: merges, clicks, words."""

import json
import time
from typing import Any
from urllib.parse import urlencode

from tests import signing
from tests.adapters.github_bodies import encoded, merged, signed
from tests.shop import BOB

SLACK_SECRET = "signing-secret"
GITHUB_SECRET = "webhook-secret"
TEAM = "T01ACME"
BOT = "U00DEPLOYBOT"
CHANNEL = "C01DEPLOYS"
FORM = "application/x-www-form-urlencoded"

Json = dict[str, Any]
Delivery = tuple[str, bytes, dict[str, str]]


def merge(sha: str, number: int = 7) -> Delivery:
    """Return path, body and headers of the delivery of a pull request's merge."""
    body = encoded(
        merged(number=number, pull_request__number=number, pull_request__merge_commit_sha=sha)
    )
    return "/github/webhook", body, signed(body) | {"X-GitHub-Delivery": f"d-{sha}"}


def click(action: str, value: str, user: str = BOB, channel: str = CHANNEL) -> Delivery:
    """Return what Slack sends for a button."""
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "channel": {"id": channel},
        "container": {"type": "message", "message_ts": "1.2", "thread_ts": "1.1"},
        "message": {"ts": "1.2", "thread_ts": "1.1"},
        "trigger_id": "123.456",
        "actions": [{"type": "button", "action_id": action, "value": value}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return "/slack/events", body, _signed(body, FORM)


def submit(callback_id: str, value: str, reason: str, user: str = BOB) -> Delivery:
    """Return what Slack sends for a form with a reason."""
    typed = {"type": "plain_text_input", "value": reason}
    view = {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": value,
        "state": {"values": {"reason": {"reason": typed}}},
    }
    user_of = {"id": user, "team_id": TEAM}
    payload = {"type": "view_submission", "team": {"id": TEAM}, "user": user_of, "view": view}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return "/slack/events", body, _signed(body, FORM)


def words(text: str, thread_ts: str, ts: str, user: str = BOB) -> Delivery:
    """Return what Slack sends for a message in a thread."""
    event = {"type": "message", "channel_type": "channel", "channel": CHANNEL, "user": user}
    return _event(event | {"text": text, "ts": ts, "thread_ts": thread_ts})


def mention(text: str, ts: str, user: str = BOB) -> Delivery:
    """Return what Slack sends for a mention in the channel."""
    event = {"type": "app_mention", "channel": CHANNEL, "user": user}
    return _event(event | {"text": f"<@{BOT}> {text}", "ts": ts})


def _event(event: Json) -> Delivery:
    event_id = f"Ev{event['ts']}"
    envelope: Json = {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": event_id,
        "event": event,
    }
    body = json.dumps(envelope).encode()
    return "/slack/events", body, _signed(body, "application/json")


def _signed(body: bytes, content_type: str) -> dict[str, str]:
    headers = signing.slack(body, SLACK_SECRET, str(int(time.time())))
    return {"content-type": content_type, **headers}
