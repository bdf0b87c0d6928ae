"""When a lock ends by itself: the times and the spans that locking words name."""

import re
from dataclasses import dataclass

from app.core import spans
from app.core.coming import WEEKDAY, dated
from app.core.config import RepoConfig
from app.core.errors import UserError
from app.core.inert import inline
from app.core.lock_form import FORM, NotOfTheForm
from app.core.times_of_day import meanings
from app.core.writing import when

LONGEST_DAYS = 366
_HOUR = r"\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m"
_DAY = rf"tomorrow|\d{{4}}-\d{{2}}-\d{{2}}|{WEEKDAY}"
_CLOCK = rf"(?:(?:{_DAY}) (?:at )?)?(?:{_HOUR}|noon)|midnight|tomorrow|tonight|{WEEKDAY}"
_UNTIL = r"(?:until|till?|'til)"
_SPAN = spans.SPAN
_END = re.compile(rf"{_UNTIL} (?P<until>{_CLOCK})|for (?P<span>{_SPAN}|\S+)", re.IGNORECASE)
_AT_ITS_END = re.compile(rf"(?<!\S)(?:{_UNTIL} (?:{_CLOCK})|for {_SPAN})(?=[.!?]*$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class End:
    """When a lock ends (ms, or never), and how code chose the hour where words left it open."""

    at: int | None = None
    chosen: str = ""


def end(said: str, repo: RepoConfig, now: int) -> End:
    """Return the end that words name; raise `UserError` if they name none.

    "tomorrow" alone is 9:00, like Slack's own reminders: a lock should not end while all sleep.
    """
    if not said:
        return End()
    match = _END.fullmatch(said)
    if match is None:
        raise NotOfTheForm
    span, clock = match["span"], match["until"]
    return End(_after(span, now)) if span else _at(clock, repo, now)


def unread_end(reason: str) -> str:
    """Return the end that a reason names behind "because", where it ends nothing."""
    found = _AT_ITS_END.search(reason)
    return found[0] if found else ""


def _after(span: str, now: int) -> int:
    try:
        return now + spans.milliseconds(span)
    except ValueError:
        raise UserError(f"“{inline(span, 40)}” is no time to lock for. {FORM}") from None


def _at(clock: str, repo: RepoConfig, now: int) -> End:
    meant = dated(re.sub(r" at ", " ", clock, flags=re.IGNORECASE), repo, now)
    try:
        times = meanings(meant.clock, repo.zone, now)
    except ValueError:
        raise UserError(f"{clock} is no time. {FORM}") from None
    coming = [time for time in times if time > now]
    if not coming:
        written = f" ({when(times[0])})" if times[0] >= 0 else ""
        raise UserError(f"{clock} is over{written}. {FORM}")
    if coming[0] > now + LONGEST_DAYS * 24 * 3600 * 1000:
        raise UserError(f"{clock} is more than {LONGEST_DAYS} days away. {FORM}")
    return End(coming[0], meant.chosen)
