"""Times at which something is to be asked, as a team plans them; knows no calendar itself."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Schedule(Protocol):
    """Moments that come again and again; times are in milliseconds since the epoch."""

    def last_start(self, now: int) -> int | None:
        """Return the newest moment that is not after now, None where there was none."""
        ...
