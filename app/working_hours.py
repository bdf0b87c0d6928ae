"""The keys that say when people are called: a team's hours, reminders and escalation."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app import cron
from app.core import duration
from app.core.hours import Hours

CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def _days(value: str) -> str:
    cron.weekdays(value)
    return value


def _clock(value: str) -> str:
    if not CLOCK.fullmatch(value):
        raise ValueError(f"{value!r}: no time like 09:00, up to 24:00")
    return value


class HoursTable(BaseModel):
    """When a team works; `days` as cron writes them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    days: Annotated[str, AfterValidator(_days)] = "MON-FRI"
    begin: Annotated[str, AfterValidator(_clock)] = Field(alias="from")
    to: Annotated[str, AfterValidator(_clock)]

    def parsed(self, zone: ZoneInfo) -> Hours:
        """Return the hours in a zone."""
        return Hours(cron.weekdays(self.days), _minutes(self.begin), _minutes(self.to), zone)


def out_of_order(
    hours: HoursTable | None, remind_after: str, escalate_to: list[str], escalate_after: str
) -> list[str]:
    """Return what does not fit together, by its key."""
    found: list[str] = []
    if hours and _minutes(hours.to) <= _minutes(hours.begin):
        found.append(f"hours.to: {hours.to!r} is not later than from, {hours.begin!r}")
    if escalate_to and duration.seconds(escalate_after) <= duration.seconds(remind_after):
        found.append(f"escalate_after: has to be longer than remind_after, {remind_after!r}")
    return found


def _minutes(clock: str) -> int:
    hour, minute = map(int, clock.split(":"))
    return 60 * hour + minute
