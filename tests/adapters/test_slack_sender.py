"""The sender keeps the chat like the thread, whatever the chat does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from app.core import events as ev
from app.core.errors import ChatRefused, ChatUnavailable, MessageGone, RateLimited
from app.core.fold import fold
from app.core.ports import Write
from app.demo.local_slack import LocalSlack, Workspace
from app.slack import text
from app.slack.chat import SlackChat, zones_of
from app.slack.delivery import POSTING
from app.slack.messages import render
from app.slack.pace import LATE_SECONDS, Line
from app.slack.sender import SlackSender
from tests import payloads
from tests.fakes import FakeChat, FakeLog, FakeMessage
from tests.story import BOB, CARA, NEW, REPO, START, THREAD, Story, repo_config
from tests.waiting import until

CHANNEL = "C01DEPLOYS"


class Room:
    """A thread, a chat and a sender between them."""

    def __init__(self) -> None:
        self.log, self.chat, self.story = FakeLog(), FakeChat(), Story()
        self.sender = self.new_sender()

    def new_sender(self, edits_per_minute: float = 0) -> SlackSender:
        """Start over, as another process would."""
        return SlackSender(
            self.log,
            self.chat,
            {REPO: repo_config()},
            seconds_between_posts=0,
            edits_per_minute=edits_per_minute,
        )

    async def happens(self, story: Story) -> None:
        """Append what the story has that the thread has not, and send."""
        told = sum(e.event.type != "message_posted" for e in await self.log.read(THREAD))
        for entry in story.entries[told:]:
            await self.log.append(Write(THREAD, (entry.event,)))
        await self.settle()

    async def settle(self) -> None:
        """Send what is due."""
        while await self.sender.step():
            pass

    async def later(self, ms: int) -> None:
        """Let time pass, and send."""
        self.log.advance(ms)
        await self.settle()

    async def slots(self) -> dict[str, tuple[str, str]]:
        """Return what is bound."""
        return fold(await self.log.read(THREAD)).slots

    async def message(self, slot: str) -> FakeMessage:
        """Return the message that a slot is bound to."""
        bound = (await self.slots())[slot]
        return next(m for m in self.chat.messages if (m.channel, m.ts) == bound)


@pytest.fixture
def room() -> Room:
    return Room()


def waiting_card() -> Story:
    return Story().merged().staged().asks()


async def test_a_thread_is_posted_status_first_and_the_rest_below_it(room: Room) -> None:
    await room.happens(waiting_card())

    status, *replies = room.chat.messages
    assert "Deploy 4af9ec0" in status.words
    assert status.thread_ts is None
    assert [reply.thread_ts for reply in replies] == [status.ts] * 2


async def test_a_mention_is_answered_in_its_own_thread(room: Room) -> None:
    answered = ev.BotSaid(call_id="r", text="It is fine.", because="reply")
    await room.happens(Story().mentioned().then(answered))

    told = [(m.thread_ts, m.words.split("\n")[0]) for m in room.chat.messages]
    assert told == [("1800000000.000001", "It is fine.")]


async def test_a_posted_message_is_found_by_its_ts_and_wakes_no_worker(room: Room) -> None:
    await room.happens(Story().merged())
    channel, ts = (await room.slots())["status"]

    assert await room.log.find(REPO, channel, ts) == THREAD
    claim = await room.log.claim(REPO, "work")
    assert claim is not None
    await room.log.park(claim, "work", len(await room.log.read(THREAD)), None)
    assert await room.log.claim(REPO, "work") is None


async def test_a_change_is_one_edit_of_what_changed(room: Room) -> None:
    story = waiting_card()
    await room.happens(story)
    room.chat.calls.clear()

    await room.happens(story.approves())
    assert room.chat.calls == [f"update {CHANNEL}"] * 2
    card = await room.message("card:c1")
    assert card.buttons == {}
    assert "approved by <@U02BOB>" in card.words


async def test_a_message_that_did_not_change_is_left_alone(room: Room) -> None:
    await room.happens(waiting_card())
    room.chat.calls.clear()

    await room.log.append(Write(THREAD, ()))
    await room.settle()
    assert room.chat.calls == []


async def test_each_version_has_its_own_block_id(room: Room) -> None:
    story = waiting_card()
    await room.happens(story)
    card = await room.message("card:c1")
    first = card.blocks[0]["block_id"]

    await room.happens(story.approves())
    assert card.blocks[0]["block_id"] != first


async def test_progress_is_edited_at_most_every_three_seconds(room: Room) -> None:
    story = Story().merged().starts("s")
    await room.happens(story)
    progress = await room.message("progress:staging:1")

    for n in range(5):
        await room.happens(story.then(ev.ToolProgressed(attempt_id="s", line=f"layer {n}")))
    assert len(progress.versions) == 1

    await room.later(3000)
    assert len(progress.versions) == 2
    assert "layer 4" in progress.words


async def test_the_end_of_a_run_does_not_wait(room: Room) -> None:
    story = Story().merged().starts("s")
    await room.happens(story)

    await room.happens(story.ends("s"))
    assert "✅ backend" in (await room.message("progress:staging:1")).words


async def test_a_lost_reply_leads_to_no_second_message(room: Room) -> None:
    room.chat.lost_replies = 1
    await room.happens(Story().merged())
    await room.later(1000)

    assert len(room.chat.messages) == 1
    assert (await room.slots())["status"][1] == room.chat.messages[0].ts


async def test_a_message_found_again_is_brought_up_to_date(room: Room) -> None:
    story = Story().merged()
    room.chat.lost_replies = 1
    await room.happens(story)

    room.sender = room.new_sender()
    await room.happens(story.starts("s"))
    await room.later(1000)
    assert "deploying backend" in (await room.message("status")).words
    assert len([m for m in room.chat.messages if m.thread_ts is None]) == 1


async def test_a_live_message_that_is_gone_is_posted_again(room: Room) -> None:
    story = waiting_card()
    await room.happens(story)
    room.chat.messages.remove(await room.message("card:c1"))

    await room.happens(story.then(ev.HumanSaid(user=CARA, text="why?")))
    assert "Reading <@U03CARA>'s message" in (await room.message("card:c1")).words


async def test_a_settled_message_that_is_gone_stays_gone(room: Room) -> None:
    story = waiting_card()
    await room.happens(story)
    room.chat.messages.remove(await room.message("card:c1"))

    await room.happens(story.then(ev.ApprovalRejected(call_id="c1", user=CARA, text="no")))
    assert not any("rejected by" in m.words for m in room.chat.messages if m.thread_ts)


async def test_a_chat_that_forgot_everything_gets_what_people_wait_for(room: Room) -> None:
    await room.happens(waiting_card())
    room.chat.messages.clear()

    room.sender = room.new_sender()
    await room.sender.recheck(REPO)
    await room.settle()
    status, card = room.chat.messages
    assert status.thread_ts is None
    assert card.thread_ts == status.ts
    assert "approve" in card.buttons


async def test_a_finished_thread_is_not_posted_again(room: Room) -> None:
    story = waiting_card().then(ev.StopRequested(user=CARA))
    await room.happens(story)
    room.chat.messages.clear()

    await room.sender.recheck(REPO)
    await room.settle()
    assert room.chat.messages == []


@pytest.mark.parametrize(
    "trouble", [ChatUnavailable("no answer"), ChatRefused("not_in_channel"), RateLimited(1)]
)
async def test_a_post_that_fails_is_tried_again(room: Room, trouble: Exception) -> None:
    room.chat.troubles.append(trouble)
    await room.happens(Story().merged())
    assert room.chat.messages == []

    if isinstance(trouble, RateLimited):
        room.sender = room.new_sender()  # its clock is the machine's
    await room.later(1000)
    assert len(room.chat.messages) == 1


async def test_a_rate_limit_is_honoured_for_its_channel(room: Room) -> None:
    room.chat.troubles.append(RateLimited(30))
    await room.happens(Story().merged())

    await room.later(29_000)
    assert room.chat.calls == [f"post {CHANNEL}"]


async def test_one_failing_thread_does_not_keep_another_waiting(room: Room) -> None:
    room.chat.troubles.append(ChatUnavailable("no answer"))
    await room.happens(Story().merged())
    other = "acme/shop/ffffffffff"
    started = Story().merged().entries[0].event.model_copy(update={"thread_id": other})
    await room.log.append(Write(other, (started,)))
    await room.settle()

    assert len(room.chat.messages) == 1


async def test_a_thread_that_cannot_be_shown_does_not_stop_the_sender(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.chat.troubles.append(MemoryError("a fault of ours"))
    await room.happens(Story().merged())
    assert "cannot show thread" in caplog.text

    await room.later(1000)
    assert len(room.chat.messages) == 1


async def test_the_loop_sends_by_itself_and_ends_when_cancelled(room: Room) -> None:
    running = asyncio.create_task(room.sender.run())
    for entry in waiting_card().entries:
        await room.log.append(Write(THREAD, (entry.event,)))
    await until(lambda: len(room.chat.messages) == 3)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


class SwallowingChat(FakeChat):
    """Its calls hang, and answer a cancellation as if their own time were up."""

    async def post(self, *args: object, **more: object) -> str:
        self.calls.append("post")
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        raise ChatUnavailable("no answer in time")


async def test_the_loop_ends_also_when_a_client_swallows_the_cancellation(room: Room) -> None:
    room.chat = SwallowingChat()
    running = asyncio.create_task(room.new_sender().run())
    await room.log.append(Write(THREAD, (Story().merged().entries[0].event,)))
    await until(lambda: room.chat.calls)

    running.cancel()
    ended, _ = await asyncio.wait([running], timeout=10)
    assert ended


async def test_a_sender_that_is_stopped_gives_its_thread_back(room: Room) -> None:
    room.chat.hangs = True
    await room.log.append(Write(THREAD, (Story().merged().entries[0].event,)))
    stopped = asyncio.create_task(room.sender.step())
    await until(lambda: room.chat.calls)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped

    room.chat.hangs = False
    room.sender = room.new_sender()
    await room.settle()
    assert len(room.chat.messages) == 1


# What passed before it could be posted.


def unknown() -> Story:
    story = waiting_card().approves()
    return story.starts("p", "production", call_id="c1").ends("p", "unknown")


def red_staging() -> Story:
    story = Story().merged().starts("s").ends("s", "failed", "exit 1")
    return story.then(ev.StagingEnded(sha=NEW, passed=False, summary="backend failed"))


QUESTION = ev.BotSaid(call_id="q", text="Which?", because="question")
LUNCH = ev.WaitStarted(call_id="w", until=START, reason="lunch")
PASSED = [
    ("card:c1", waiting_card, (ev.ApprovalSuperseded(call_id="c1", user=CARA),)),
    ("card:c1", waiting_card, (ev.StopRequested(user=CARA),)),
    ("alert:unknown:p", unknown, (ev.OutcomeStated(attempt_id="p", happened=True, user=BOB),)),
    ("alert:staging:1", red_staging, (ev.StagingRequested(sha=NEW, scope="all", user=CARA),)),
    ("say:0", lambda: Story().merged().then(QUESTION), (ev.HumanSaid(user=CARA, text="both"),)),
    ("say:0", lambda: Story().merged().then(LUNCH), (ev.WaitEnded(call_id="w"),)),
]


@pytest.mark.parametrize(("slot", "story", "passed"), PASSED)
async def test_what_passed_before_it_could_be_posted_calls_nobody(
    room: Room, slot: str, story: Callable[[], Story], passed: tuple[ev.Event, ...]
) -> None:
    await room.happens(story().then(*passed))

    assert slot not in await room.slots()
    assert "status" in await room.slots()


@pytest.mark.parametrize(("slot", "story", "passed"), PASSED)
async def test_what_was_posted_is_kept_up_to_date_when_it_passed(
    room: Room, slot: str, story: Callable[[], Story], passed: tuple[ev.Event, ...]
) -> None:
    told = story()
    await room.happens(told)
    assert slot in await room.slots()

    await room.happens(told.then(*passed))
    rendered = render(fold(await room.log.read(THREAD)), repo_config(), told.now)[slot]
    shown = await room.message(slot)
    assert shown.words == payloads.words(rendered.text, rendered.blocks)


async def test_a_card_that_passed_is_looked_for_if_it_may_have_been_posted(room: Room) -> None:
    story = waiting_card()
    room.chat.lost_replies = 3
    await room.happens(story)
    for _ in range(2):
        await room.later(1000)
    assert len(room.chat.messages) == 3

    await room.happens(story.then(ev.StopRequested(user=CARA)))
    await room.later(1000)
    card = await room.message("card:c1")
    assert card.buttons == {}
    assert "stopped by" in card.words


async def test_a_card_that_passed_and_never_arrived_is_looked_for_once(room: Room) -> None:
    story = waiting_card()
    for entry in story.entries:
        await room.log.append(Write(THREAD, (entry.event,)))
    await room.log.mark_sent(THREAD, "card:c1", f"{POSTING} {START}")
    await room.happens(story.then(ev.StopRequested(user=CARA)))
    assert room.chat.calls.count(f"find {CHANNEL}") == 1

    await room.happens(story.then(ev.HumanSaid(user=CARA, text="so?")))
    assert room.chat.calls.count(f"find {CHANNEL}") == 1


# The pace.


def test_posts_to_one_channel_take_turns() -> None:
    line = Line(seconds_between=1)

    assert line.wait("a", 0) == 0
    assert line.wait("b", 0) == 1
    assert line.wait("c", 0) == 2
    assert line.wait("b", 1) == 0
    assert line.wait("c", 1) == 1


def test_who_is_more_urgent_is_next() -> None:
    line = Line(seconds_between=1)
    line.wait("first", 0)
    assert line.wait("over", 0, rank=1) == 1

    assert line.wait("urgent", 0.5) == 0.5
    assert line.wait("over", 1, rank=1) == 1
    assert line.wait("urgent", 1) == 0


def test_who_does_not_come_back_loses_the_place() -> None:
    line = Line(seconds_between=1)
    line.wait("first", 0)
    line.wait("gone", 0)
    line.wait("next", 0)

    assert line.wait("next", 1 + 2 * LATE_SECONDS) == 0


def test_who_leaves_keeps_nobody_waiting() -> None:
    line = Line(seconds_between=1)
    for who in ("first", "gone", "next"):
        line.wait(who, 0)
    line.leave("gone")
    line.leave("gone")

    assert line.wait("next", 0) == 1


def test_a_pause_keeps_the_order_and_begins_with_one() -> None:
    line = Line(seconds_between=1, at_once=5)
    line.pause(until=30)

    assert [line.wait(who, 0) for who in "ab"] == [30, 31]
    assert line.wait("a", 29) == 1
    assert line.wait("a", 30) == 0
    assert line.wait("b", 30) == 1


def test_edits_keep_something_back_for_what_is_urgent() -> None:
    line = Line(seconds_between=1, at_once=2, spare=1)

    assert line.wait("a", 0, rank=1) == 0
    assert line.wait("b", 0, rank=1) == 1
    assert line.wait("c", 0) == 0
    assert line.wait("d", 0) == 1


async def test_a_card_is_settled_when_there_is_no_edit_left_for_the_status(room: Room) -> None:
    story = waiting_card()
    await room.happens(story)
    room.sender = room.new_sender(edits_per_minute=1)

    await room.happens(story.approves())

    assert (await room.message("card:c1")).buttons == {}
    assert "waiting for approval" in (await room.message("status")).words


# Slack itself.


@asynccontextmanager
async def slack_that_answers(status: int, body: str, **headers: str) -> AsyncGenerator[SlackChat]:
    """Serve one answer to everything."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=status, text=body, content_type="application/json", headers=headers
        )

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield SlackChat("xoxb-test", f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, '{"ok": false, "error": "ratelimited"}', RateLimited),
        (200, '{"ok": false, "error": "message_not_found"}', MessageGone),
        (200, '{"ok": false, "error": "not_in_channel"}', ChatRefused),
        (200, '{"ok": false, "error": "internal_error"}', ChatUnavailable),
        (200, "[]", ChatUnavailable),
        (200, '["ok"]', ChatUnavailable),
        (403, '{"message": "a proxy in between"}', ChatUnavailable),
        (503, "<html>", ChatUnavailable),
        (429, "<html>", RateLimited),
    ],
)
async def test_slacks_errors_have_names(status: int, body: str, error: type[Exception]) -> None:
    async with slack_that_answers(status, body) as chat:
        with pytest.raises(error):
            await chat.update(CHANNEL, "1.2", "text", [])


