"""What a time that a person wrote can mean, by the clocks of a zone."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo

NAMED: Mapping[str, str] = {"midnight": "0:00", "tomorrow": "tomorrow 9:00"}
_FORM = re.compile(
    r"(?:(?P<tomorrow>tomorrow )|(?P<day>\d{4}-\d{2}-\d{2})[ t])?"
    r"(?P<hour>\d{1,2})(?:(?P<minute>:\d{2})|(?=[ap ])) ?(?P<half>[ap]m)?"
)


def meanings(clock: str, zone: tzinfo, now: int) -> list[int]:
    """Return the times (ms) that a clock can mean, the earliest first; raise `ValueError` if none.

    "15:00", "3pm", "noon" and "midnight" are today or tomorrow where no day is named ("tomorrow
    9:00", "2026-12-31 noon"), "tomorrow" alone is 9:00, and an hour can have two passes. A time
    that the clocks leave out is as long after midnight as it would be without.
    """
    clock = clock.lower()
    match = _FORM.fullmatch(NAMED.get(clock, clock).replace("noon", "12:00"))
    if match is None:
        raise ValueError(clock)
    hour, minute = _hour(match), int((match["minute"] or ":0")[1:])
    passes = [
        day.replace(hour=hour, minute=minute, second=0, microsecond=0)
        for day in _days(match, zone, now)
    ]
    found: list[int] = []
    for first in passes:
        at, again = (round(first.replace(fold=fold).timestamp() * 1000) for fold in (0, 1))
        found += [at, max(at, again)]
    return sorted(found)


def _hour(match: re.Match[str]) -> int:
    hour, half = int(match["hour"]), match["half"]
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(match[0])
    return hour % 12 + (12 if half == "pm" else 0)


def _days(match: re.Match[str], zone: tzinfo, now: int) -> list[datetime]:
    if match["day"]:
        return [datetime.strptime(match["day"], "%Y-%m-%d").replace(tzinfo=zone)]
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    tomorrow = today + timedelta(days=1)
    return [tomorrow] if match["tomorrow"] else [today, tomorrow]
