"""How fast Slack may be spoken to; knows neither threads nor messages.

One message a second in a channel, 50 edits a minute: https://docs.slack.dev/apis/web-api/rate-limits
"""

from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Give out `size` tokens at once and `per_second` from then on; 0 per second: no limit."""

    size: float
    per_second: float
    _left: float | None = None
    _at: float = 0

    def wait(self, now: float, spare: float = 0) -> float:
        """Take a token and return 0, or return the seconds until one is there.

        With `spare`, that many tokens are left for what is more urgent.
        """
        if self.per_second == 0:
            return 0
        left = self.size if self._left is None else self._left
        left = min(self.size, left + (now - self._at) * self.per_second)
        self._left, self._at = left, now
        if left < 1 + spare:
            return (1 + spare - left) / self.per_second
        self._left = left - 1
        return 0


@dataclass
class Lane:
    """One channel's posts: each thread in it gets its own second, in the order of asking."""

    seconds_between: float
    _next: float = 0
    _turns: dict[str, float] = field(default_factory=dict[str, float])

    def wait(self, who: str, now: float) -> float:
        """Take the turn and return 0, or return the seconds until it comes."""
        if who not in self._turns:
            self._turns[who] = max(now, self._next)
            self._next = self._turns[who] + self.seconds_between
        wait = self._turns[who] - now
        if wait > 0:
            return wait
        del self._turns[who]
        return 0


@dataclass
class Pace:
    """Every limit of one workspace; times are seconds of one monotonic clock."""

    seconds_between_posts: float
    edits: Bucket
    _lanes: dict[str, Lane] = field(default_factory=dict[str, Lane])
    _blocked: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    def block(self, method: str, channel: str, until: float) -> None:
        """Leave a method alone in a channel, as Slack asked for."""
        self._blocked[method, channel] = until

    def wait_to_post(self, channel: str, thread_id: str, now: float) -> float:
        """Return 0 if a message may be posted now, else the seconds until it may."""
        blocked = self._blocked.get(("post", channel), 0) - now
        if blocked > 0:
            return blocked
        lane = self._lanes.setdefault(channel, Lane(self.seconds_between_posts))
        return lane.wait(thread_id, now)

    def wait_to_edit(self, channel: str, now: float, *, urgent: bool) -> float:
        """Return 0 if a message may be edited now, else the seconds until it may."""
        blocked = self._blocked.get(("edit", channel), 0) - now
        return blocked if blocked > 0 else self.edits.wait(now, 0 if urgent else 15)
