"""When a team works, and how its working time passes; times are in milliseconds since the epoch.

A day's hours are by the clock on the wall. A beginning in an hour that the clocks leave out is as
long after midnight as it would be without; of an hour that comes twice, both passes count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from app.core.instant import LAST

HORIZON_DAYS = 62  # no card lives longer than 30 days
_LAST_DAY = date(9999, 12, 30)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekdays (0 is Monday) and minutes after midnight, in a zone; `end` is not in it."""

    days: frozenset[int]
    begin: int
    end: int
    zone: tzinfo

    def is_open(self, now: int) -> bool:
        """Tell whether it is working time now."""
        return self.opens(now) == now

    def opens(self, now: int) -> int:
        """Return when working time begins next; now, if it is working time."""
        return next((begin for begin, _ in self._windows(now)), LAST)

    def after(self, since: int, span: int) -> int:
        """Return when so much working time has passed since then, always in working time.

        What is not over after `HORIZON_DAYS` is never over.
        """
        for begin, end in self._windows(since):
            if begin + span < end:
                return begin + span
            span -= end - begin
        return LAST

    def closes(self, since: int, until: int) -> int:
        """Return when the last working time of a span ends."""
        ends = (min(end, until) for begin, end in self._windows(since) if begin < until)
        return max(ends, default=until)

    def _windows(self, since: int) -> Iterator[tuple[int, int]]:
        """Return what is left of the windows after a time, in order; they do not overlap."""
        day = datetime.fromtimestamp(since / 1000, UTC).date() - timedelta(days=2)
        for _ in range(HORIZON_DAYS):
            if day >= _LAST_DAY:
                return
            begin, end = max(since, self._first(day)), self._last(day)
            if day.weekday() in self.days and begin < end:
                yield begin, end
                since = end
            day += timedelta(days=1)

    def _first(self, day: date) -> int:
        return self._at(day, self.begin, 0)

    def _last(self, day: date) -> int:
        return max(self._at(day, self.end, 0), self._at(day, self.end, 1))

    def _at(self, day: date, minutes: int, fold: int) -> int:
        days, rest = divmod(minutes, 24 * 60)
        there = day + timedelta(days=days)
        hour, minute = divmod(rest, 60)
        at = datetime(there.year, there.month, there.day, hour, minute, tzinfo=self.zone, fold=fold)
        return round(at.timestamp() * 1000)


def is_open(hours: Hours | None, now: int) -> bool:
    """Tell whether it is working time; without hours it always is."""
    return hours is None or hours.is_open(now)


def opens(hours: Hours | None, now: int) -> int:
    """Return when working time begins next; now, if it is working time."""
    return now if hours is None else hours.opens(now)


def after(hours: Hours | None, since: int, span: int) -> int:
    """Return when so much working time has passed since then."""
    return since + span if hours is None else hours.after(since, span)


def closes(hours: Hours | None, since: int, until: int) -> int:
    """Return when the last working time of a span ends."""
    return until if hours is None else hours.closes(since, until)
