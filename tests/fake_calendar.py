"""A calendar with one window, for tests that need a freeze at a time of their own."""

from dataclasses import dataclass

from app.core.freezes import Freeze

DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Window:
    """Is in force from `begin` on, before `end`."""

    begin: int
    end: int

    def window(self, now: int) -> tuple[int, int] | None:
        return (self.begin, self.end) if self.begin <= now < self.end else None

    def next_start(self, now: int) -> int | None:
        return self.begin if now < self.begin else None


def freeze(begin: int, end: int, reason: str = "weekend") -> Freeze:
    """Freeze a service from one time to another."""
    return Freeze(calendar=Window(begin, end), reason=reason)


@dataclass(frozen=True)
class Daily:
    """A schedule that comes at `first` and each day after it."""

    first: int

    def last_start(self, now: int) -> int | None:
        days = (now - self.first) // DAY_MS
        return self.first + days * DAY_MS if days >= 0 else None


class EachMinute:
    """A schedule that comes with every minute."""

    def last_start(self, now: int) -> int | None:
        return now - now % 60_000
