"""When people are at work: mornings of working days, in a repository's zone."""

from datetime import UTC, datetime, time, timedelta, tzinfo

MORNING = time(9)
_SATURDAY = 5


def next_morning(ms: int, zone: tzinfo) -> int:
    """Return the first morning of a working day after a time; both in milliseconds."""
    after = datetime.fromtimestamp(ms / 1000, UTC)
    day = after.astimezone(zone).date()
    while True:
        morning = datetime.combine(day, MORNING, zone)
        if morning > after and day.weekday() < _SATURDAY:
            return round(morning.timestamp() * 1000)
        day += timedelta(days=1)
