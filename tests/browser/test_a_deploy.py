"""One deploy as people see and do it: with a mouse and a keyboard, on the local Slack's page."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.browser.chromium import PROGRAM
from tests.browser.slack_page import CHANNEL, SlackPage, slack_page
from tests.scenarios.world import World, world

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason="no browser is installed: `make test` does it"
)
FRONTEND, BACKEND = "Deploy frontend to production", "Deploy backend to production"
CARD = ["Approve", "Reject", "Reject with feedback"]


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[tuple[World, SlackPage, str]]:
    """Merge a pull request, and open its thread on the page once staging is green."""
    async with world(folder) as w, slack_page(w.slack, folder / "browser") as slack:
        sha = (await w.merge())[:7]
        await slack.sees(f"Deploy {sha} · #1 Add gift cards", CHANNEL)
        await slack.sees("waiting for approval: deploy frontend to production", CHANNEL)
        await slack.open_thread(f"Deploy {sha}")
        yield w, slack, sha


async def test_a_deploy_from_the_merge_to_its_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as (w, slack, sha):
        staged = await slack.sees(f"Staging {sha}")
        assert "✅ frontend" in staged
        assert "✅ backend" in staged
        assert "✅ e2e tests" in staged
        assert await slack.buttons(FRONTEND) == CARD
        assert "May approve: @Bob Okafor and @Cara Mendes" in await slack.sees(FRONTEND)

        await slack.act_as("Cara Mendes")
        await slack.reply("can you deploy the backend first?")
        await slack.sees("superseded by @Cara Mendes's message")
        card = await slack.sees(f"{BACKEND} · plan 2")
        assert "@Cara Mendes wrote:\n“can you deploy the backend first?”" in card

        await slack.press("Approve", f"{BACKEND} · plan 2")
        assert "approved by @Cara Mendes" in await slack.sees("✅ Deploy backend to production")
        assert await slack.buttons("✅ Deploy backend to production") == []

        await slack.act_as("Bob Okafor")
        await slack.press("Approve", f"{FRONTEND} · plan 2")
        assert "approved by @Bob Okafor" in await slack.sees("✅ Deploy frontend to production")
        assert await slack.sees("production tests passed")
        assert await slack.buttons("production tests passed") == ["Roll back"]
        assert f"Deploy {sha} ·" in await slack.sees("✅ done and tested", CHANNEL)
        production = [line for line in w.effects() if line.startswith("production")]
        assert production == [f"production {what} {sha}" for what in ("backend", "frontend", "e2e")]


async def test_a_person_who_may_not_approve_is_told_and_one_rejects_with_words(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (_, slack, _sha):
        await slack.act_as("Alice Lindqvist")
        await slack.press("Approve", FRONTEND)
        told = await slack.sees("not an approver")
        assert "only visible to you" in told
        assert await slack.buttons(FRONTEND) == CARD

        await slack.act_as("Bob Okafor")
        await slack.press("Reject with feedback", FRONTEND)
        await slack.answer_modal("only the backend please", "Reject")
        assert "rejected by @Bob Okafor" in await slack.sees("🚫 Deploy frontend to production")
        assert "“only the backend please”" in await slack.sees(f"{BACKEND} · plan 2")
