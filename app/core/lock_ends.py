"""When a lock ends by itself: the times and the spans that locking words name."""

import re
from datetime import tzinfo

from app.core import duration
from app.core.errors import UserError
from app.core.inert import inline
from app.core.lock_form import FORM, NotOfTheForm
from app.core.times_of_day import meanings
from app.core.writing import when

LONGEST_DAYS = 366
_HOUR = r"\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m"
_CLOCK = rf"(?:tomorrow |\d{{4}}-\d{{2}}-\d{{2}} )?(?:{_HOUR}|noon)|midnight|tomorrow"
_UNTIL = r"(?:until|till?|'til)"
_SPAN = r"\d{1,7} ?(?:s|m|h|d|minutes?|mins?|hours?|hrs?|days?)"
_END = re.compile(rf"{_UNTIL} (?P<until>{_CLOCK})|for (?P<span>{_SPAN}|\S+)", re.IGNORECASE)
_AT_ITS_END = re.compile(rf"(?<!\S)(?:{_UNTIL} (?:{_CLOCK})|for {_SPAN})(?=[.!?]*$)", re.IGNORECASE)


def end(said: str, zone: tzinfo, now: int) -> int | None:
    """Return the end (ms) that words name, None for no words; raise `UserError` if they are none.

    "tomorrow" alone is 9:00, like Slack's own reminders: a lock should not end while all sleep.
    """
    if not said:
        return None
    match = _END.fullmatch(said)
    if match is None:
        raise NotOfTheForm
    span, clock = match["span"], match["until"]
    return _after(span, now) if span else _at(clock, zone, now)


def unread_end(reason: str) -> str:
    """Return the end that a reason names behind "because", where it ends nothing."""
    found = _AT_ITS_END.search(reason)
    return found[0] if found else ""


def _after(span: str, now: int) -> int:
    try:
        return now + duration.seconds(_short(span)) * 1000
    except ValueError:
        raise UserError(f"“{inline(span, 40)}” is no time to lock for. {FORM}") from None


def _short(span: str) -> str:
    """Write "2 hours" like "2h"; leave what is written otherwise."""
    match = re.fullmatch(r"(\d+) ?([a-z])[a-z]*", span.lower())
    return match[1] + match[2] if match else span.lower()


def _at(clock: str, zone: tzinfo, now: int) -> int:
    try:
        times = meanings(clock, zone, now)
    except ValueError:
        raise UserError(f"{clock} is no time. {FORM}") from None
    coming = [time for time in times if time > now]
    if not coming:
        written = f" ({when(times[0])})" if times[0] >= 0 else ""
        raise UserError(f"{clock} is over{written}. {FORM}")
    if coming[0] > now + LONGEST_DAYS * 24 * 3600 * 1000:
        raise UserError(f"{clock} is more than {LONGEST_DAYS} days away. {FORM}")
    return coming[0]
