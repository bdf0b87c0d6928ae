"""The same deploy without a model: the offline planner reads the words."""

from pathlib import Path

from tests.scenarios.world import text, world


async def test_the_sixteen_steps_without_a_model(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge("Add gift cards")
        card = await w.card("frontend")
        await w.reject("cara", card, "can you deploy the backend first?")
        card = await w.card("Deploy backend")
        assert "plan 2" in text(card)
        assert "can you deploy the backend first?" in text(card)
        await w.click("cara", card, "approve")
        card = await w.card("Deploy frontend")
        await w.click("bob", card, "approve")
        await w.card("", "rollback")

        assert w.effects() == [
            f"staging frontend {sha[:7]}",
            f"staging backend {sha[:7]}",
            f"staging e2e {sha[:7]}",
            f"production backend {sha[:7]}",
            f"production frontend {sha[:7]}",
            f"production e2e {sha[:7]}",
        ]


async def test_only_one_service_is_deployed_when_people_say_so(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await w.reply("alice", card, "only the backend please")
        await w.click("bob", await w.card("Deploy backend"), "approve")
        await w.card("", "rollback")
        assert w.effects()[3:] == [f"production backend {sha[:7]}", f"production e2e {sha[:7]}"]
