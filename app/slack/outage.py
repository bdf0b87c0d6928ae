"""Whether Slack answers at all; knows nothing of what it is asked.

Once several calls in a row had no answer, one failure lets all calls rest for a moment, so that
nobody sleeps longer than that past Slack's return.
"""

import logging
from dataclasses import dataclass

logger = logging.getLogger(__name__)

FAILURES = 3
REST_SECONDS = 2.0


@dataclass
class Outage:
    """Counts calls without an answer; times are seconds of one monotonic clock."""

    _failures: int = 0
    _began: float = 0
    _rests_until: float = 0

    @property
    def is_on(self) -> bool:
        """Tell whether Slack seems to be gone."""
        return self._failures >= FAILURES

    def rests(self, now: float) -> bool:
        """Tell whether nothing is to be sent now."""
        return self.is_on and now < self._rests_until

    def no_answer(self, now: float) -> None:
        """Note that a call had no answer."""
        if not self._failures:
            self._began = now
        self._failures += 1
        self._rests_until = now + REST_SECONDS
        if self._failures == FAILURES:
            logger.error("Slack does not answer: asking every %g s", REST_SECONDS)

    def answered(self, now: float) -> None:
        """Note that a call had an answer, whatever it was."""
        if self.is_on:
            logger.warning("Slack answers again, after %d s", now - self._began)
        self._failures = 0
