"""What was merged and left behind is asked about in Slack, once, and shipped by the question."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.scenarios.outside import later
from tests.scenarios.world import buttons, text, world

TITLE = "1 merge is not on production:"  # the merge, and not its own commit, too
AT_TEN = 'undeployed = { cron = "0 10 * * *" }'


def until_after_ten() -> float:
    """Return the seconds until a minute after the next ten o'clock."""
    now = datetime.now(UTC)
    ten = now.replace(hour=10, minute=1, second=0, microsecond=0)
    return (ten + timedelta(days=int(ten <= now)) - now).total_seconds()


async def test_what_was_left_on_staging_is_asked_about_and_shipped(tmp_path: Path) -> None:
    async with world(tmp_path, more=AT_TEN) as w:
        await w.merge("Good change")
        for service in ("frontend", "backend"):
            await w.click("bob", await w.card(f"Deploy {service}"), "approve")
        await w.sees("done and tested")
        sha = await w.merge("Forgotten change")
        await w.reply("alice", await w.card("Deploy frontend"), "stop")
        await w.sees("say `continue` to take it up")

        await later(w, until_after_ten())
        question = await w.card(TITLE, "deploy_undeployed")
        assert "thread_ts" not in question
        assert "Forgotten change" in text(question)
        asks = f"Deploy {sha[:7]}, the newest that passed staging, to frontend and backend?"
        assert asks in text(question).replace("`", "")

        await w.click("alice", question, "deploy_undeployed")
        card = await w.card("Deploy frontend")
        assert card["thread_ts"] == question["ts"]
        await w.click("bob", question, "not_now")
        await w.whisper("bob", "<@U01ALICE> asked for the deploy.")
        await w.click("bob", card, "approve")
        await w.click("bob", await w.card("Deploy backend"), "approve")
        await w.card(f"backend {sha[:7]}", "rollback")
        assert f"production backend {sha[:7]}" in w.effects()
        assert "deploy_undeployed" not in [b["action_id"] for b in buttons(await w.sees(TITLE))]
