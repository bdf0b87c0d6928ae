"""What a run of the bench found, and the few numbers that are made of it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.acks import Rounds
from bench.cycles import Costs
from bench.kills import Verdict
from bench.paused import Burden


@dataclass
class Results:
    """Everything measured; times in seconds, sizes in bytes."""

    cycles: Costs = field(default_factory=Costs)
    acks: Rounds = field(default_factory=Rounds)
    clicks: list[float] = field(default_factory=list[float])
    recovery: dict[float, list[float]] = field(default_factory=dict[float, list[float]])
    burdens: list[Burden] = field(default_factory=list[Burden])
    verdicts: dict[str, Verdict] = field(default_factory=dict[str, Verdict])
    people: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def cycle_ms(self, name: str, size: int) -> float:
        """Return the median of a contender's cycles, in milliseconds."""
        return 1000 * statistics.median(cost.seconds for cost in self.cycles[name][size])

    def cycle_kb(self, name: str, size: int) -> float:
        """Return the median of what a contender's cycles wrote, in kilobytes."""
        return statistics.median(cost.written for cost in self.cycles[name][size]) / 1000

    def ack_ms(self, name: str, percent: float) -> float:
        """Return a percentile of a contender's acknowledgements: the median of its rounds'."""
        rounds = [percentile(taken, percent) for taken in self.acks[name]]
        return 1000 * statistics.median(rounds)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
