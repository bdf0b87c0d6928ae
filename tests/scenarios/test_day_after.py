"""The day after, in Slack: a question about the day while a card waits, and the way back."""

from pathlib import Path

from tests.scenarios.world import World, text, world


async def ships_all(w: World, title: str) -> str:
    """Merge, and deploy both services."""
    sha = await w.merge(title)
    for service in ("frontend", "backend"):
        await w.click("bob", await w.card(f"Deploy {service}"), "approve")
    await w.card(f"backend {sha[:7]}", "rollback")
    return sha


async def test_both_services_go_back_by_a_mention_with_an_answer_in_between(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        good = await ships_all(w, "Good change")
        bad = await ships_all(w, "Bad change")
        await w.mention("alice", "roll back")
        card = await w.card("Roll back backend and frontend")
        await w.reply("alice", card, "who approved the last one?")
        answer = await w.sees("Approved last:")
        assert "approved by bob" in text(answer)
        assert (await w.card("Roll back backend and frontend"))["ts"] == card["ts"]
        await w.click("bob", card, "approve")
        await w.sees("rolled back and tested")
        held = await w.sees("on hold: ")
        assert bad[:7] in text(held)
        assert w.effects()[-3:] == [
            f"production backend {good[:7]}",
            f"production frontend {good[:7]}",
            f"production e2e {good[:7]}",
        ]
