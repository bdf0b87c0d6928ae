"""What Slack delivers again, and what people press again, has one effect: on the wired service.

Slack sends an event that was not answered with 200 again: immediately, after a minute and after
five. https://docs.slack.dev/apis/events-api
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from app.core import events as ev
from app.core.events import Event
from app.core.ids import thread_id_for
from app.main import create_app
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.settings import Settings
from tests import signing
from tests.adapters.slack_desk import BOT, CHANNEL, SECRET, Desk, Json, SlackStub
from tests.faults.proxy import Proxy
from tests.faults.stores import Store
from tests.shop import CARA, REPO, repo_config
from tests.story import THREAD, Story

MINUTES = (0, 0, 1, 5)
MENTIONED = thread_id_for(REPO, CHANNEL, "2.2")


class WiredDoor(Desk):
    """The door of the service as it is wired, whose store is behind a proxy."""

    def __init__(self, slack: SlackStub, log: RedisLog, proxy: Proxy) -> None:
        super().__init__(slack, log, [repo_config()])
        settings = Settings.model_construct(
            slack_bot_token="xoxb-test",
            slack_signing_secret=SECRET,
            slack_api_url=slack.url,
            deploybot_config=Path("deploybot.toml"),
        )
        self.app = create_app(settings, {REPO: repo_config()}, log, {}, work=False)
        self.wired_log = log
        self.proxy = proxy

    async def post(
        self, body: bytes, content_type: str = "application/json", **headers: str
    ) -> httpx.Response:
        """Post a body, signed now."""
        now = signing.slack(body, SECRET, str(int(time.time())))
        signed = {name.replace("-", "_"): value for name, value in now.items()}
        return await super().post(body, content_type, **(signed | headers))

    async def minutes_later(self, minutes: int) -> None:
        """Let the store's time be so much later than the true time."""
        await self.wired_log.set_offset(REPO, minutes * 60_000)


@pytest.fixture
async def door(embedded_store: Store) -> AsyncIterator[WiredDoor]:
    (proxy,) = embedded_store.proxies
    log = RedisLog(connect(embedded_store.url))
    async with SlackStub.run() as slack:
        yield WiredDoor(slack, log, proxy)
        slack.check()
    await log.close()


def message(text: str, kind: str = "message", **more: str) -> Json:
    return {"type": kind, "channel": CHANNEL, "user": CARA, "text": text, "ts": "2.2", **more}


def in_thread(text: str) -> Json:
    return message(text, thread_ts="1.1")


async def waiting(door: WiredDoor) -> list[Event]:
    """Have a card wait in the thread at 1.1; return what happened so far."""
    await door.tells(Story().merged().staged().asks())
    return await door.events_of()


async def answers(door: WiredDoor, deliver: Callable[[], Awaitable[httpx.Response]]) -> list[int]:
    """Deliver as often and as late as Slack would; return the answers."""
    found: list[int] = []
    for minutes in MINUTES:
        await door.minutes_later(minutes)
        found.append((await deliver()).status_code)
    return found


EVENTS: list[tuple[Json, str, list[str]]] = [
    (
        message(f"<@{BOT}> deploy backend", "app_mention"),
        MENTIONED,
        ["thread_started", "human_said"],
    ),
    (in_thread("backend first"), THREAD, ["human_said"]),
    (in_thread("stop"), THREAD, ["stop_requested"]),
]


@pytest.mark.parametrize(("event", "thread_id", "effect"), EVENTS)
async def test_an_event_that_comes_again_has_one_effect(
    door: WiredDoor, event: Json, thread_id: str, effect: list[str]
) -> None:
    before = [*await waiting(door)] if thread_id == THREAD else []

    assert await answers(door, lambda: door.event(event, "Ev1")) == [200] * 4
    after = await door.events_of(thread_id)
    assert [happened.type for happened in after[len(before) :]] == effect


