"""Whatever Slack's Web API answers: clicks and words are taken, and what is read is checked."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from structlog.testing import capture_logs

from app.core.errors import ChatRefused, ChatUnavailable, MessageGone, RateLimited
from app.slack.chat import SlackChat
from app.slack.check import check_slack
from app.slack.permalinks import Permalinks
from app.slack.roster import SlackRoster
from app.slack.web import SlackSilent, SlackWeb
from tests.adapters.slack_desk import BOT, CHANNEL, TEAM, Desk, Reply
from tests.fakes import FakeLog
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation, encoded
from tests.story import ALICE, BOB, REPO, THREAD, Story, repo_config

GROUP = "S0OPS"
NEW_DESK = 500  # cases, so that its thread stays short
KEY = "3f" * 8
MESSAGE: dict[str, Any] = {
    "type": "message",
    "ts": "1800000000.000001",
    "metadata": {"event_type": "deploybot_slot", "event_payload": {"key": KEY}},
    "blocks": [{"type": "section", "block_id": f"slot:{KEY}:1"}],
}
PAGE: dict[str, Any] = {
    "messages": [MESSAGE],
    "has_more": True,
    "response_metadata": {"next_cursor": ""},
}
USER: dict[str, Any] = {
    "id": BOB,
    "team_id": TEAM,
    "name": "bob",
    "deleted": False,
    "is_bot": False,
    "is_restricted": False,
    "profile": {"real_name": "Bob O.", "display_name": "bob", "status_emoji": ":palm_tree:"},
}
GENUINE: dict[str, dict[str, Any]] = {
    "auth.test": {"team_id": TEAM, "user_id": BOT, "user": "b", "url": "https://a.slack.com/"},
    "users.info": {"user": USER},
    "usergroups.users.list": {"users": [ALICE, BOB]},
    "conversations.info": {"channel": {"id": CHANNEL, "is_member": True, "is_ext_shared": False}},
    "conversations.history": PAGE,
    "conversations.replies": PAGE,
    "chat.postMessage": {"channel": CHANNEL, "ts": "1800000000.000001", "message": MESSAGE},
    "chat.update": {"channel": CHANNEL, "ts": "1800000000.000001", "text": "x"},
    "chat.postEphemeral": {"message_ts": "1800000000.000001"},
    "views.open": {"view": {"id": "V1"}},
    "apps.connections.open": {"url": "wss://a.slack.com/"},
}
ERRORS = ("ratelimited", "message_not_found", "user_not_found", "fatal_error", "not_in_channel")
STATUSES = (200, 201, 204, 301, 400, 403, 404, 429, 500, 503)
TYPES = ("text/plain", "text/html", "application/gzip", "application/json; charset=hex", "x")


def reply(method: str, case: Mutation) -> Reply:
    """Return an answer, mostly good in its status and mostly wrong in its body."""
    whole: dict[str, Any] = {"ok": True, **GENUINE[method]}
    if case.random() < 0.15:
        whole = {"ok": False, "error": case.choice(ERRORS)}
    body = encoded(case.value(whole) if case.random() < 0.7 else whole)
    return Reply(
        case.data(body) if case.random() < 0.1 else body,
        case.choice(STATUSES) if case.random() < 0.1 else 200,
        case.choice(TYPES) if case.random() < 0.05 else "application/json",
        case.choice(("", "1", "soon", "9" * 25, "-1")),
    )


def questions(desk: Desk) -> list[Callable[[], Awaitable[object]]]:
    """Return what is asked of Slack without a click."""
    url, log = desk.slack.url, FakeLog()
    chat, repos = SlackChat("xoxb-test", url), {REPO: repo_config()}
    return [
        lambda: chat.post(CHANNEL, "text", [], None, KEY),
        lambda: chat.update(CHANNEL, "1.1", "text", []),
        lambda: chat.find(CHANNEL, None, KEY),
        lambda: chat.find(CHANNEL, "1.1", KEY),
        lambda: chat.ephemeral(CHANNEL, BOB, "text", None),
        lambda: SlackRoster("xoxb-test", url, lambda: 0.0, 60).roster([GROUP, BOB]),
        lambda: Permalinks(log, SlackWeb("xoxb-test", url), [REPO]).note(),
        lambda: check_slack("xoxb-test", "xapp-test", url, repos),
    ]


async def test_answers_of_slack() -> None:
    with Campaign("slack answers") as campaign:
        cases = iter(campaign)
        while await _one_desk(cases):
            pass


async def _one_desk(cases: Iterator[Mutation]) -> bool:
    repo = repo_config(people={}, approvers=(GROUP, BOB))
    async with Desk.run(repo) as desk:
        await desk.tells(Story(repo).merged().staged().asks())
        asked = questions(desk)
        for number, case in enumerate(cases, 1):
            desk.seconds += 61  # what Slack said before is forgotten
            desk.slack.calls.clear()
            desk.slack.replies = {method: reply(method, case) for method in GENUINE}
            if case.random() < 0.5:
                await _clicked(desk, case)
            else:
                with contextlib.suppress(
                    ChatUnavailable, ChatRefused, MessageGone, RateLimited, SlackSilent
                ):
                    await case.choice(asked)()
            if number == NEW_DESK:
                return True
    return False


async def _clicked(desk: Desk, case: Mutation) -> None:
    """Have somebody press a button or say what Slack is asked about."""
    with capture_logs() as logged:
        if case.random() < 0.1:
            answer = await desk.says(f"<@{BOT}> unlock backend", thread_ts="1.1")
        else:
            action_id = case.choice(("approve", "reject_with_feedback", "release", "happened"))
            value = f"{THREAD}:{case.choice(('c1', 'c2'))}"
            answer = await desk.clicks(action_id, value, case.choice((ALICE, BOB)))
    assert answer.status_code == 200
    assert [line for line in logged if line["log_level"] == "error"] == []
