"""Windows that begin by a cron expression, in a time zone; knows nothing of what they are for.

A window ends when the clock on the wall has moved on by its duration: one that lasts from Friday
evening to Monday morning does so in every week, also where the clocks change in between.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

FIELDS = 5
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_AROUND = re.compile(rf"({'|'.join(DAYS)})-({'|'.join(DAYS)})(?![/#])")
# An hour that comes twice hides a beginning from who looks back out of its second pass.
_TWICE_MS = 2 * 3600 * 1000
_JOINED = 100
_A_YEAR = timedelta(days=366)
_LOOKED_AT = 50_000  # a month of minutes


@dataclass(frozen=True, slots=True)
class Cron:
    """`Calendar` and `Schedule` of a checked expression; each window lasts `seconds`."""

    expression: str
    seconds: int
    zone: tzinfo

    def window(self, now: int) -> tuple[int, int] | None:
        """Return the window that is in force now, joined with those that it runs into."""
        started = self._started(now)
        begin = next(started, None)
        if begin is None or self._end(begin) <= now:
            return None
        end = self._end(begin)
        for earlier in islice(started, _JOINED):
            if self._end(earlier) < begin:
                break
            begin = earlier
        for later in islice(self._coming(now), _JOINED):
            if later > end:
                break
            end = self._end(later)
        return begin, end

    def next_start(self, now: int) -> int | None:
        """Return when the next window begins."""
        return next(self._coming(now), None)

    def last_start(self, now: int) -> int | None:
        """Return when the newest window began, also one that is over."""
        return next(self._started(now), None)

    def _started(self, now: int) -> Iterator[int]:
        """Return the beginnings up to now, newest first."""
        starts = map(_ms, CronSim(self.expression, self._local(now + _TWICE_MS), reverse=True))
        return (start for start in starts if start <= now)

    def _coming(self, now: int) -> Iterator[int]:
        """Return the beginnings after now, in order."""
        starts = map(_ms, CronSim(self.expression, self._local(now)))
        return (start for start in starts if start > now)

    def _end(self, start: int) -> int:
        began = self._local(start)
        return _ms((began + timedelta(seconds=self.seconds)).replace(fold=began.fold))

    def _local(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self.zone)


def problem(expression: str) -> str:
    """Say what is wrong with an expression, "" if nothing is."""
    if len(expression.split()) != FIELDS:
        return "not five fields: minute, hour, day of the month, month, day of the week"
    try:
        starts = CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
        return "" if next(starts, None) else "it never comes"
    except CronSimError as error:
        return f"its {str(error).removeprefix('Bad ')} does not exist"


def never_ends(expression: str, seconds: int) -> bool:
    """Tell whether each of an expression's windows runs into the next one, for a whole year."""
    begun = datetime(2000, 1, 1, tzinfo=UTC)
    starts = islice(CronSim(expression, begun), _LOOKED_AT)
    for start, following in pairwise(starts):
        if (following - start).total_seconds() > seconds:
            return False
        if following > begun + _A_YEAR:
            return True
    return True


def weekdays(days: str) -> frozenset[int]:
    """Return the days of each week that a field of cron's names, Monday being 0.

    Raise `ValueError` saying what is wrong with it.
    """
    field = _AROUND.sub(_spelt_out, days)
    if len(days.split()) != 1 or problem(f"0 0 * * {field}"):
        raise ValueError(f"{days!r}: no days like MON-FRI, or SUN,TUE")
    named = CronSim(f"0 0 * * {field}", datetime(2000, 1, 1, tzinfo=UTC)).weekdays
    if not all(isinstance(day, int) for day in named):
        raise ValueError(f"{days!r}: has to name days of each week, like MON-FRI")
    return frozenset((int(day) - 1) % 7 for day in named if isinstance(day, int))


def _spelt_out(range_: re.Match[str]) -> str:
    """List the days of a range that ends after Saturday, which cron has no range for."""
    first, last = (DAYS.index(day) for day in range_.groups())
    if first <= last:
        return range_[0]
    return ",".join((*DAYS[first:], *DAYS[: last + 1]))


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
