"""In Slack a repository in shadow mode answers that it is; nothing reaches its threads."""

import pytest

from app.core import events as ev
from tests.adapters.slack_desk import BOT, CHANNEL, Desk
from tests.shop import BOB, repo_config
from tests.story import THREAD, Story

ANSWER = "acme/shop is in shadow mode: I only watch there, nothing is asked and nothing is done."
SHADOW = repo_config(mode="shadow")


@pytest.mark.parametrize("words", ["deploy the backend", "lock backend", "stop"])
async def test_a_mention_is_answered_and_begins_nothing(words: str) -> None:
    async with Desk.run(SHADOW) as desk:
        await desk.says(f"<@{BOT}> {words}")
        assert (await desk.whisper()).startswith(ANSWER)
        assert await desk.threads() == []


async def test_what_production_runs_is_answered_as_it_was_seen_last() -> None:
    async with Desk.run(SHADOW) as desk:
        await desk.says(f"<@{BOT}> what is on production?")
        assert await desk.whisper() == "acme/shop: I have not seen yet what production runs."
        old, new = (ev.ProductionSeen(versions={"backend": sha * 40}) for sha in "ab")
        await desk.tells(Story().merged().then(old, new))
        await desk.says(f"<@{BOT}> what's on prod", ts="2.3")
        told = await desk.whisper(2)
        assert told.startswith("On production of acme/shop:\n• backend `bbbbbbb` · seen <!date^")


@pytest.mark.parametrize("words", ["deploy what is on production", "why is it on production?"])
async def test_other_words_about_production_are_answered_by_the_mode(words: str) -> None:
    async with Desk.run(SHADOW) as desk:
        await desk.says(f"<@{BOT}> {words}")
        assert (await desk.whisper()).startswith(ANSWER)


async def test_neither_words_nor_clicks_nor_forms_reach_a_live_thread_from_before() -> None:
    async with Desk.run(SHADOW) as desk:
        await desk.tells(Story().merged().staged().asks())
        before = await desk.events_of()
        await desk.says("stop", thread_ts="1.1")
        await desk.clicks("approve", user=BOB)
        await desk.clicks("break_glass", user=BOB)
        assert (await desk.whisper(3)).startswith(ANSWER)
        assert all(said.startswith(ANSWER) for said in desk.whispers())
        assert await desk.events_of() == before


async def test_no_click_reaches_a_thread_that_began_in_shadow_mode() -> None:
    async with Desk.run(repo_config()) as desk:
        started = Story().merged().entries[0].event
        assert isinstance(started, ev.ThreadStarted)
        story = Story().then(started.model_copy(update={"shadow": True}))
        await desk.tells(story)
        await desk.clicks("stop", THREAD)
        assert await desk.whisper() == "I do not know this thread any more."
        assert len(await desk.events_of()) == 1


async def test_the_command_locks_nothing() -> None:
    async with Desk.run(SHADOW) as desk:
        assert (await desk.commands("lock backend")).startswith(ANSWER)
        assert (await desk.commands("status")).startswith(ANSWER)


async def test_a_live_repository_of_the_same_channel_is_meant() -> None:
    async with Desk.run(SHADOW, repo_config(name="acme/blog")) as desk:
        await desk.says(f"<@{BOT}> deploy the backend")
        [thread_id] = await desk.threads("acme/blog")
        assert thread_id.startswith("acme/blog/")
        await desk.commands("lock backend", CHANNEL)
        assert len(await desk.threads("acme/blog")) == 2
        assert await desk.threads() == []
