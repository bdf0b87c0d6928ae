"""Which date and hour a day means that people name: Monday, tonight; by a team's zone and hours."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.core.config import RepoConfig
from app.core.days import WEEKDAYS
from app.core.hours import Hours

_SHORT = ("mon", "tues?", "wed", "thu(?:rs?)?", "fri", "sat", "sun")
WEEKDAY = f"(?:{'|'.join((*WEEKDAYS, *_SHORT))})"
_NAMED = re.compile(rf"(?P<day>{WEEKDAY})(?: (?P<hour>.+))?")
_EVENING = 18 * 60


@dataclass(frozen=True, slots=True)
class Dated:
    """A clock with its date, and how its hour was chosen: "" where the words name it."""

    clock: str
    chosen: str = ""


def dated(clock: str, repo: RepoConfig, now: int) -> Dated:
    """Give a named day its date, and its hour where none is said; leave other clocks as they are.

    A weekday is the next one, never today: who means today says the hour alone. It begins with
    its working hours, else at midnight. Tonight is 18:00, or when today's working hours end, if
    that is later: no lock should end while the team still works.
    """
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(repo.zone).date()
    if clock.lower() == "tonight":
        return _tonight(today, repo)
    named = _NAMED.fullmatch(clock.lower())
    if named is None:
        return Dated(clock)
    weekday = next(day for day in WEEKDAYS if day.startswith(named["day"][:3]))
    day = today + timedelta(days=(WEEKDAYS.index(weekday) - today.weekday() - 1) % 7 + 1)
    return Dated(f"{day} {named['hour']}") if named["hour"] else _opening(day, repo)


def _tonight(today: date, repo: RepoConfig) -> Dated:
    hours = _hours_on(today, repo)
    late = hours is not None and hours.end > _EVENING
    days, minutes = divmod(hours.end if hours and late else _EVENING, 24 * 60)
    chosen = f"tonight {_clock(minutes)} {repo.zone}{', when working hours end' if late else ''}"
    return Dated(f"{today + timedelta(days=days)} {_clock(minutes)}", chosen)


def _opening(day: date, repo: RepoConfig) -> Dated:
    hours = _hours_on(day, repo)
    begins, what = (_clock(hours.begin), "working hours begin") if hours else ("00:00", "it begins")
    return Dated(f"{day} {begins}", f"{day:%A} {begins} {repo.zone}, when {what}")


def _hours_on(day: date, repo: RepoConfig) -> Hours | None:
    return repo.hours if repo.hours and day.weekday() in repo.hours.days else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
