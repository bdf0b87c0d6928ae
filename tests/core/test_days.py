"""The days that people name: each in the repository's zone, also where a day has no 24 hours."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.core.days import Span, span

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


NOW = at("2026-11-25T00:30")  # a Wednesday there, still Tuesday in UTC


@pytest.mark.parametrize(
    ("words", "named", "begin", "end"),
    [
        ("today", "today (Wed 25 Nov, Europe/Berlin)", "2026-11-25", "2026-11-26"),
        ("Yesterday", "yesterday (Tue 24 Nov, Europe/Berlin)", "2026-11-24", "2026-11-25"),
        (
            "this  week",
            "this week (Mon 23 Nov to Sun 29 Nov, Europe/Berlin)",
            "2026-11-23",
            "2026-11-30",
        ),
        (
            "last week",
            "last week (Mon 16 Nov to Sun 22 Nov, Europe/Berlin)",
            "2026-11-16",
            "2026-11-23",
        ),
        ("on Monday", "on Monday (Mon 23 Nov, Europe/Berlin)", "2026-11-23", "2026-11-24"),
        ("friday", "on Friday (Fri 20 Nov, Europe/Berlin)", "2026-11-20", "2026-11-21"),
        ("wednesday", "on Wednesday (Wed 25 Nov, Europe/Berlin)", "2026-11-25", "2026-11-26"),
        ("2026-10-25", "on Sun 25 Oct 2026", "2026-10-25", "2026-10-26"),
    ],
)
def test_a_day_is_the_zones_own(words: str, named: str, begin: str, end: str) -> None:
    assert span(words, BERLIN, NOW) == Span(named, at(begin), at(end))


def test_a_day_has_as_many_hours_as_the_clocks_give_it() -> None:
    changed = span("2026-10-25", BERLIN, NOW)
    assert changed is not None
    assert changed.end - changed.begin == 25 * 3600 * 1000


def test_today_in_utc_is_another_day() -> None:
    found = span("today", UTC, NOW)
    assert found is not None
    assert found.named == "today (Tue 24 Nov, UTC)"


@pytest.mark.parametrize("words", ["", "someday", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_none(words: str) -> None:
    assert span(words, BERLIN, NOW) is None
