"""Working time passes by the clock on the wall: over weekends, and where the clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import hours
from app.core.hours import HORIZON_DAYS, Hours
from app.core.instant import LAST

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Hours(frozenset(range(5)), 9 * 60, 18 * 60, BERLIN)
NIGHTS = Hours(frozenset(range(7)), 0, 24 * 60, BERLIN)
MINUTE, HOUR = 60_000, 3_600_000
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


def at(text: str, fold: int = 0, zone: ZoneInfo = BERLIN) -> int:
    """Return a time in a zone in milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-27 08:59", "2026-11-27 09:00"),
        ("2026-11-27 09:00", "2026-11-27 09:00"),
        ("2026-11-27 17:59", "2026-11-27 17:59"),
        ("2026-11-27 18:00", "2026-11-30 09:00"),
        ("2026-11-29 12:00", "2026-11-30 09:00"),
        ("2026-11-30 00:00", "2026-11-30 09:00"),
    ],
)
def test_it_opens_in_the_morning_of_the_next_working_day(now: str, opens: str) -> None:
    assert WEEK.opens(at(now)) == at(opens)
    assert WEEK.is_open(at(now)) == (now == opens)


@pytest.mark.parametrize(
    ("since", "minutes", "over"),
    [
        ("2026-11-26 10:00", 30, "2026-11-26 10:30"),
        ("2026-11-27 17:50", 30, "2026-11-30 09:20"),
        ("2026-11-27 17:30", 30, "2026-11-30 09:00"),  # its end is no working time
        ("2026-11-28 12:00", 30, "2026-11-30 09:30"),
        ("2026-11-28 12:00", 0, "2026-11-30 09:00"),
        ("2026-11-23 09:00", 5 * 9 * 60, "2026-11-30 09:00"),
        ("2026-03-27 17:00", 120, "2026-03-30 10:00"),  # the clocks go forward in between
        ("2026-10-23 17:00", 120, "2026-10-26 10:00"),  # and back
    ],
)
def test_working_time_passes_over_nights_and_weekends(since: str, minutes: int, over: str) -> None:
    assert WEEK.after(at(since), minutes * MINUTE) == at(over)


def test_a_day_has_23_or_25_hours_where_the_clocks_change() -> None:
    assert NIGHTS.after(at("2026-03-29 00:00"), 23 * HOUR) == at("2026-03-30 00:00")
    assert NIGHTS.after(at("2026-10-25 00:00"), 25 * HOUR) == at("2026-10-26 00:00")


def test_hours_that_begin_in_what_the_clocks_leave_out_begin_after_it() -> None:
    early = Hours(frozenset([6]), 2 * 60 + 30, 4 * 60, BERLIN)
    assert early.opens(at("2026-03-29 00:00")) == at("2026-03-29 03:30")
    left_out = Hours(frozenset([6]), 2 * 60, 2 * 60 + 30, BERLIN)
    assert left_out.after(at("2026-03-29 00:00"), 29 * MINUTE) == at("2026-03-29 03:29")


def test_an_hour_that_comes_twice_counts_twice() -> None:
    twice = Hours(frozenset([6]), 2 * 60, 3 * 60, BERLIN)
    began = at("2026-10-25 02:00")
    assert twice.after(began, 2 * HOUR - 1) == began + 2 * HOUR - 1
    assert twice.is_open(at("2026-10-25 02:30", fold=1))


def test_without_hours_all_time_counts() -> None:
    assert hours.is_open(None, 5)
    assert hours.opens(None, 5) == 5
    assert hours.after(None, 5, 7) == 12


def test_with_hours_only_they_count() -> None:
    saturday, monday = at("2026-11-28 12:00"), at("2026-11-30 09:00")
    assert not hours.is_open(WEEK, saturday)
    assert hours.opens(WEEK, saturday) == monday
    assert hours.after(WEEK, saturday, MINUTE) == monday + MINUTE


def test_what_takes_longer_than_anything_waits_never_ends() -> None:
    assert WEEK.after(at("2026-11-27 12:00"), HORIZON_DAYS * 24 * HOUR) == LAST


@pytest.mark.parametrize("now", [0, LAST, LAST - 24 * HOUR, LAST - 80 * 24 * HOUR])
def test_no_moment_is_too_early_or_too_late(now: int) -> None:
    assert WEEK.opens(now) >= now
    assert WEEK.after(now, HOUR) >= now


@st.composite
def some_hours(draw: st.DrawFn) -> Hours:
    """Draw an hour or more that begins and ends where no clocks are changed."""
    begin = draw(st.just(0) | st.integers(4 * 60, 22 * 60))
    end = draw(st.integers(max(begin, 4 * 60) + 60, 24 * 60))
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    return Hours(frozenset(days), begin, end, ZoneInfo(draw(st.sampled_from(ZONES))))


@settings(max_examples=60, deadline=None)
@given(
    some_hours(),
    st.integers(at("2026-01-01 00:00") // MINUTE, at("2026-12-31 00:00") // MINUTE),
    st.integers(0, 240),
)
def test_as_many_minutes_pass_as_a_clock_on_the_wall_shows(
    week: Hours, since: int, minutes: int
) -> None:
    over = week.after(since * MINUTE, minutes * MINUTE) // MINUTE
    passed = sum(_shows(week, minute) for minute in range(since, min(over, since + 12_000)))
    assert passed == minutes or over > since + 12_000
    assert _shows(week, over)
    assert over == since or minutes or not _shows(week, since)


def _shows(week: Hours, minute: int) -> bool:
    """Tell what somebody who looks at the clock on the wall would say."""
    wall = datetime.fromtimestamp(minute * 60, UTC).astimezone(week.zone)
    return wall.weekday() in week.days and week.begin <= wall.hour * 60 + wall.minute < week.end
