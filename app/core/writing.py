"""How sentences write versions, people and times; the marks of people and times are Slack's.

Slack shows names and the reader's own time zone only for its own marks, so the core writes those.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo

from app.core.instant import LAST

_DAY = 24 * 3600 * 1000


def short(sha: str | None) -> str:
    """Return a SHA as people write it."""
    return sha[:7] if sha else "unknown"


def mentions(users: Iterable[str]) -> str:
    """Name users and user groups so that Slack shows their names."""
    named = (f"<!subteam^{u}>" if u.startswith("S") else f"<@{u}>" for u in users)
    return ", ".join(named)


def listed(names: Sequence[str]) -> str:
    """Join names as people do: "a, b and c"."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])


def utc(ms: int) -> str:
    """Write a time in milliseconds for people, in UTC."""
    return _time(ms).strftime("%Y-%m-%d %H:%M UTC")


def local(ms: int, zone: tzinfo) -> str:
    """Write a time in milliseconds for people of a zone, with the zone's name."""
    return f"{_time(min(ms, LAST - _DAY)).astimezone(zone):%Y-%m-%d %H:%M} {zone}"


def exact_time(ms: int) -> str:
    """Write a time in UTC to the millisecond, as records have it."""
    return _time(ms).isoformat(" ", "milliseconds")[:23]


def when(ms: int) -> str:
    """Write a time so that everybody reads it in their own zone.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    return f"<!date^{ms // 1000}^{{date_short_pretty}} at {{time}}|{utc(ms)}>"


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(min(max(ms, 0), LAST) / 1000, UTC)
