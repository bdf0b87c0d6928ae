"""Locking and unlocking by what people write and command in Slack; every refusal is answered."""

from collections.abc import AsyncGenerator
from zoneinfo import ZoneInfo

import pytest

from app.core import events as ev
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.locks import lock_on
from app.core.ports import Write
from app.slack.locking import LOCKED
from tests.adapters.slack_desk import BOT, CHANNEL, NOW, Desk
from tests.fakes import FakeLog
from tests.shop import ALICE, BOB, REPO, repo_config
from tests.story import THREAD, Story

MENTION = f"<@{BOT}>"
MENTIONED = thread_id_for(REPO, CHANNEL, "2.2")
BACKEND = ev.ServiceLocked(services=("backend",), user=ALICE)


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with Desk.run() as desk:
        yield desk


async def locked_by(desk: Desk, service: str = "backend", repo: str = REPO) -> str:
    """Return who has locked a service now."""
    lock = lock_on(await desk.log.facts(repo), service, await desk.log.now(repo))
    return lock.block.user if lock else ""


async def ended(desk: Desk) -> list[ev.Event]:
    """Return the ends of locks in the thread that was mentioned."""
    return [e for e in await desk.events_of(MENTIONED) if isinstance(e, ev.ServiceUnlocked)]


# By a mention.


