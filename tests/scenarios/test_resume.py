"""The service goes down at a pause and comes up again: the thread goes on."""

from pathlib import Path

from tests.scenarios.world import world


async def test_an_old_card_works_after_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await w.stop()
        await w.start()
        await w.click("bob", card, "approve")
        await w.card("Deploy backend")
        assert w.effects()[-1] == f"production frontend {sha[:7]}"


async def test_cards_are_posted_again_in_a_slack_that_forgot_everything(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        await w.card("Deploy frontend")
        await w.stop()
        await w.slack.reset()
        await w.start()
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        await w.card("Deploy backend")
        assert w.effects()[-1] == f"production frontend {sha[:7]}"