@pytest.mark.parametrize(("event", "thread_id", "effect"), EVENTS)
async def test_an_event_that_could_not_be_stored_is_taken_when_it_comes_again(
    door: WiredDoor, event: Json, thread_id: str, effect: list[str]
) -> None:
    before = [*await waiting(door)] if thread_id == THREAD else []
    await door.proxy.go()
    assert (await door.event(event, "Ev1")).status_code == 503
    await door.proxy.come_back()

    assert await answers(door, lambda: door.event(event, "Ev1")) == [200] * 4
    after = await door.events_of(thread_id)
    assert [happened.type for happened in after[len(before) :]] == effect


@pytest.mark.parametrize("kinds", [("message", "app_mention"), ("app_mention", "message")])
async def test_a_mention_that_comes_as_two_events_is_one_thread(
    door: WiredDoor, kinds: tuple[str, str]
) -> None:
    for number, kind in enumerate(kinds * 2):
        event = message(f"<@{BOT}> deploy backend", kind, channel_type="channel")
        assert (await door.event(event, f"Ev{number % 2}")).status_code == 200

    assert await door.threads() == [MENTIONED]
    assert [e.type for e in await door.events_of(MENTIONED)] == ["thread_started", "human_said"]


async def test_a_mention_in_a_thread_that_comes_as_two_events_is_heard_once(
    door: WiredDoor,
) -> None:
    before = await waiting(door)
    for kind in ("message", "app_mention"):
        event = in_thread(f"<@{BOT}> backend first") | {"type": kind}
        await door.event(event, f"Ev-{kind}")

    assert [e.type for e in (await door.events_of())[len(before) :]] == ["human_said"]


async def test_the_same_words_said_twice_are_heard_twice(door: WiredDoor) -> None:
    before = await waiting(door)
    await door.event(in_thread("why?"), "Ev1")
    await door.event(in_thread("why?") | {"ts": "2.3"}, "Ev2")

    assert len(await door.events_of()) == len(before) + 2


# Clicks and forms: Slack sends them once, people press again.


async def test_a_click_that_comes_again_has_one_effect_and_an_answer(door: WiredDoor) -> None:
    before = await waiting(door)

    assert await answers(door, lambda: door.clicks("approve")) == [200] * 4
    happened = (await door.events_of())[len(before) :]
    assert [event.type for event in happened] == ["approval_granted"]
    assert "approved" in await door.whisper(3)


async def test_a_form_that_comes_again_rejects_once(door: WiredDoor) -> None:
    before = await waiting(door)

    assert await answers(door, lambda: door.submits("backend first")) == [200] * 4
    happened = (await door.events_of())[len(before) :]
    assert happened == [ev.ApprovalRejected(call_id="c1", user=CARA, text="backend first")]
    assert "backend first" in await door.whisper(3), "words are given back"


async def test_a_click_that_could_not_be_stored_is_answered_and_counts_when_pressed_again(
    door: WiredDoor,
) -> None:
    before = await waiting(door)
    await door.proxy.go()
    assert (await door.clicks("approve")).status_code == 503
    assert "Try again" in await door.whisper()
    await door.proxy.come_back()

    assert (await door.clicks("approve")).status_code == 200
    assert [e.type for e in (await door.events_of())[len(before) :]] == ["approval_granted"]


async def test_a_form_that_could_not_be_stored_stays_open(door: WiredDoor) -> None:
    before = await waiting(door)
    await door.proxy.go()
    answer = await door.submits("backend first")
    assert answer.status_code == 200
    assert json.loads(answer.content)["response_action"] == "errors"
    await door.proxy.come_back()

    assert (await door.submits("backend first")).status_code == 200
    assert [e.type for e in (await door.events_of())[len(before) :]] == ["approval_rejected"]


# Slack that does not answer what a click has to know.


async def test_a_click_is_answered_when_slack_answers_no_json(door: WiredDoor) -> None:
    before = await waiting(door)
    door.slack.garbled.add("users.info")

    assert (await door.clicks("approve")).status_code == 200
    assert "could not check you" in await door.whisper()
    assert await door.events_of() == before
