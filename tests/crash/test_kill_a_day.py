"""The service is killed at the points of an ordinary day, several in a run, for every class.

Each run goes through all of a day, and the next kill waits behind the last one: a job, the second
step of a plan and the second step of its rollback are struck at the same point of their effects.
"""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from app.core.state import State
from tests.adapters.github_bodies import SHA
from tests.crash.crashes import Crashes, crashes
from tests.crash.ordinary import OLD, OrdinaryDay, ran_before
from tests.crash.points import Fault
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import REPO
from tests.waiting import until

STEPS = ("job migrate", "production", "rollback frontend")
AROUND = ("append tool_started", "start", "append tool_sent", "observe", "append tool_ended")
# What comes before the first step; these strike one run of each, and so does the command line.
BEFORE_ALL = (
    "append staging_overridden",
    "append wait_started",
    "append wait_ended",
    "append glass_broken",
)
# What comes the morning after the last step, in that run, too.
AFTER_ALL = ("append review_asked", "append glass_reviewed")
REFUSING = "github_actions, refusing"
COMMAND = "append approval_granted command line"
EFFECTS = [
    *(f"production {name} {SHA[:7]}" for name in ("backend", "frontend", "migrate")),
    *(f"production {name} {OLD[:7]}" for name in ("backend", "frontend")),
]
# As the design's table says: an effect that is not known to have been sent, or not by what.
UNSENT = ("after append tool_started", "before start")
UNRECORDED = ("after start", "before append tool_sent")
UNKNOWN = {"keyed": (), "queryable": UNSENT, "blind": (*UNSENT, *UNRECORDED)}


@pytest.mark.parametrize(
    ("around", "recovery"),
    # Of the two that are alike, one meets all points of an effect.
    [(a, r) for a in AROUND for r in (*CLASSES, *ACTIONS) if a == AROUND[0] or r != REFUSING],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_kills_on_an_ordinary_day_lose_nothing_and_double_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, when: str, around: str, recovery: str
) -> None:
    is_first = around == AROUND[0]
    points = [f"{when} {point}" for point in BEFORE_ALL if is_first]
    points += [f"{when} {around} {step}" for step in STEPS]
    points += [f"{when} {point}" for point in AFTER_ALL if is_first]
    command = [f"{when} {COMMAND}"] if is_first else []
    async with crashes(tmp_path, clean_redis_url, recovery, zygote, shop="day") as box:
        await ran_before(box)
        box.target.red.add("staging e2e")
        first, *box.later = map(Fault, points)
        await box.start(first)
        at_command = Fault(command[0]) if command else None
        state = await OrdinaryDay(box, SHA, at_command, is_reviewed=is_first).plays()
        with suppress(AssertionError):  # what is killed after the last word
            await until(lambda: len(box.fired()) == len([*points, *command]))
        assert Counter(box.fired()) == Counter([*points, *command]), box.output()
        await is_legal(box, state)


async def is_legal(box: Crashes, state: State) -> None:
    """Fail unless each step happened once, and what nobody could know was said by a person."""
    assert sorted(box.target.production()) == sorted(EFFECTS)
    recovery = box.target.recovery
    assert max(box.target.starts.values()) <= (2 if recovery == "keyed" else 1)
    stated = [run for run in state.runs.values() if run.stated_by]
    certain = [p for p in box.fired() if p.startswith(UNKNOWN[recovery])]
    assert len(certain) <= len(stated) <= len(certain) + box.claims_lost()
    assert state.staging is not None
    assert state.staging.override is not None
    broken = [card for card in state.cards.values() if card.glass]
    assert broken
    assert len(state.reviews) == any(AFTER_ALL[0] in point for point in box.fired())
    assert max(box.outside.posted().values(), default=0) <= 1
    assert await box.log.locks(REPO) == {}
