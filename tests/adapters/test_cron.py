"""When a freeze is in force: by its expression and zone, also where the clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.cron import Cron, never_ends, problem

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600
WEEKEND = Cron("0 16 * * FRI", 64 * HOUR, BERLIN)


def at(text: str, fold: int = 0) -> int:
    """Return a time in Berlin in milliseconds; the second pass of an hour has fold 1."""
    local = datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)
    return round(local.timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "frozen"),
    [
        ("2026-11-20 15:59", False),
        ("2026-11-20 16:00", True),
        ("2026-11-22 03:00", True),
        ("2026-11-23 07:59", True),
        ("2026-11-23 08:00", False),
        ("2026-11-25 12:00", False),
    ],
)
def test_a_weekend_is_frozen_from_its_first_minute_to_its_last(now: str, frozen: bool) -> None:
    window = WEEKEND.window(at(now))
    assert window == ((at("2026-11-20 16:00"), at("2026-11-23 08:00")) if frozen else None)


@pytest.mark.parametrize(
    ("friday", "monday"),
    [
        ("2026-03-27 16:00", "2026-03-30 08:00"),  # 63 hours: the clocks go forward
        ("2026-10-23 16:00", "2026-10-26 08:00"),  # 65 hours: the clocks go back
    ],
)
def test_a_weekend_ends_at_the_same_time_where_the_clocks_change(friday: str, monday: str) -> None:
    begin, end = at(friday), at(monday)
    assert WEEKEND.window(begin) == (begin, end)
    assert WEEKEND.window(end - 1) == (begin, end)
    assert WEEKEND.window(end) is None
    assert WEEKEND.window(begin - 1) is None
    assert WEEKEND.next_start(begin - 1) == begin


def test_what_begins_in_an_hour_that_is_left_out_begins_after_it() -> None:
    night = Cron("30 2 * * *", HOUR, BERLIN)
    began = at("2026-03-29 03:00")
    assert night.window(began - 1) is None
    assert night.window(began) == (began, at("2026-03-29 04:00"))


def test_what_begins_in_an_hour_that_comes_twice_begins_once() -> None:
    night = Cron("15 2 * * *", 2 * HOUR, BERLIN)
    began, ended = at("2026-10-25 02:15"), at("2026-10-25 04:15")
    assert ended - began == 3 * HOUR * 1000
    for inside in (began, at("2026-10-25 02:10", fold=1), at("2026-10-25 02:20", fold=1)):
        assert night.window(inside) == (began, ended)
    assert night.window(began - 1) is None
    assert night.next_start(at("2026-10-25 02:10", fold=1)) == at("2026-10-26 02:15")


def test_what_begins_each_hour_begins_in_both_passes() -> None:
    hourly = Cron("30 * * * *", 600, BERLIN)
    for fold in (0, 1):
        began = at("2026-10-25 02:30", fold)
        assert hourly.window(began + 1) == (began, began + 600_000)
        assert hourly.window(began + 600_000) is None


def test_windows_that_meet_are_one() -> None:
    days = Cron("0 0 * * SAT,SUN", 24 * HOUR, BERLIN)
    weekend = (at("2026-11-21 00:00"), at("2026-11-23 00:00"))
    assert days.window(at("2026-11-21 12:00")) == weekend
    assert days.window(at("2026-11-22 12:00")) == weekend


def test_a_freeze_without_an_end_ends_far_away() -> None:
    always = Cron("0 0 * * *", 24 * HOUR, BERLIN)
    now = at("2026-11-20 12:00")
    window = always.window(now)
    assert window
    assert window[1] > now + 90 * 24 * HOUR * 1000


def test_the_next_start_is_after_now() -> None:
    assert WEEKEND.next_start(at("2026-11-20 16:00")) == at("2026-11-27 16:00")


def test_a_day_that_is_rare_is_found() -> None:
    leap = Cron("0 0 29 2 *", 24 * HOUR, BERLIN)
    assert leap.next_start(at("2026-11-20 00:00")) == at("2028-02-29 00:00")
    assert leap.window(at("2024-02-29 12:00"))


@pytest.mark.parametrize(
    "expression", ["0 16 * * FRI", "*/5 8-18 * * 1-5", "0 0 24-31 12 *", "0 0 L * *", "0 9 * * 1#1"]
)
def test_what_cron_knows_is_accepted(expression: str) -> None:
    assert problem(expression) == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "not five fields"),
        ("friday", "not five fields"),
        ("0 0 16 * * FRI", "not five fields"),
        ("60 16 * * *", "its minute does not exist"),
        ("0 24 * * *", "its hour does not exist"),
        ("0 0 32 * *", "its day-of-month does not exist"),
        ("0 0 * 13 *", "its month does not exist"),
        ("0 0 * * FREITAG", "its day-of-week does not exist"),
        ("0 0 30 2 *", "its day-of-month does not exist"),
        ("*/0 * * * *", "its minute does not exist"),
        ("0 18-8 * * *", "its hour does not exist"),
        ("@daily * * * *", "its minute does not exist"),
    ],
)
def test_what_is_no_time_is_refused_with_a_reason(expression: str, why: str) -> None:
    assert problem(expression).startswith(why)


@pytest.mark.parametrize(
    ("expression", "hours", "endless"),
    [
        ("0 16 * * *", 64, True),
        ("0 16 * * *", 24, True),
        ("0 16 * * *", 23, False),
        ("0 16 * * FRI", 64, False),
        ("0 16 * * MON,TUE", 64, False),
        ("0 0 29 2 *", 64, False),
        ("0 * 20-31 12 *", 1, False),
        ("*/10 * * * SAT", 1, False),
        ("0 0 * 6-9 *", 24, False),
        ("0 * * * *", 1, True),
    ],
)
def test_a_window_that_runs_into_the_next_never_ends(
    expression: str, hours: int, endless: bool
) -> None:
    assert never_ends(expression, hours * 3600) is endless
