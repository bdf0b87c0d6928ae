"""The days that people name, as spans of time in a repository's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

NAMED = ("today", "yesterday", "this week", "last week")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FORM = "today, yesterday, this week, last week, a weekday, or a date like 2026-12-31"


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to before `end`, in milliseconds; `named` is how a sentence names it."""

    named: str
    begin: int
    end: int


def span(words: str, zone: tzinfo, now: int) -> Span | None:
    """Return the time that words name, None if they name none; a weekday is the last such day."""
    name = " ".join(words.lower().removeprefix("on ").split())
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    days = {
        "today": (today, 1),
        "yesterday": (today - timedelta(days=1), 1),
        "this week": (monday, 7),
        "last week": (monday - timedelta(days=7), 7),
    }
    if name in WEEKDAYS:
        days[name] = (today - timedelta(days=(today.weekday() - WEEKDAYS.index(name)) % 7), 1)
        name_as_said = f"on {name.capitalize()}"
    else:
        name_as_said = name
    first, count = days.get(name) or (_date(name), 1)
    if first is None:
        return None
    until = first + timedelta(days=count)
    last = until - timedelta(days=1)
    told = f"{first:%a %d %b}" if count == 1 else f"{first:%a %d %b} to {last:%a %d %b}"
    named = f"{name_as_said} ({told}, {zone})" if name in days else f"on {told} {first.year}"
    return Span(named, _midnight(first, zone), _midnight(until, zone))


def _date(name: str) -> date | None:
    try:
        found = date.fromisoformat(name)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 9000 else None


def _midnight(day: date, zone: tzinfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
