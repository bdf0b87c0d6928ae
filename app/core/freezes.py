"""Times in which production is left as it is, as a team plans them; knows no calendar itself."""

from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict


@runtime_checkable
class Calendar(Protocol):
    """When the windows of a freeze are; times are in milliseconds since the epoch."""

    def window(self, now: int) -> tuple[int, int] | None:
        """Return the beginning and the end of what is in force now, None where nothing is.

        Windows that meet or overlap are one. Where they never end, the end is one of many.
        """
        ...

    def next_start(self, now: int) -> int | None:
        """Return when the next window begins, None where none does."""
        ...


class Freeze(BaseModel):
    """Windows in which nothing is deployed, and why; rollbacks go through."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    calendar: Calendar
    reason: str
