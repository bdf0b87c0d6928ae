"""The day's clock: it stands still until it is set, and the store's time stands with it."""

import time
from datetime import UTC, datetime

from app.redis.log import RedisLog
from tests.day.company import REPO

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


class Clock:
    """Milliseconds since the epoch, and as people say it."""

    def __init__(self, log: RedisLog) -> None:
        self._log = log
        self.now = int(MONDAY.timestamp() * 1000)

    async def pin(self) -> None:
        """Set the store's time to the day's: the little that passed meanwhile did not happen."""
        await self._log.set_offset(REPO, self.now - int(time.time() * 1000))

    async def set(self, ms: int) -> None:
        """Let it be a later time."""
        self.now = max(self.now, ms)
        await self.pin()

    def seconds(self) -> float:
        """Return the time in seconds, for who counts with a clock that only goes forward."""
        return self.now / 1000

    def at(self, said: str) -> int:
        """Return when "14:05" of the Monday is, or "Tue 02:10" of the day after it."""
        day, _, clock = said.rpartition(" ")
        hours, minutes = map(int, clock.split(":"))
        late = 24 if day == "Tue" else 0
        return int(MONDAY.timestamp() * 1000) + ((late + hours) * 60 + minutes) * 60_000


def told(ms: int) -> str:
    """Say a time of the day as `at` reads it."""
    then = datetime.fromtimestamp(ms / 1000, UTC)
    return then.strftime("%H:%M" if then.date() == MONDAY.date() else "%a %H:%M")
