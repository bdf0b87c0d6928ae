"""What a time that a person wrote can mean, by the clocks of a zone."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_FORM = re.compile(
    r"(?:(?P<tomorrow>tomorrow )|(?P<day>\d{4}-\d{2}-\d{2})[ t])?(?P<time>\d{1,2}:\d{2})"
)


def meanings(clock: str, zone: tzinfo, now: int) -> list[int]:
    """Return the times (ms) that a clock can mean, the earliest first; raise `ValueError` if none.

    That is today or tomorrow where no day is named, and an hour's two passes. A time that the
    clocks leave out is as long after midnight as it would be without.
    """
    match = _FORM.fullmatch(clock.lower())
    if match is None:
        raise ValueError(clock)
    hour, minute = map(int, match["time"].split(":"))
    passes = [
        day.replace(hour=hour, minute=minute, second=0, microsecond=0)
        for day in _days(match, zone, now)
    ]
    found: list[int] = []
    for first in passes:
        at, again = (round(first.replace(fold=fold).timestamp() * 1000) for fold in (0, 1))
        found += [at, max(at, again)]
    return sorted(found)


def _days(match: re.Match[str], zone: tzinfo, now: int) -> list[datetime]:
    if match["day"]:
        return [datetime.strptime(match["day"], "%Y-%m-%d").replace(tzinfo=zone)]
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    tomorrow = today + timedelta(days=1)
    return [tomorrow] if match["tomorrow"] else [today, tomorrow]
