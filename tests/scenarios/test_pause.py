"""A model that is away, turns in circles, or waits: the thread pauses, says so, and goes on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from app.core import events as ev
from tests.scenarios.outside import later, quiet, threads
from tests.scenarios.world import Json, World, buttons, text, world
from tests.scripted_openai import ScriptedOpenAI, call
from tests.waiting import until

RETRY_SECONDS = 61


@asynccontextmanager
async def waiting_card(folder: Path) -> AsyncGenerator[tuple[World, ScriptedOpenAI, str, Json]]:
    """Run a world in which the model proposed the frontend, and now answers 500."""
    async with ScriptedOpenAI() as openai, world(folder, openai) as w:
        openai.script.append(call("request_more_information", question="What now?", choices=[]))
        sha = await w.merge()
        question = await w.sees("What now?")
        openai.script.append(call("deploy_frontend_to_prod", sha=sha, reason="first"))
        await w.reply("alice", question, "the frontend")
        card = await w.card("Deploy frontend")
        await quiet(w)
        yield w, openai, sha, card


async def test_words_wait_for_a_model_that_is_away_and_the_thread_says_so(tmp_path: Path) -> None:
    async with waiting_card(tmp_path) as (w, _, sha, card):
        await w.reply("alice", card, "backend first")
        held = await w.card("the model does not answer", "release")
        assert held["ts"] == card["ts"]
        assert "approve" not in [button["action_id"] for button in buttons(held)]
        await w.sees("reading <@U01ALICE>'s message: the model does not answer")
        await w.click("bob", card, "approve")
        await w.whisper("bob", "The model is away")
        assert f"production frontend {sha[:7]}" not in w.effects()


async def test_an_approver_releases_the_held_card_and_it_goes_on_without_the_model(
    tmp_path: Path,
) -> None:
    async with waiting_card(tmp_path) as (w, _, sha, card):
        await w.reply("alice", card, "backend first")
        held = await w.card("the model does not answer", "release")
        await w.click("alice", held, "release")
        await w.whisper("alice", "not an approver")
        await w.click("bob", held, "release")
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        # No words wait any more, so the planner offers what is next.
        await w.card("Deploy backend")
        assert w.effects()[-1] == f"production frontend {sha[:7]}"


async def test_words_are_answered_when_the_model_is_back(tmp_path: Path) -> None:
    async with waiting_card(tmp_path) as (w, openai, sha, card):
        await w.reply("alice", card, "backend first?")
        await w.reply("cara", card, "no hurry")
        await w.card("the model does not answer", "release")
        openai.script.append(call("reply", message="The order does not matter."))
        await later(w, RETRY_SECONDS)
        await w.sees("The order does not matter.")
        await quiet(w)
        asked = str(openai.requests[-1]["messages"])
        assert "backend first?" in asked
        assert "no hurry" in asked
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        await until(lambda: w.effects()[-1] == f"production frontend {sha[:7]}")


async def test_words_to_a_running_deploy_wait_too(tmp_path: Path) -> None:
    async with waiting_card(tmp_path) as (w, openai, sha, card):
        await w.click("bob", card, "approve")
        await w.reply("alice", card, "and then?")
        await w.sees("the model does not answer")
        await quiet(w)
        assert w.effects()[-1] == f"production frontend {sha[:7]}"
        openai.script.append(call("done_for_now", message="That was all."))
        await later(w, RETRY_SECONDS)
        await w.sees("That was all.")


async def test_without_words_the_planner_offers_the_default_order(tmp_path: Path) -> None:
    async with ScriptedOpenAI() as openai, world(tmp_path, openai) as w:
        await w.merge()
        card = await w.card("Deploy frontend")
        assert "the model does not answer" not in text(card)
        assert len(openai.requests) == 2


async def test_the_thread_waits_through_a_restart(tmp_path: Path) -> None:
    async with waiting_card(tmp_path) as (w, openai, _, card):
        await w.reply("alice", card, "backend first?")
        await w.card("the model does not answer", "release")
        await w.stop()
        openai.script.append(call("reply", message="The order does not matter."))
        await later(w, RETRY_SECONDS)
        await w.start()
        await w.sees("The order does not matter.")


async def test_twenty_steps_without_a_person_end_in_a_question(tmp_path: Path) -> None:
    async with ScriptedOpenAI() as openai, world(tmp_path, openai) as w:
        openai.script += [call("list_git_commits", limit=5) for _ in range(30)]
        await w.merge()
        question = await w.sees("20 steps")
        await quiet(w)
        assert len(openai.requests) == 20
        openai.script[:] = [call("done_for_now", message="I stop here.")]
        await w.reply("alice", question, "stop turning in circles please")
        await w.sees("I stop here.")


async def test_a_wait_ends_by_itself(tmp_path: Path) -> None:
    async with ScriptedOpenAI() as openai, world(tmp_path, openai) as w:
        openai.script.append(call("wait_for", seconds=2, reason="the cache to fill"))
        openai.script.append(call("done_for_now", message="It is filled."))
        await w.merge()
        await w.sees("the cache to fill")
        await w.sees("It is filled.")
        [entries] = (await threads(w)).values()
        [started] = [e.event for e in entries if isinstance(e.event, ev.WaitStarted)]
        [ended] = [e.at for e in entries if e.event.type == "wait_ended"]
        assert ended >= started.until


async def test_words_end_a_wait(tmp_path: Path) -> None:
    async with ScriptedOpenAI() as openai, world(tmp_path, openai) as w:
        openai.script.append(call("wait_for", seconds=3600, reason="the cache to fill"))
        await w.merge()
        status = await w.sees("the cache to fill")
        openai.script.append(call("done_for_now", message="Not waiting any more."))
        await w.reply("alice", status, "it is filled already")
        await w.sees("Not waiting any more.")