@pytest.mark.parametrize(("said", "seconds"), [("17", 17), ("0", 1), ("soon", 1), ("-5", 1)])
async def test_slack_says_how_long_to_wait(said: str, seconds: int) -> None:
    body = '{"ok": false, "error": "ratelimited"}'
    async with slack_that_answers(429, body, **{"Retry-After": said}) as chat:
        with pytest.raises(RateLimited) as limit:
            await chat.post(CHANNEL, "text", [], None, "key")
        assert limit.value.retry_after == seconds


async def test_a_slack_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(ChatUnavailable):
        await SlackChat("xoxb-test", "http://127.0.0.1:9/api/").post(CHANNEL, "t", [], None, "k")


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.run(Workspace(request_url="http://127.0.0.1:9/slack/events")) as slack:
        yield slack


def local_sender(room: Room, slack: LocalSlack) -> SlackSender:
    chat = SlackChat(Workspace("").bot_token, slack.api_url)
    return SlackSender(
        room.log, chat, {REPO: repo_config()}, seconds_between_posts=0, edits_per_minute=0
    )


async def test_a_thread_in_a_real_slack_server(room: Room, slack: LocalSlack) -> None:
    room.sender = local_sender(room, slack)
    story = waiting_card()
    await room.happens(story)
    await room.happens(story.approves(BOB))

    status, _, card = await slack.messages(CHANNEL)
    assert card["thread_ts"] == status["ts"]
    assert "approved by <@U02BOB>" in str(card["blocks"])


