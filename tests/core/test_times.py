"""How times are written, also where a number is no time."""

from datetime import UTC

import pytest

from app.core.times_of_day import meanings
from app.core.writing import exact_time, utc, when
from tests.story import START


def test_a_time_for_people() -> None:
    assert utc(START) == "2027-01-15 08:00 UTC"


def test_a_time_for_records() -> None:
    assert exact_time(START + 7) == "2027-01-15 08:00:00.007"


def test_a_time_in_the_readers_own_zone() -> None:
    assert when(START) == "<!date^1800000000^{date_short_pretty} at {time}|2027-01-15 08:00 UTC>"


@pytest.mark.parametrize(("ms", "year"), [(-1, "1970"), (10**30, "9999")])
def test_a_number_that_is_no_time_is_written_all_the_same(ms: int, year: str) -> None:
    assert utc(ms).startswith(year)


@pytest.mark.parametrize(
    "clock",
    [
        "night",
        "afternoon",
        "tomorrow midnight",
        "25:00",
        "9",
        "0pm",
        "13:00 pm",
        "3 p",
        "9:",
        "yesterday 9:00",
        "2027-13-01 9:00",
    ],
)
def test_what_is_no_clock_means_no_time(clock: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        meanings(clock, UTC, START)


@pytest.mark.parametrize(
    ("clock", "hour", "minute"),
    [
        *(("3pm", 15, 0), ("3:30 PM", 15, 30), ("12am", 0, 0), ("12 pm", 12, 0), ("9:05am", 9, 5)),
        *(("Noon", 12, 0), ("midnight", 0, 0)),
    ],
)
def test_a_clock_of_twelve_hours_is_one_of_twenty_four(clock: str, hour: int, minute: int) -> None:
    assert meanings(clock, UTC, START) == meanings(f"{hour}:{minute:02}", UTC, START)
