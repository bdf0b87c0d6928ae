"""A person locks a service for everybody to see: nothing ships before it is unlocked."""

from pathlib import Path

from app.demo.local_slack import BOB
from tests.scenarios.world import CHANNEL, buttons, text, world
from tests.waiting import until


async def test_what_is_locked_ships_after_it_is_unlocked(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        mention = await w.mention("alice", "lock frontend for 2h because load test")
        placed = await w.sees("*frontend* is locked by")
        assert placed["thread_ts"] == mention
        assert "load test" in text(placed)
        assert buttons(placed) == []

        sha = await w.merge()
        card = await w.card("Deploy frontend")
        assert "🔒 frontend is locked by alice since" in text(card)
        await w.reply("bob", card, "why is it blocked?")
        await w.sees("frontend: locked by alice since")
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        await w.whisper("bob", "Nothing begins on it meanwhile, also no rollback.")
        assert w.effects()[-1] == f"staging e2e {sha[:7]}"

        await w.reply("alice", placed, "unlock frontend")
        assert (await w.sees("*frontend* is unlocked by"))["thread_ts"] == mention

        async def called() -> bool:
            card = text(await w.card("Deploy frontend"))
            return "is locked" not in card and f"<@{BOB.id}>" in card

        await until(called)
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        await w.card("Deploy backend")
        assert f"production frontend {sha[:7]}" in w.effects()

        await w.slack.command(CHANNEL, BOB.id, "/deploybot", "lock all because surgery")
        told = await w.sees("*frontend* and *backend* are locked by")
        assert "thread_ts" not in told
        assert "surgery" in text(told)
        assert "🔒 backend is locked by bob" in text(await w.card("🔒 backend is locked by bob"))
