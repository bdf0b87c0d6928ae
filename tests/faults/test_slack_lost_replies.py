"""A post whose reply is lost is found again, however far down: nothing is posted twice."""

from collections.abc import AsyncIterator

import pytest

from app.core import events as ev
from app.slack.delivery import POSTING
from tests.fakes import FakeMessage
from tests.faults.proxy import Fault
from tests.faults.slack_town import Town
from tests.shop import repo_config
from tests.story import CARA, START, THREAD, Story

SHOP = repo_config()
OTHER = repo_config(name="acme/other", channel="C02OTHER")
ELSEWHERE = "acme/other/0123456789"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with Town.run(SHOP, OTHER) as town:
        yield town


def is_post(request: bytes) -> bool:
    return b"POST /api/chat.postMessage" in request


def chatter(town: Town, count: int, thread_ts: str | None = None) -> None:
    """Let others write, below what is there."""
    for number in range(count):
        ts = f"{int(town.clock.seconds)}.{500_000 + number:06}"
        town.slack.messages.append(FakeMessage(SHOP.channel, ts, thread_ts, f"other{number}"))


@pytest.mark.parametrize("fault", ["lose request", "lose reply", "half reply"])
async def test_a_post_broken_off_anywhere_is_one_message(town: Town, fault: Fault) -> None:
    await town.happens(THREAD, Story().merged().staged().asks())
    town.proxy.order(fault, 1, is_post)
    await town.waits(4)
    town.proxy.order(fault, 1, is_post)
    await town.waits(20)

    assert len(town.slack.messages) == 3
    assert town.twice() == []
    assert await town.behind() == []


async def test_every_reply_may_be_lost(town: Town) -> None:
    town.proxy.drop_replies(5, is_post)
    await town.happens(THREAD, Story().merged().staged().asks())
    await town.waits(60)

    assert len(town.slack.messages) == 3
    assert await town.behind() == []


async def lost(town: Town) -> None:
    """Lose the reply to the status, and do not look for it yet."""
    town.proxy.drop_replies(1, is_post)
    await town.happens(THREAD, Story().merged())
    await town.sends()
    assert (await town.log.sent(THREAD))["status"].startswith(POSTING)
    assert "Deploy" in town.slack.messages[-1].words


async def test_a_message_is_found_below_pages_of_others(town: Town) -> None:
    await lost(town)
    chatter(town, 250)
    await town.waits(2)

    assert town.slack.count("conversations.history") == 3
    assert town.message(await town.state(THREAD), "status") is town.slack.messages[0]
    assert town.twice() == []


async def test_a_reply_is_found_below_pages_of_others(town: Town) -> None:
    story = Story().merged()
    await town.happens(THREAD, story)
    await town.waits(2)
    root = town.slack.messages[0].ts
    town.proxy.drop_replies(1, is_post)
    chatter(town, 250, root)
    reply = story.then(ev.BotSaid(call_id="r", text="Hi.", because="reply")).entries[-1]
    await town.happens(THREAD, Story(entries=[reply]))
    await town.waits(4)

    assert town.slack.count("conversations.replies") == 3
    assert town.twice() == []
    assert await town.behind() == []


async def test_reading_that_is_limited_goes_on_where_it_was(town: Town) -> None:
    town.slack.strict = True
    await lost(town)
    chatter(town, 40)
    await town.waits(1)
    await town.happens(ELSEWHERE, Story().merged())
    await town.waits(2)
    assert "status" in (await town.state(ELSEWHERE)).slots, "others do not wait"
    assert "status" not in (await town.state(THREAD)).slots

    await town.waits(180)
    assert town.message(await town.state(THREAD), "status") is town.slack.messages[0]
    assert town.twice() == []


async def test_reading_goes_on_after_slack_was_gone(town: Town) -> None:
    await lost(town)
    chatter(town, 150)
    await town.proxy.go()
    await town.waits(60)
    await town.proxy.come_back()
    await town.waits(10)

    assert town.twice() == []
    assert await town.behind() == []


async def test_only_what_is_young_enough_is_read(town: Town) -> None:
    chatter(town, 250)
    town.clock.passes(3600)
    await lost(town)
    await town.waits(2)

    assert town.slack.count("conversations.history") == 1
    assert town.twice() == []


async def test_a_mark_of_an_earlier_version_is_understood(town: Town) -> None:
    await lost(town)
    await town.log.mark_sent(THREAD, "status", POSTING)
    await town.waits(2)

    assert town.twice() == []
    assert await town.behind() == []


async def test_what_was_settled_meanwhile_is_settled_where_it_was_found(town: Town) -> None:
    story = Story().merged().staged().asks()
    await town.happens(THREAD, story)
    await town.waits(1)
    town.proxy.drop_replies(1, is_post)
    await town.waits(1)
    card = town.slack.messages[2]
    assert "approve" in card.buttons
    stop = story.then(ev.StopRequested(user=CARA)).entries[-1]
    await town.happens(THREAD, Story(entries=[stop], now=START))
    await town.waits(5)

    assert card.buttons == {}
    assert town.twice() == []