async def test_a_slack_server_that_started_empty_gets_the_live_card(
    room: Room, slack: LocalSlack
) -> None:
    room.sender = local_sender(room, slack)
    await room.happens(waiting_card())
    await slack.reset()

    await room.sender.recheck(REPO)
    await room.settle()
    status, card = await slack.messages(CHANNEL)
    assert card["thread_ts"] == status["ts"]
    assert "Approve" in str(card["blocks"])


async def test_a_message_is_found_by_its_key_and_one_person_is_told(slack: LocalSlack) -> None:
    chat = SlackChat(Workspace("").bot_token, slack.api_url)
    block = {
        "type": "section",
        "block_id": "slot:abc:1",
        "text": {"type": "mrkdwn", "text": "hello"},
    }
    root = await chat.post(CHANNEL, "hello", [block], None, "abc")
    reply = await chat.post(CHANNEL, "hello", [block], root, "abc")

    assert await chat.find(CHANNEL, None, "abc") == root
    assert await chat.find(CHANNEL, root, "abc") == reply
    assert await chat.find(CHANNEL, root, "other") is None
    await chat.ephemeral(CHANNEL, CARA, "Only you see this.", root)
    assert (await slack.ephemerals(CHANNEL, CARA))[0]["text"] == "Only you see this."


