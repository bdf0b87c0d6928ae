"""An ordinary day: twenty merges, two teams, one monorepo, one hotfix; written to docs/a-day.md."""

import os
from pathlib import Path

from app.redis.log import RedisLog
from tests.day.company import CORE, DEPLOYS
from tests.day.document import Asked, asked_of, document
from tests.day.office import Office, office

WRITTEN = Path(__file__).parents[2] / "docs" / "a-day.md"
FRONTEND, BACKEND = "Deploy frontend to production", "Deploy backend to production"

# What the day asks of people; a line that calls one more person one more time shows here.
ASKED = {
    "alice": Asked(clicks=1, mentions=9, notifications=9, cards=8, waited=1005),
    "bob": Asked(clicks=8, mentions=15, notifications=27, cards=4, waited=23),
    "cara": Asked(clicks=10, mentions=14, notifications=25, cards=1, waited=4),
    "dave": Asked(clicks=0, mentions=11, notifications=12, cards=8, waited=621),
    "erin": Asked(clicks=0, mentions=0, notifications=0, cards=0, waited=0),
    "finn": Asked(clicks=12, mentions=26, notifications=49, cards=1, waited=2),
    "grace": Asked(clicks=0, mentions=1, notifications=2, cards=0, waited=0),
}

# Green deploys about which nobody said anything: a card, and its end.
CALM = ("#101", "#102", "#105", "#109", "#110", "#111", "#113")


async def test_a_day(tmp_path: Path, redis_log: RedisLog, redis_url: str) -> None:
    async with office(tmp_path, redis_log, redis_url) as day:
        await morning(day)
        await noon(day)
        await afternoon(day)
        await evening(day)
        await night(day)
        await next_morning(day)
        text = document(day.diary)
        if os.environ.get("WRITE_A_DAY"):
            WRITTEN.write_text(text)
        for name, asked in ASKED.items():
            assert asked_of(day.diary, name) == asked, name
        assert all(day.diary.most_called(title) <= 2 for title in CALM)
        assert text == WRITTEN.read_text(), "another day: `make a-day` writes it down"


async def morning(day: Office) -> None:
    """Ordinary merges of both teams, a wish for another order, a flaky test, an outage of Slack."""
    await day.at("09:02")
    await day.merge(101, "Show gift cards in the basket", "alice", "web/basket.html")
    await day.at("09:04")
    await day.merge(102, "Answer faster on /orders", "dave", "api/orders.py")
    await day.at("09:10")
    await day.click("bob", FRONTEND, "Approve")
    await day.at("09:21")
    await day.click("cara", BACKEND, "Approve")

    await day.at("09:40")
    await day.merge(103, "Sort the search results", "alice", "web/search.html", "api/search.py")
    await day.at("09:48")
    await day.reply("cara", "#103 Sort", "can you deploy the frontend first?")
    await day.at("09:50")
    await day.click("bob", "#103 Sort", "Approve")
    await day.at("09:54")
    await day.click("cara", "#103 Sort", "Approve")

    await day.at("10:15")
    day.targets.turns_red("staging e2e", "checkout pays")
    await day.merge(104, "Larger buttons", "bob", "web/buttons.css", by="alice")
    await day.at("10:24")
    await day.click("bob", "staging failed", "Retry e2e")
    await day.at("10:31")
    await day.click("bob", FRONTEND, "Approve")
    await day.at("10:33")
    await day.click("finn", FRONTEND, "Approve")

    await day.at("11:05")
    await day.merge(105, "Keep a customer's language", "dave", "api/migrations/0042.sql")
    await day.at("11:10")
    day.chat.is_down = True
    await day.at("11:12")
    await day.approve("cara", "#105 Keep")
    await day.at("11:20")
    day.chat.is_down = False
    await day.at("11:30")
    await day.ask("finn", DEPLOYS, "what is on production?")


async def noon(day: Office) -> None:
    """A lock for lunch, and two merges meanwhile."""
    await day.at("12:00")
    await day.ask("cara", CORE, "lock backend until 13:00 because lunch")
    await day.at("12:08")
    await day.merge(106, "Log slow queries", "dave", "api/log.py")
    await day.at("12:14")
    await day.click("finn", BACKEND, "Approve")
    await day.at("12:20")
    await day.merge(107, "A shorter footer", "alice", "web/footer.html")
    await day.at("13:04")
    await day.click("cara", BACKEND, "Approve")
    await day.at("13:06")
    await day.click("bob", FRONTEND, "Approve")


