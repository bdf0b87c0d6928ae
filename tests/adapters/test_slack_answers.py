"""A Slack that answers with good JSON of a wrong form is a Slack that does not answer."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.core.errors import ChatRefused, ChatUnavailable, RateLimited
from app.core.people import Person, Roster
from app.slack.chat import SlackChat
from app.slack.check import check_slack
from app.slack.permalinks import Permalinks
from app.slack.roster import SlackRoster
from app.slack.web import NO_ANSWER, SlackSilent, SlackWeb
from tests.adapters.slack_desk import CHANNEL, TEAM, Desk, Reply, SlackStub
from tests.fakes import FakeLog
from tests.story import BOB, REPO, Story, card_facts, repo_config

GROUP = "S0OPS"
ODD: tuple[Any, ...] = (None, [], "x", 5, {}, [1])
NO_LIST: tuple[Any, ...] = (None, "x", 5, {}, [None])
NO_STRING: tuple[Any, ...] = (None, [], 5, {})
ODD_PROFILE = {"id": BOB, "team_id": TEAM, "profile": "x"}
ODD_NAME = {"id": BOB, "team_id": TEAM, "profile": {"display_name": ["x"]}}
ODD_FLAG = {"id": BOB, "team_id": TEAM, "is_restricted": "yes"}


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStub]:
    async with SlackStub.run() as stub:
        yield stub


def chat_on(slack: SlackStub) -> SlackChat:
    return SlackChat("xoxb-test", slack.url)


# A click.


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        *(("users.info", {"user": odd}) for odd in (*ODD, ODD_PROFILE, ODD_NAME, ODD_FLAG)),
        *(("conversations.info", {"channel": odd}) for odd in ODD),
        *(("auth.test", {"team_id": odd}) for odd in NO_STRING),
        *(("usergroups.users.list", {"users": odd}) for odd in (*NO_LIST, ["<!here>"])),
        *((method, {}) for method in ("users.info", "conversations.info", "auth.test")),
    ],
)
async def test_a_click_hears_that_it_could_not_be_checked(
    method: str, answer: dict[str, Any]
) -> None:
    repo = repo_config(people={}, approvers=(GROUP,))
    async with Desk.run(repo) as desk:
        desk.slack.groups[GROUP] = [BOB]
        await desk.tells(Story(repo).merged().staged().asks(facts=card_facts(barred=())))
        desk.slack.replies[method] = Reply.with_fields(**answer)

        assert (await desk.clicks("approve", user=BOB)).status_code == 200
        whom = "this channel" if method == "conversations.info" else "you"
        assert await desk.whisper() == (
            f"I could not check {whom}: Slack did not answer. Nothing was recorded, try again."
        )
        assert (await desk.newest()).type == "approval_requested"

        del desk.slack.replies[method]
        await desk.clicks("approve", user=BOB)
        assert (await desk.newest()).type == "approval_granted"


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'"x"', b"[" * 100_000, b'{"ok": false, "error": ["<!channel>"]}']
)
async def test_a_click_is_answered_whatever_stands_in_place_of_an_answer(body: bytes) -> None:
    async with Desk.run(repo_config(people={})) as desk:
        await desk.tells(Story(repo_config(people={})).merged().staged().asks())
        for status in (200, 500):
            desk.slack.replies["users.info"] = Reply(body, status)
            assert (await desk.clicks("approve", user=BOB)).status_code == 200
        assert "I could not check you: Slack did not answer." in await desk.whisper(2)


# The names on a card.


@pytest.mark.parametrize("odd", [*ODD, ODD_PROFILE, ODD_FLAG])
async def test_a_card_says_whom_it_could_not_ask_about(slack: SlackStub, odd: Any) -> None:
    slack.replies["users.info"] = Reply.with_fields(user=odd)
    found = await SlackRoster("xoxb-test", slack.url, lambda: 0.0, 5).roster([BOB])
    assert found == Roster(unseen=(BOB,), why=NO_ANSWER)


@pytest.mark.parametrize("odd", NO_LIST)
async def test_a_card_says_which_group_it_could_not_read(slack: SlackStub, odd: Any) -> None:
    slack.replies["usergroups.users.list"] = Reply.with_fields(users=odd)
    found = await SlackRoster("xoxb-test", slack.url, lambda: 0.0, 5).roster([GROUP, BOB])
    assert found == Roster(people=(Person(BOB),), unread=(GROUP,), why=NO_ANSWER)


# What is sent, and looked for.


@pytest.mark.parametrize("ts", [None, "", "x", 5, [], "1.1|2"])
async def test_a_post_without_its_address_may_have_been_done(slack: SlackStub, ts: Any) -> None:
    slack.replies["chat.postMessage"] = Reply.with_fields(ts=ts)
    with pytest.raises(ChatUnavailable):
        await chat_on(slack).post(CHANNEL, "text", [], None, "key")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        *({"messages": odd} for odd in NO_LIST),
        *({"messages": [{"ts": "1.1", "metadata": odd}]} for odd in ODD[1:4]),
        *({"messages": [{"ts": "1.1", "blocks": odd}]} for odd in NO_LIST[1:]),
        {"messages": [{"ts": None}]},
        {"messages": [], "response_metadata": "x"},
        {"messages": [], "response_metadata": {"next_cursor": 5}},
    ],
)
async def test_a_page_that_cannot_be_read_is_looked_at_later(
    slack: SlackStub, answer: dict[str, Any]
) -> None:
    chat = chat_on(slack)
    slack.replies["conversations.history"] = Reply.with_fields(**answer)
    with pytest.raises(ChatUnavailable):
        await chat.find(CHANNEL, None, "key")
    found = {"ts": "1.2", "metadata": {"event_payload": {"key": "key"}}}
    slack.replies["conversations.history"] = Reply.with_fields(messages=[found])
    assert await chat.find(CHANNEL, None, "key") == "1.2"


async def test_what_other_apps_leave_in_their_messages_hides_none_of_ours(
    slack: SlackStub,
) -> None:
    messages = [
        {"ts": "1.1", "metadata": None, "blocks": None},
        {"ts": "1.2", "metadata": {"event_payload": {"key": ["key"]}}, "blocks": [{"block_id": 5}]},
        {"ts": "1.3", "blocks": [{"block_id": "slot:key:1"}]},
    ]
    slack.replies["conversations.replies"] = Reply.with_fields(messages=messages)
    assert await chat_on(slack).find(CHANNEL, "1.1", "key") == "1.3"


async def test_pages_without_end_are_not_read_without_end(slack: SlackStub) -> None:
    chat = chat_on(slack)
    endless: dict[str, Any] = {"messages": [], "response_metadata": {"next_cursor": "x"}}
    slack.replies["conversations.history"] = Reply.with_fields(**endless)
    with pytest.raises(ChatUnavailable):
        await chat.find(CHANNEL, None, "key")
    assert slack.count("conversations.history") == 2


@pytest.mark.parametrize("said", ["9" * 25, "9" * 5000])
async def test_no_rest_is_longer_than_an_hour(slack: SlackStub, said: str) -> None:
    refused = b'{"ok": false, "error": "ratelimited"}'
    slack.replies["chat.update"] = Reply(refused, 429, retry_after=said)
    with pytest.raises(RateLimited) as limit:
        await chat_on(slack).update(CHANNEL, "1.2", "text", [])
    assert limit.value.retry_after == 3600


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'"x"', b'{"ok": 1, "error": 5}', b'{"error": 5}']
)
async def test_a_refusal_in_no_words_of_slacks_is_none(slack: SlackStub, body: bytes) -> None:
    slack.replies["chat.update"] = Reply(body, 500)
    with pytest.raises(ChatUnavailable):
        await chat_on(slack).update(CHANNEL, "1.2", "text", [])
    slack.replies["chat.update"] = Reply(b'{"ok": false, "error": "not_in_channel"}')
    with pytest.raises(ChatRefused, match="not_in_channel"):
        await chat_on(slack).update(CHANNEL, "1.2", "text", [])


# What is asked once.


@pytest.mark.parametrize("url", NO_STRING)
async def test_an_address_of_no_form_is_asked_for_again(slack: SlackStub, url: Any) -> None:
    slack.replies["auth.test"] = Reply.with_fields(url=url)
    with pytest.raises(SlackSilent):
        await Permalinks(FakeLog(), SlackWeb("xoxb-test", slack.url), [REPO]).note()


@pytest.mark.parametrize("odd", [None, 5, [1], "x"])
async def test_doctor_says_what_it_could_not_check(slack: SlackStub, odd: Any) -> None:
    slack.replies["conversations.info"] = Reply.with_fields(channel=odd)
    findings = await check_slack("xoxb-test", "", slack.url, {REPO: repo_config()})
    assert findings[-1].ok is None
    assert findings[-1].line == (
        f"Slack: {CHANNEL}: could not check: Slack's answer is not as documented"
    )
