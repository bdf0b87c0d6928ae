"""Slack's limits: each holds for its method and channel alone, is obeyed, and costs no message."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

import pytest

from app.core import events as ev
from app.core.ports import Observation
from app.slack.sender import SlackSender
from tests.faults.slack_server import START
from tests.faults.slack_town import Town
from tests.shop import repo_config
from tests.story import THREAD, Story
from tests.waiting import until

SHOP = repo_config()
OTHER = repo_config(name="acme/other", channel="C02OTHER")
UPDATE, POST = "chat.update", "chat.postMessage"
ELSEWHERE = "acme/other/0123456789"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with Town.run(SHOP, OTHER) as town:
        yield town


def waiting_card() -> Story:
    return Story().merged().staged().asks()


async def shown(town: Town, thread_id: str = THREAD) -> list[str]:
    """Return the slots of a thread that have a message."""
    return list((await town.state(thread_id)).slots)


async def tells(town: Town, story: Story, *events: ev.Event) -> None:
    """Let events happen in the thread, and send what may be sent."""
    for event in events:
        story.then(event)
        await town.happens(THREAD, Story(entries=[story.entries[-1]]))
    await town.sends()


async def posted(town: Town) -> Story:
    """Have a card wait, posted with everything above it."""
    story = waiting_card()
    await town.happens(THREAD, story)
    await town.waits(5)
    assert "card:c1" in await shown(town)
    return story


# One limit and the others.


async def test_a_limited_channel_keeps_no_other_waiting(town: Town) -> None:
    town.slack.limit(POST, 30, SHOP.channel)
    await town.happens(THREAD, Story().merged())
    await town.sends()
    await town.happens(ELSEWHERE, Story().merged())
    await town.sends()

    assert await shown(town) == []
    assert await shown(town, ELSEWHERE) == ["status"]


async def test_limited_posts_keep_no_edit_waiting(town: Town) -> None:
    story = await posted(town)
    town.slack.limit(POST, 30, SHOP.channel)
    reply = ev.BotSaid(call_id="r", text="Hi.", because="reply")
    await tells(town, story, reply, ev.ApprovalGranted(call_id="c1", spec_hash="", user="U02BOB"))

    state = await town.state(THREAD)
    assert "say:0" not in state.slots
    assert town.message(state, "card:c1").buttons == {}


async def test_limited_edits_keep_no_post_waiting(town: Town) -> None:
    story = await posted(town)
    town.slack.limit(UPDATE, 30)
    await tells(town, story, ev.BotSaid(call_id="r", text="Hi.", because="reply"))
    await town.waits(2)

    assert "say:0" in await shown(town)


async def test_an_edit_limit_holds_for_every_channel(town: Town) -> None:
    story = await posted(town)
    await town.happens(ELSEWHERE, Story().merged())
    await town.waits(5)
    town.slack.limit(UPDATE, 30)
    asked = len(town.slack.at(UPDATE))
    await tells(town, story, ev.StopRequested(user="U03CARA"))
    await town.happens(ELSEWHERE, Story(entries=Story().starts("s").entries))
    await town.waits(29)

    assert len(town.slack.at(UPDATE)) == asked + 1
    await town.waits(20)
    assert await town.behind() == []


# Retry-After.


async def test_nothing_is_asked_before_retry_after_is_over(town: Town) -> None:
    town.slack.limit(POST, 30, SHOP.channel)
    await town.happens(THREAD, waiting_card())
    await town.waits(40)

    assert town.slack.at(POST) == [0, 30, 31, 32]
    assert await town.behind() == []


async def test_waiting_for_slack_blocks_no_task(town: Town) -> None:
    town.slack.limit(POST, 3600, SHOP.channel)
    town.slack.limit(UPDATE, 3600)
    await town.happens(THREAD, waiting_card())

    assert await town.sender.step() is True
    assert await town.sender.step() is False
    assert town.clock.seconds == START


async def test_a_limit_in_the_middle_of_a_thread_loses_nothing(town: Town) -> None:
    await town.happens(THREAD, waiting_card())
    await town.sends()
    town.slack.limit(POST, 17, SHOP.channel)
    await town.waits(1)
    assert await shown(town) == ["status"]

    await town.waits(20)
    assert await shown(town) == ["status", "progress:staging:1", "card:c1"]
    assert town.twice() == []


async def test_by_itself_the_sender_is_never_limited(town: Town) -> None:
    for number in range(12):
        await town.happens(f"{SHOP.name}/{number:010}", waiting_card())
    await town.waits(60)

    assert await town.behind() == []
    assert town.slack.count(POST) == len(town.slack.at(POST)) == 36


# Many changes, one edit.


async def test_fifty_changes_while_slack_is_limited_are_one_edit_of_the_newest(town: Town) -> None:
    story = Story().merged().starts("s")
    await town.happens(THREAD, story)
    await town.waits(5)
    town.slack.limit(UPDATE, 20)
    edits = len(town.slack.at(UPDATE))
    for number in range(50):
        await tells(town, story, ev.ToolProgressed(attempt_id="s", line=f"layer {number}"))
    await town.waits(25)

    progress = town.message(await town.state(THREAD), "progress:staging:1")
    assert len(progress.versions) == 2
    assert "layer 49" in progress.words
    assert len(town.slack.at(UPDATE)) - edits <= 2, "one that was refused, and one that was done"


# Who is waiting.


async def test_while_edits_are_limited_a_second_click_is_answered(town: Town) -> None:
    await posted(town)
    town.slack.limit(UPDATE, 30)
    await town.door.clicks("approve", user="U03CARA")
    await town.sends()
    card = town.message(await town.state(THREAD), "card:c1")
    assert "approve" in card.buttons

    await town.door.clicks("approve", user="U02BOB")
    assert "approved" in await town.door.whisper()
    await town.waits(35)
    assert card.buttons == {}
    granted = [e for e in await town.log.read(THREAD) if isinstance(e.event, ev.ApprovalGranted)]
    assert len(granted) == 1


async def test_an_answer_that_slack_limits_is_given_later(town: Town) -> None:
    await posted(town)
    town.slack.limit("chat.postEphemeral", 1)
    await town.door.clicks("approve", user="U01ALICE")
    await until(lambda: town.slack.at("chat.postEphemeral"))
    assert town.door.whispers() == []

    town.clock.passes(1)
    assert "approver" in await town.door.whisper()


async def test_what_people_wait_for_is_posted_before_what_is_over(town: Town) -> None:
    town.slack.limit(POST, 120, SHOP.channel)
    over = waiting_card().then(ev.StopRequested(user="U03CARA"))
    for number in range(5):
        await town.happens(f"{SHOP.name}/{number:010}", over)
    await town.waits(61)
    for number in range(5, 8):
        await town.happens(f"{SHOP.name}/{number:010}", waiting_card())
    await town.waits(75)

    first = [message.words for message in town.slack.messages[:9]]
    assert sum("Approve" in words for words in first) == 3
    await town.waits(30)
    assert await town.behind() == []


async def test_a_thread_is_told_to_its_end_before_the_next_begins(town: Town) -> None:
    town.slack.limit(POST, 10, SHOP.channel)
    for number in range(4):
        await town.happens(f"{SHOP.name}/{number:010}", waiting_card())
    await town.waits(25)

    roots = [message.thread_ts or message.ts for message in town.slack.messages]
    assert [len(list(group)) for _, group in groupby(roots)] == [3, 3, 3, 3]


async def test_a_flood_of_merges_that_ship_each_other_keeps_no_card_waiting(town: Town) -> None:
    town.deployer.prepare("staging frontend", Observation(status="running"))
    threads = [await town.merges(SHOP, number) for number in range(20)]
    await town.later(5)
    town.deployer.prepared.clear()
    await town.later(15)

    (asks,) = [thread for thread in threads if (await town.state(thread)).pending]
    assert any("card:" in slot for slot in (await town.state(asks)).slots)
    assert await town.behind() == []
    assert len({message.thread_ts or message.ts for message in town.slack.messages}) < 10


# Several processes: each learns of a limit by itself.


async def rounds(town: Town, senders: Sequence[SlackSender], seconds: int) -> None:
    for _ in range(seconds * 4):
        for sender in senders:
            while await sender.step():
                pass
        town.clock.passes(0.25)


async def test_three_processes_share_a_channel_without_posting_twice(town: Town) -> None:
    for number in range(10):
        await town.happens(f"{SHOP.name}/{number:010}", waiting_card())
    senders = [town.new_sender() for _ in range(3)]
    await rounds(town, senders, 60)

    assert await town.behind() == []
    assert town.twice() == []
    town.slack.too_early.clear()  # what one was told, the others do not know


async def test_edits_that_fail_keep_no_other_channel_waiting(town: Town) -> None:
    story = await posted(town)
    town.slack.failing.add(UPDATE)
    await tells(town, story, ev.StopRequested(user="U03CARA"))
    await town.happens(ELSEWHERE, Story().merged())
    await town.waits(3)
    assert await shown(town, ELSEWHERE) == ["status"]

    town.slack.failing.clear()
    await town.waits(30)
    assert await town.behind() == []
