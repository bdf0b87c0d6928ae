"""Production turns red after a deploy: it is tested once more, then a rollback is proposed."""

from pathlib import Path

from tests.scenarios.world import World, text, world


async def ships_backend(w: World, title: str) -> str:
    """Merge, and deploy the backend alone."""
    sha = await w.merge(title)
    card = await w.card(f"{sha[:7]}")
    await w.reply("alice", card, "only the backend")
    await w.click("bob", await w.card("Deploy backend"), "approve")
    return sha


async def test_a_red_production_is_rolled_back_and_held(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        good = await ships_backend(w, "Good change")
        await w.card("", "rollback")
        w.turns_red("production-e2e", 2)
        bad = await ships_backend(w, "Bad change")
        card = await w.card("Roll back backend")
        await w.click("bob", card, "approve")
        await w.sees("rolled back and tested")
        held = await w.sees("on hold: backend")
        assert bad[:7] in text(held)

        assert w.effects()[-5:] == [
            f"production backend {bad[:7]}",
            f"production e2e {bad[:7]}",
            f"production e2e {bad[:7]}",
            f"production backend {good[:7]}",
            f"production e2e {good[:7]}",
        ]


async def test_after_a_rollback_a_newer_change_needs_the_hold_released(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await ships_backend(w, "Good change")
        await w.card("", "rollback")
        w.turns_red("production-e2e", 2)
        await ships_backend(w, "Bad change")
        await w.click("bob", await w.card("Roll back backend"), "approve")
        await w.sees("on hold")

        fix = await w.merge("Fix it")
        card = await w.card(f"{fix[:7]}")
        await w.reply("alice", card, "only the backend")
        held = await w.card("Deploy backend", "release")
        await w.click("alice", held, "release")
        await w.whisper("alice", "not an approver")
        await w.click("cara", held, "release")
        await w.click("bob", await w.card("Deploy backend"), "approve")
        await w.card(fix[:7], "rollback")
        assert w.effects()[-2:] == [f"production backend {fix[:7]}", f"production e2e {fix[:7]}"]
