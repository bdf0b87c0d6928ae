"""How fast Slack may be spoken to, and whose turn it is; knows neither threads nor messages.

Posts are limited for each channel, everything else for each method in a workspace: edits and
readings to 50 a minute. https://docs.slack.dev/apis/web-api/rate-limits
"""

from collections.abc import Callable
from dataclasses import dataclass, field

LATE_SECONDS = 0.25
_ROUNDING = 1e-6


@dataclass(slots=True)
class _Place:
    """A place in a line: whose rank is lower is first, then who asked first."""

    rank: int
    number: int
    at: float


@dataclass
class Line:
    """Give `at_once` turns, and one more every `seconds_between` (0: no limit).

    Who has to wait keeps a place, until `LATE_SECONDS` after the time they were told. The last
    `spare` turns are for rank 0. Times are seconds of one monotonic clock.
    """

    seconds_between: float
    at_once: int = 1
    spare: int = 0
    _left: float | None = None
    _at: float = 0
    _count: int = 0
    _places: dict[str, _Place] = field(default_factory=dict[str, _Place])

    def wait(self, who: str, now: float, rank: int = 0) -> float:
        """Take a turn and return 0, or return the seconds until there is one."""
        left = self._turns(now) - (self.spare if rank else 0)
        lacking = 1 + self._ahead(who, now, rank) - left
        paused = max(0.0, self._at - now)
        seconds = paused + max(0.0, lacking) * self.seconds_between
        if seconds > _ROUNDING:
            self._places[who].at = now + seconds
            return seconds
        del self._places[who]
        self._left = self._turns(now) - 1
        return 0

    def leave(self, who: str) -> None:
        """Give up a place, if there is one: those behind it need not wait for it."""
        self._places.pop(who, None)

    def pause(self, until: float) -> None:
        """Give no turn before then, and then start with one."""
        self._at, self._left = max(self._at, until), 1 + self.spare

    def _turns(self, now: float) -> float:
        left = self.at_once if self._left is None else self._left
        if now > self._at:
            passed = (now - self._at) / self.seconds_between if self.seconds_between else 1
            left, self._at = min(self.at_once, left + passed), now
        self._left = left
        return left

    def _ahead(self, who: str, now: float, rank: int) -> int:
        """Take or keep the place, and return how many are before it."""
        late = [n for n, p in self._places.items() if p.at + LATE_SECONDS < now and n != who]
        for name in late:
            del self._places[name]
        self._count += 1
        mine = self._places.setdefault(who, _Place(rank, self._count, now))
        mine.rank = rank
        return sum((p.rank, p.number) < (rank, mine.number) for p in self._places.values())


@dataclass
class Pace:
    """Every limit of one workspace."""

    edits: Line
    readings: Line
    new_channel: Callable[[], Line]
    _channels: dict[str, Line] = field(default_factory=dict[str, Line])

    @classmethod
    def of(cls, seconds_between_posts: float, calls_per_minute: float) -> "Pace":
        """Pace posts to each channel, and edits and readings by the minute (0: no limit)."""
        between = 60 / calls_per_minute if calls_per_minute else 0
        at_once = int(calls_per_minute) or 1
        return cls(
            # Where edits are scarce, a click's answer on its card must not wait for the status.
            edits=Line(between, at_once, spare=int(calls_per_minute * 0.3)),
            readings=Line(between, at_once),
            new_channel=lambda: Line(seconds_between_posts),
        )

    def posts(self, channel: str) -> Line:
        """Return the line of who wants to post to a channel."""
        return self._channels.setdefault(channel, self.new_channel())
