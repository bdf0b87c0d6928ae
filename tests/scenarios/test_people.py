"""What people do to a thread: ask, stop, click late, twice, or without being allowed to."""

import asyncio
from pathlib import Path

from tests.scenarios.world import buttons, text, world


async def test_a_question_in_the_middle_leaves_the_card_as_it_is(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.merge()
        card = await w.card("Deploy frontend")
        await w.reply("alice", card, "what is on production?")
        await w.sees("On production:")
        again = await w.card("Deploy frontend")
        assert again["ts"] == card["ts"]
        await w.click("bob", again, "approve")
        await w.card("Deploy backend")


async def test_stop_settles_the_card_and_nothing_new_starts(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await w.reply("alice", card, "stop")
        await w.sees("stopped")
        await w.click("bob", card, "approve")
        await w.whisper("bob", "stopped")
        assert w.effects()[-1] == f"staging e2e {sha[:7]}"
        await w.reply("alice", card, "continue")
        await w.card("Deploy frontend")


async def test_rejecting_without_words_asks_for_them(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.merge()
        await w.click("bob", await w.card("Deploy frontend"), "reject")
        question = await w.sees("What should I do instead?")
        await w.reply("bob", question, "deploy the backend")
        assert "plan 2" in text(await w.card("Deploy backend"))


async def test_every_click_is_answered(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await w.click("alice", card, "approve")
        await w.whisper("alice", "not an approver")
        await asyncio.gather(*[w.click("bob", card, "approve") for _ in range(5)])
        await w.whisper("bob", "approved")
        await w.click("cara", card, "reject")
        await w.whisper("cara", "approved")
        await w.card("Deploy backend")
        assert w.effects().count(f"production frontend {sha[:7]}") == 1


async def test_the_author_of_a_change_may_not_approve_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.merge(author="bob", by="alice")
        card = await w.card("Deploy frontend")
        await w.click("bob", card, "approve")
        await w.whisper("bob", "somebody else")
        await w.click("cara", card, "approve")
        await w.card("Deploy backend")


async def test_two_approvals_take_two_people(tmp_path: Path) -> None:
    async with world(tmp_path, more="approvals_needed = 2") as w:
        await w.merge()
        card = await w.card("Deploy frontend")
        await w.click("bob", card, "approve")
        card = await w.card("1 of 2")
        await w.click("bob", card, "approve")
        await w.whisper("bob", "already")
        await w.click("cara", card, "approve")
        await w.card("Deploy backend")


async def test_ship_it_is_no_approval(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await w.reply("bob", card, "ship it")
        await w.whisper("bob", "button")
        assert w.effects()[-1] == f"staging e2e {sha[:7]}"
        assert any(b["action_id"] == "approve" for b in buttons(await w.card("Deploy frontend")))


async def test_a_mention_starts_one_thread_and_is_answered(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.merge()
        await w.card("Deploy frontend")
        await w.mention("alice", "what is on production?")
        answer = await w.sees("On production:")
        told = [m for m in await w.messages() if "On production:" in text(m)]
        assert told == [answer]


async def test_a_mention_deploys_what_passed_staging_last(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await w.reply("alice", card, "stop")
        await w.sees("stopped")
        await w.mention("alice", "deploy backend")
        await w.click("bob", await w.card("Deploy backend"), "approve")
        await w.card("On production now: backend", "rollback")
        assert f"production backend {sha[:7]}" in w.effects()


async def test_a_red_staging_names_the_tests_and_can_be_retried(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.turns_red("staging-e2e", 1)
        sha = await w.merge()
        failed = await w.card("AssertionError: checkout answered 500", "retry_e2e")
        await w.click("alice", failed, "retry_e2e")
        await w.card("Deploy frontend")
        assert w.effects().count(f"staging e2e {sha[:7]}") == 2
        assert w.effects().count(f"staging backend {sha[:7]}") == 1