async def afternoon(day: Office) -> None:
    """A question in the middle of an approval, a burst of merges, a bad one and its rollback."""
    await day.at("13:30")
    await day.merge(108, "Prices in euro", "bob", "web/prices.html")
    await day.at("13:38")
    await day.reply("finn", FRONTEND, "what are the last 3 commits?")
    await day.at("13:41")
    await day.click("finn", FRONTEND, "Approve")

    await day.at("14:00")
    await day.merge(109, "Index orders by day", "dave", "api/orders.py")
    await day.at("14:01")
    await day.merge(110, "Fewer queries for a basket", "cara", "api/basket.py")
    await day.at("14:02")
    await day.merge(111, "A page for returns", "alice", "web/returns.html")
    await day.at("14:08")
    await day.click("bob", "#111 A page", "Approve when staging is green")
    await day.at("14:27")
    await day.click("cara", "#109 Index orders by day", "Approve")
    await day.at("14:34")
    await day.click("finn", "#110 Fewer queries", "Approve")

    await day.at("15:00")
    day.targets.turns_red("production e2e", "orders are sorted")
    day.targets.turns_red("production e2e", "orders are sorted")
    await day.merge(112, "Sort orders in the database", "dave", "api/orders.py")
    await day.at("15:08")
    await day.click("cara", BACKEND, "Approve")
    await day.at("15:17")
    await day.click("cara", "Roll back backend in production", "Approve")
    await day.at("15:19")
    await day.click("finn", "Roll back backend in production", "Approve")
    await day.at("15:50")
    await day.merge(113, "Sort orders by their number, too", "dave", "api/orders.py")
    await day.at("16:00")
    await day.click("cara", BACKEND, "Release")
    await day.at("16:01")
    await day.click("cara", BACKEND, "Approve")

    await day.at("16:10")
    await day.merge(114, "Remember the last search", "alice", "web/search.html")
    await day.at("16:14")
    await day.reply("alice", "#114 Remember", "stop")
    await day.at("16:20")
    await day.merge(115, "Forget the last search after a day", "alice", "web/search.html")
    await day.at("16:24")
    await day.reply("alice", "#115 Forget", "stop")


async def evening(day: Office) -> None:
    """What was left behind, tests that are wrong, and what nobody answers before the freeze."""
    await day.at("16:58")
    await day.ask("finn", DEPLOYS, "what went out today?")
    await day.at("17:00")
    await day.settle()
    await day.at("17:02")
    await day.click("alice", "2 merges are not on production", "Deploy")
    await day.at("17:05")
    await day.click("bob", FRONTEND, "Approve")

    day.targets.turns_red("staging e2e", "the imprint is there")
    await day.at("17:10")
    await day.merge(116, "Typo in the imprint", "bob", "web/imprint.html", by="alice")
    await day.at("17:15")
    await day.click("finn", "staging failed", "Override")
    assert await day.submit("finn", "reason", "the test expects the typo") == {}
    await day.at("17:20")
    await day.click("finn", FRONTEND, "Reject with feedback")
    assert await day.submit("finn", "feedback", "wait 20 minutes") == {}
    await day.at("17:43")
    await day.click("finn", "#116 Typo", "Approve")
    await day.at("17:46")
    await day.merge(117, "Retry payments", "dave", "api/payments.py")
    await day.at("17:52")
    await day.merge(118, "Newer icons", "alice", "web/icons.svg")


async def night(day: Office) -> None:
    """A freeze since 18:00, and a hotfix in it."""
    await day.at("Tue 02:07")
    await day.merge(
        119, "Accept orders without a voucher", "finn", "api/vouchers.py", label="urgent"
    )
    await day.at("Tue 02:12")
    await day.click("finn", "#119 Accept", "Break glass")
    assert await day.submit("finn", "reason", "orders fail for everybody since 01:50") == {}


async def next_morning(day: Office) -> None:
    """What waited is looked at, the broken glass is reviewed, and nobody hears of a document."""
    await day.at("Tue 08:30")
    await day.merge(120, "Tell how to run the shop", "dave", "README.md")
    await day.at("Tue 09:05")
    await day.click("cara", "The glass was broken once", "Reviewed")
    await day.at("Tue 09:36")
    await day.click("bob", "#118 Newer icons", "Approve")
    await day.at("Tue 10:00")