async def test_a_mention_that_locks_begins_a_thread_without_words_for_the_model(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend for 2h because load &lt;test&gt;")
    started, locked = await desk.events_of(MENTIONED)
    assert isinstance(started, ev.ThreadStarted)
    assert (started.origin, started.asked_by, started.root_ts) == ("mention", ALICE, "2.2")
    until = NOW * 1000 + 2 * 3_600_000
    assert locked == BACKEND.model_copy(update={"reason": "load <test>", "until": until})
    assert await locked_by(desk) == ALICE
    assert desk.whispers() == []


@pytest.mark.parametrize(
    "words",
    [
        f"hey {MENTION}, could you please lock the backend until monday?",
        f"{MENTION} hey, can you lock backend until Monday, thanks",
        f"{MENTION} please lock backend until monday",
    ],
)
async def test_a_polite_mention_locks_and_says_which_hour_it_took(desk: Desk, words: str) -> None:
    await desk.says(words)
    assert await locked_by(desk) == ALICE
    locked = await desk.newest(MENTIONED)
    assert isinstance(locked, ev.ServiceLocked)
    assert locked.chosen == "Monday 00:00 UTC, when it begins"
    assert desk.whispers() == []


async def test_tonight_is_told_with_its_hour(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock both until tonight")
    locked = await desk.newest(MENTIONED)
    assert isinstance(locked, ev.ServiceLocked)
    assert (locked.services, locked.chosen) == (("frontend", "backend"), "tonight 18:00 UTC")


async def test_a_tonight_that_has_begun_is_refused() -> None:
    evening = 1_800_036_000
    async with Desk.run(log=FakeLog(start=evening * 1000)) as desk:
        await desk.says(f"{MENTION} lock both until tonight")
        assert (await desk.whisper()).startswith(f"tonight is over (<!date^{evening}^")
        assert await locked_by(desk) == ""


async def test_a_reply_in_that_thread_is_heard(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend")
    await desk.says("deploy the frontend", ts="2.3", thread_ts="2.2")
    assert await desk.newest(MENTIONED) == ev.HumanSaid(
        user=ALICE, text="deploy the frontend", ts="2.3"
    )


async def test_the_same_mention_again_locks_once(desk: Desk) -> None:
    event = {"type": "app_mention", "channel": CHANNEL, "user": ALICE, "ts": "2.2"}
    for number in (7, 7, 8):
        await desk.event({**event, "text": f"{MENTION} lock backend"}, f"Ev{number}")
    assert len(await desk.events_of(MENTIONED)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lock", "Say it like `lock backend until 15:00 because load test`"),
        ("lock backend tomorrow", "Say it like"),
        ("lock api", "I know no service “api” here. There are: backend, frontend, all."),
        ("unlock backend", "backend is not locked."),
        ("unlock all", "Nothing is locked."),
    ],
)
async def test_what_changes_nothing_is_answered_once_and_begins_no_thread(
    desk: Desk, words: str, said: str
) -> None:
    event = {"type": "app_mention", "channel": CHANNEL, "user": ALICE, "ts": "2.2"}
    for number in (7, 7, 8):
        await desk.event({**event, "text": f"{MENTION} {words}"}, f"Ev{number}")
    assert (await desk.whisper()).startswith(said)
    await desk.says(f"{MENTION} unlock frontend", ts="9.9")
    assert await desk.whisper(2) == "frontend is not locked."
    assert await desk.threads() == []


async def test_what_somebody_else_locked_stays_theirs(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend")
    await desk.says(f"{MENTION} lock backend", BOB, ts="3.3")
    assert (await desk.whisper()).startswith("backend is locked by <@U01ALICE> since <!date^")
    assert await locked_by(desk) == ALICE
    assert len(await desk.threads()) == 1


async def test_the_rest_of_everything_is_locked_and_what_is_not_is_told_once(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend")
    event = {"type": "app_mention", "channel": CHANNEL, "user": BOB, "ts": "3.3"}
    for number in (7, 7, 8):
        await desk.event({**event, "text": f"{MENTION} lock everything"}, f"Ev{number}")
    said = await desk.whisper()
    assert said.startswith("backend is locked by <@U01ALICE> since <!date^")
    assert said.endswith("I locked the rest: frontend.")
    assert (await locked_by(desk), await locked_by(desk, "frontend")) == (ALICE, BOB)
    assert len(desk.whispers()) == 1


async def test_an_end_in_the_reason_is_pointed_at(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend because load test until 15:00")
    assert await locked_by(desk) == ALICE
    assert (await desk.whisper()).startswith("No end is set: what stands behind “because” is")


async def test_an_own_lock_is_replaced(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend")
    await desk.says(f"{MENTION} lock backend for 1h", ts="3.3")
    lock = lock_on(await desk.log.facts(REPO), "backend", NOW * 1000)
    assert lock
    assert (lock.thread_id, lock.block.until) == (
        thread_id_for(REPO, CHANNEL, "3.3"),
        NOW * 1000 + 3_600_000,
    )


async def test_words_in_a_channel_that_serves_nothing_are_told_where_to_go(desk: Desk) -> None:
    event = {"type": "app_mention", "channel": "C09", "user": ALICE, "text": "lock backend"}
    await desk.event({**event, "ts": "2.2"})
    assert "I deploy nothing in this channel." in await desk.whisper()


async def test_words_without_a_mention_outside_a_thread_are_for_others(desk: Desk) -> None:
    await desk.says("lock backend")
    assert await desk.threads() == []
    assert desk.whispers() == []


# In a thread.


@pytest.fixture
async def waiting(desk: Desk) -> Desk:
    """Let a card wait in the Slack thread 1.1."""
    await desk.tells(Story().merged().staged().asks())
    return desk


async def test_a_reply_locks_in_its_thread_and_is_not_for_the_model(waiting: Desk) -> None:
    before = len(await waiting.events_of())
    await waiting.says("lock backend because load test", thread_ts="1.1")
    assert await waiting.newest() == BACKEND.model_copy(update={"reason": "load test"})
    assert len(await waiting.events_of()) == before + 1


async def test_a_mention_in_a_thread_is_one_lock(waiting: Desk) -> None:
    before = len(await waiting.events_of())
    await waiting.says(f"{MENTION} lock backend", thread_ts="1.1")
    assert len(await waiting.events_of()) == before + 1
    await waiting.says(f"{MENTION} unlock backend", ts="2.3", thread_ts="1.1")
    assert len(await waiting.events_of()) == before + 2
    assert waiting.whispers() == []


@pytest.mark.parametrize(
    "words",
    [
        "Lock contention in the backend breaks checkout, do NOT deploy this",
        "unlock it, it was only a drill",
        "<@U02BOB> unlock backend",
        "hey <@U02BOB>, can you lock backend?",
        "please don't unlock backend",
        "we should lock backend tomorrow",
        "is backend locked?",
    ],
)
async def test_a_reply_that_only_begins_so_is_said_to_the_thread(waiting: Desk, words: str) -> None:
    """It holds the card as any words do, and nothing is locked, unlocked or whispered."""
    await waiting.says(f"{MENTION} lock backend", ts="2.1")
    await waiting.says(words, thread_ts="1.1")
    assert await waiting.newest() == ev.HumanSaid(user=ALICE, text=words, ts="2.2")
    assert fold(await waiting.log.read(THREAD)).held_by == ALICE
    await waiting.clicks("approve")
    assert "I am reading" in await waiting.whisper()
    assert await locked_by(waiting) == ALICE
    assert len(waiting.whispers()) == 1


@pytest.mark.parametrize("words", ["lock backend tomorrow", "unlock"])
async def test_a_reply_that_is_nearly_of_the_form_is_said_and_answered_once(
    waiting: Desk, words: str
) -> None:
    await waiting.says(f"{MENTION} {words}", thread_ts="1.1")
    assert await waiting.newest() == ev.HumanSaid(user=ALICE, text=words, ts="2.2")
    assert (await waiting.whisper()).startswith("Say it like `lock backend until 15:00")
    assert len(waiting.whispers()) == 1


# Unlocking.


@pytest.fixture
async def locked(desk: Desk) -> Desk:
    """Let alice have locked the backend by a mention."""
    await desk.says(f"{MENTION} lock backend")
    return desk


async def test_who_locked_it_unlocks_it_in_its_thread_and_reads_it_there(locked: Desk) -> None:
    await locked.says("unlock backend", ts="2.3", thread_ts="2.2")
    assert await ended(locked) == [ev.ServiceUnlocked(services=("backend",), user=ALICE)]
    assert await locked_by(locked) == ""
    assert locked.whispers() == []
    assert locked.slack.count("users.info") == 0


async def test_an_approver_unlocks_from_elsewhere_and_is_told(locked: Desk) -> None:
    await locked.says(f"{MENTION} unlock backend", BOB, ts="3.3")
    assert await ended(locked) == [ev.ServiceUnlocked(services=("backend",), user=BOB)]
    assert await locked.whisper() == "🔓 backend is unlocked."
    assert len(await locked.threads()) == 1


async def test_others_do_not_unlock(locked: Desk) -> None:
    await locked.says(f"{MENTION} unlock backend", "U09DAVE", ts="3.3")
    assert "You are not an approver of backend." in await locked.whisper()
    assert await locked_by(locked) == ALICE


async def test_a_guest_who_is_on_the_list_does_not_unlock(locked: Desk) -> None:
    locked.slack.users[BOB] = {"is_restricted": True}
    await locked.says(f"{MENTION} unlock backend", BOB, ts="3.3")
    assert "Guests of this workspace cannot decide" in await locked.whisper()
    assert await locked_by(locked) == ALICE


async def test_nobody_else_unlocks_in_a_shared_channel(locked: Desk) -> None:
    locked.slack.channels[CHANNEL] = {"is_ext_shared": True}
    await locked.says(f"{MENTION} unlock backend", BOB, ts="3.3")
    assert "shared with other workspaces" in await locked.whisper()
    assert await locked_by(locked) == ALICE
    await locked.says(f"{MENTION} unlock backend", ts="4.4")
    assert await locked_by(locked) == ""


async def test_a_silent_slack_unlocks_nothing(locked: Desk) -> None:
    locked.slack.failing.add("users.info")
    await locked.says(f"{MENTION} unlock backend", BOB, ts="3.3")
    assert "I could not check you" in await locked.whisper()
    assert await locked_by(locked) == ALICE


async def test_locks_of_several_threads_are_ended_each_in_its_own(locked: Desk) -> None:
    await locked.says(f"{MENTION} lock frontend", "U09DAVE", ts="3.3")
    await locked.says(f"{MENTION} unlock all", BOB, ts="4.4")
    assert (await locked_by(locked), await locked_by(locked, "frontend")) == ("", "")
    other = thread_id_for(REPO, CHANNEL, "3.3")
    assert await locked.newest(other) == ev.ServiceUnlocked(services=("frontend",), user=BOB)
    assert await ended(locked) == [ev.ServiceUnlocked(services=("backend",), user=BOB)]
    assert await locked.whisper() == "🔓 frontend and backend are unlocked."


# By the command.


async def test_a_command_locks_in_a_thread_of_its_own(desk: Desk) -> None:
    assert await desk.commands("lock backend because surgery") == LOCKED
    [thread_id] = await desk.threads()
    started, locked = await desk.events_of(thread_id)
    assert isinstance(started, ev.ThreadStarted)
    assert (started.origin, started.root_ts, started.channel) == ("command", None, CHANNEL)
    assert locked == BACKEND.model_copy(update={"reason": "surgery"})


async def test_two_commands_are_two_threads(desk: Desk) -> None:
    await desk.commands("lock backend")
    await desk.commands("lock frontend")
    assert len(await desk.threads()) == 2


async def test_a_command_unlocks(desk: Desk) -> None:
    await desk.commands("lock backend")
    assert await desk.commands("Unlock backend, thanks") == "🔓 backend is unlocked."
    assert await locked_by(desk) == ""


async def test_a_command_that_locks_the_rest_says_so(desk: Desk) -> None:
    await desk.says(f"{MENTION} lock backend", BOB)
    said = await desk.commands("lock backend and frontend")
    assert said.startswith("backend is locked by <@U02BOB>")
    assert said.endswith("I locked the rest: frontend.")


async def test_a_command_is_answered_in_the_time_of_its_team() -> None:
    async with Desk.run(repo_config(zone=ZoneInfo("Europe/Berlin"))) as desk:
        await desk.says(f"{MENTION} lock backend until 15:00 because load test", BOB)
        for asked in ("lock backend", "locks", "status"):
            said = await desk.commands(asked)
            assert "since <!date^1800000000^" in said
            assert "|2027-01-15 09:00 Europe/Berlin> until <!date^" in said
            assert "|2027-01-15 15:00 Europe/Berlin>: load test" in said
        over = await desk.commands("lock frontend until 2027-01-15 08:30")
        assert "is over (<!date^1799998200^" in over
        assert "UTC" not in over


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock", "Say it like"),
        ("lock api", "I know no service “api” here."),
        ("unlock backend", "backend is not locked."),
    ],
)
async def test_a_command_that_changes_nothing_is_answered(desk: Desk, text: str, said: str) -> None:
    assert (await desk.commands(text)).startswith(said)
    assert await desk.threads() == []


async def test_a_command_in_a_channel_that_serves_nothing(desk: Desk) -> None:
    assert "I deploy nothing in this channel." in await desk.commands("lock backend", "C09")


async def test_the_status_lists_what_is_locked(desk: Desk) -> None:
    await desk.commands("lock backend because &lt;why&gt;")
    [line] = (await desk.commands("status")).splitlines()
    assert line.startswith("• 🔒 acme/shop: backend is locked by <@U01ALICE> since <!date^")
    assert line.endswith(": &lt;why&gt;")


# Several repositories in a channel.


async def test_the_words_choose_the_repository() -> None:
    shop, blog = repo_config(), repo_config(name="acme/blog")
    async with Desk.run(shop, blog) as desk:
        await desk.says(f"{MENTION} lock backend")
        assert (await desk.whisper()).startswith("That can mean acme/shop and acme/blog.")
        await desk.says(f"{MENTION} lock acme/blog backend", ts="3.3")
        assert await locked_by(desk, repo="acme/blog") == ALICE
        assert await locked_by(desk) == ""


async def test_a_thread_is_of_one_repository() -> None:
    shop, blog = repo_config(), repo_config(name="acme/blog")
    async with Desk.run(shop, blog) as desk:
        await desk.tells(Story().merged())
        await desk.says("lock backend", thread_ts="1.1")
        assert await desk.newest(THREAD) == BACKEND


async def test_a_lock_that_was_broken_by_hand_is_refused_to_others_and_ended_by_an_approver(
    desk: Desk,
) -> None:
    await desk.log.append(Write(THREAD, [], facts={"lock/backend": "null"}, silent=True))
    await desk.says(f"{MENTION} lock backend")
    assert (await desk.whisper()).startswith("backend is locked by somebody: its record cannot")
    await desk.says(f"{MENTION} unlock backend", ts="3.3")
    assert "You are not an approver of backend." in await desk.whisper(2)
    await desk.says(f"{MENTION} unlock backend", BOB, ts="4.4")
    assert await desk.whisper(3) == "🔓 backend is unlocked."
    assert await desk.log.facts(REPO) == {}


@pytest.mark.parametrize("asked", ["locks", "what is locked?"])
async def test_the_command_lists_locks_alone(desk: Desk, asked: str) -> None:
    await desk.tells(Story().merged().staged().asks())
    await desk.commands("lock backend because surgery")
    [line] = (await desk.commands(asked)).splitlines()
    assert line.startswith("• 🔒 acme/shop: backend is locked by <@U01ALICE> since <!date^")
    assert line.endswith(": surgery")