async def test_a_client_without_dates_is_told_times_in_utc(slack: LocalSlack) -> None:
    chat = SlackChat(Workspace("").bot_token, slack.api_url, dates=False)
    await chat.ephemeral(CHANNEL, CARA, f"It expired {text.when(1_800_000_000_000)}.", None)
    told = await slack.ephemerals(CHANNEL, CARA)
    assert told[-1]["text"] == "It expired 2027-01-15 08:00 UTC."


async def test_a_client_without_dates_is_told_times_in_the_zone_of_its_channel(
    slack: LocalSlack,
) -> None:
    berlin = repo_config(zone=ZoneInfo("Europe/Berlin"))
    token, zones = Workspace("").bot_token, zones_of([berlin])
    chat = SlackChat(token, slack.api_url, dates=False, zones=zones)
    await chat.ephemeral(CHANNEL, CARA, f"It expired {text.when(1_800_000_000_000)}.", None)
    told = await slack.ephemerals(CHANNEL, CARA)
    assert told[-1]["text"] == "It expired 2027-01-15 09:00 Europe/Berlin."


def test_repositories_of_several_zones_in_one_channel_are_told_utc() -> None:
    berlin, london = (ZoneInfo(name) for name in ("Europe/Berlin", "Europe/London"))
    shared = [repo_config(zone=berlin), repo_config(zone=london)]
    assert zones_of(shared[:1]) == {CHANNEL: berlin}
    assert zones_of(shared) == {CHANNEL: UTC}


def test_what_a_notification_shows_of_a_time_is_in_the_zone_and_the_token_stays() -> None:
    told = text.in_zone(f"It expired {text.when(1_800_000_000_000)}.", ZoneInfo("Europe/Berlin"))
    assert told == (
        "It expired <!date^1800000000^{date_short_pretty} at {time}|"
        "2027-01-15 09:00 Europe/Berlin>."
    )
