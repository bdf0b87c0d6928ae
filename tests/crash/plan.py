"""What happens in one run of the kill matrix: the same for the same point, class and seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tests.chance import SEED
from tests.crash.points import Fault

SEEDS = 5
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The fault, and all that a seed varies.

    `later` is one more kill after the restart, which comes after `pause` seconds. `meanwhile` is
    what a person does at the moment of the crash; `redelivered`: GitHub sends the merge again.
    """

    fault: Fault
    instances: int = 1
    pause: float = 0.0
    later: Fault | None = None
    meanwhile: Literal["nothing", "click", "words"] = "nothing"
    redelivered: bool = False


def plan(points: Mapping[str, int], point: str, recovery: str, seed: int) -> Plan:
    """Draw the plan of a seed; `points` says how often a deploy passes each. Seed 0 is plain."""
    if seed == 0:
        return Plan(Fault(point))
    draw = random.Random(f"{SEED}|{point}|{recovery}|{seed}")
    instances = 2 if seed == 1 else 1
    # Two instances share the passings, so only the first is sure to be one instance's.
    nth = draw.randint(1, points[point]) if instances == 1 else 1
    later = Fault(draw.choice(list(points))) if seed in (2, 4) else None
    return Plan(
        fault=Fault(point, nth),
        instances=instances,
        pause=draw.uniform(0, LONGEST_PAUSE_SECONDS),
        later=later,
        meanwhile=draw.choice(("nothing", "click", "words")) if seed != 3 else "click",
        redelivered=draw.random() < 0.5,
    )
