"""What a green deploy of both teams' services asks of people: clicks, messages, notifications."""

from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from app.redis.log import RedisLog
from tests.day.company import NAMES
from tests.day.diary import BOT
from tests.day.office import Office, office

TITLE = "Show gift cards in the basket"
CARD = "Deploy backend and frontend to production"
AHEAD = "Approve when staging is green"
DEPLOYED = ["production backend", "production frontend", "production e2e"]


@pytest.fixture
async def day(tmp_path: Path, redis_log: RedisLog, redis_url: str) -> AsyncGenerator[Office]:
    async with office(tmp_path, redis_log, redis_url) as day:
        await day.at("09:02")
        await day.merge(101, TITLE, "alice", "web/basket.html", "api/basket.py")
        await day.at("09:03")
        yield day


def asked_of_people(day: Office) -> tuple[int, int, dict[str, int]]:
    """Count all clicks, the bot's messages in channels, and how often it notified each person."""
    in_channels = [post for post in day.diary.posts if post.author == BOT and post.root == post.ts]
    notified = {name: day.diary.notifications(name) for name in NAMES.values()}
    clicks = sum(day.diary.clicks.values())
    return clicks, len(in_channels), {name: count for name, count in notified.items() if count}


def production(day: Office) -> list[str]:
    """Return what was done to production, without its SHA."""
    done = [effect.rpartition(" ")[0] for effect in day.targets.effects]
    return [effect for effect in done if effect.startswith("production")]


async def test_a_green_deploy_is_one_click_of_who_approves_all_of_it(day: Office) -> None:
    await day.at("09:10")
    await day.click("finn", CARD, "Approve")
    await day.at("09:20")
    assert production(day) == DEPLOYED
    # Everybody who can approve is called by the card; it ends in a message for the author.
    assert asked_of_people(day) == (1, 1, {"alice": 1, "bob": 2, "cara": 2, "finn": 2})


async def test_approved_ahead_it_is_one_click_and_calls_the_author_alone(day: Office) -> None:
    await day.click("finn", TITLE, AHEAD)
    await day.at("09:20")
    assert production(day) == DEPLOYED
    assert asked_of_people(day) == (1, 1, {"alice": 1})
    began = min(day.targets.began.values())
    done = day.diary.posts[-1].at - began
    assert done < 10 * 60_000, "nobody was waited for"


async def test_two_teams_approve_ahead_with_a_click_each(day: Office) -> None:
    await day.click("cara", TITLE, AHEAD)
    await day.at("09:04")
    assert "⏳ frontend still needs 1 approval from @bob and @finn" in day.newest(CARD).text
    await day.click("bob", CARD, AHEAD)
    await day.at("09:20")
    assert production(day) == DEPLOYED
    clicks, messages, notified = asked_of_people(day)
    assert (clicks, messages) == (2, 1)
    assert notified == {"alice": 1, "bob": 2, "finn": 2}


async def test_a_red_staging_asks_its_author_and_nobody_else(day: Office) -> None:
    day.targets.turns_red("staging e2e", "checkout")
    await day.click("finn", TITLE, AHEAD)
    await day.at("09:20")
    assert production(day) == []
    assert asked_of_people(day) == (1, 1, {"alice": 1})
    assert "expired" in day.newest(CARD).edits[-1][1]
    assert Counter(day.diary.clicks) == {"finn": 1}
