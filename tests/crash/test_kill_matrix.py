"""The service is killed at every point from the webhook to the outcome, for every class."""

from collections import Counter
from pathlib import Path

import pytest

from app.core.state import State
from tests.chance import SOAK
from tests.crash.crashes import Crashes, crashes
from tests.crash.plan import SEEDS, Plan, plan
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import REPO
from tests.waiting import until

# How often one deploy passes what is before and after these writes and calls, at the least.
PASSED = {
    "append thread_started": 1,
    "append change_seen": 1,
    "append tool_started staging": 3,
    "start staging": 3,
    "append tool_sent staging": 3,
    "observe staging": 3,
    "append tool_ended staging": 3,
    "append staging_ended": 1,
    "append facts_fetched": 3,
    "append approval_requested": 2,
    "append approvers_reminded": 2,
    "append approval_granted": 2,
    "append tool_started production": 2,
    "start production": 2,
    "append tool_sent production": 2,
    "observe production": 2,
    "append tool_ended production": 2,
    "append plan_ended": 1,
    "append tool_started verification": 1,
    "start verification": 1,
    "append tool_sent verification": 1,
    "observe verification": 1,
    "append tool_ended verification": 1,
    "append verification_ended": 1,
    "append locks_released": 1,
    "append message_posted": 1,
    "current": 10,
    "model": 3,
    "github commits": 5,
    "github compare": 6,
    "github files": 1,
    "github pulls": 2,
    "slack chat.postMessage": 1,
    "slack chat.update": 2,
    "slack asked": 3,
    "park work": 2,
    "park slack": 3,
}
POINTS = {f"{when} {what}": n for what, n in PASSED.items() for when in ("before", "after")}
# What the design's table says of a crash between the record and the outcome of an effect.
UNSENT = ("after append tool_started production", "before start production")
UNRECORDED = ("after start production", "before append tool_sent production")
UNKNOWN = {
    "keyed": (),
    "queryable": UNSENT,
    "blind": (*UNSENT, *UNRECORDED),
}
# These are passed by others than the thread's own worker, too, or at the last look: in the very
# moment an effect may be between its record and its send.
BESIDE = ("slack", "github", "current", "message_posted", "approval_granted", "thread_started")
# These are passed once people see a card, so they have to wait for Slack and its limits.
SHOWN = ("slack", "message_posted", "approvers_reminded")
# Where the class of the target counts, from the approval to the outcome. Elsewhere one seed does
# in `make test`, with GitHub's workflows and one class in turn; `make soak` runs them all.
AT_THE_EFFECT = (
    "append approval_granted",
    "append tool_started production",
    "start production",
    "append tool_sent production",
    "observe production",
    "append tool_ended production",
    "current",
    "github commits",
)
ACTIONS_SEEDS = 2  # of the same classes, and each run takes twice as long


def cases() -> list[tuple[str, str, int]]:
    """Return every point, class and seed to be run."""
    return [
        (point, name, seed)
        for point in POINTS
        for name in (*CLASSES, *ACTIONS)
        for seed in range(seeds(point, name))
    ]


def seeds(point: str, name: str) -> int:
    """Return how many seeds a point gets."""
    if SOAK:
        return SEEDS
    if point.partition(" ")[2] in AT_THE_EFFECT:
        return ACTIONS_SEEDS if name in ACTIONS else SEEDS
    in_turn = CLASSES[list(POINTS).index(point) % len(CLASSES)]
    return 1 if name in (in_turn, "github_actions") else 0


@pytest.mark.parametrize(("point", "recovery", "seed"), cases())
async def test_a_kill_loses_nothing_and_doubles_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, point: str, recovery: str, seed: int
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        state = await killed(box, plan(POINTS, point, recovery, seed))
        await until(lambda: point in box.fired())  # what is after the end comes after it
        await is_legal(box, state)


async def killed(box: Crashes, planned: Plan) -> State:
    """Let a deploy meet its kills, and what people do at that moment; return its end."""
    deploy = box.deploy()

    async def at_the_crash(state: State) -> None:
        if planned.redelivered:
            await deploy.merge()
        if planned.meanwhile == "words":
            await deploy.ask("what is on production?", state)
        elif planned.meanwhile == "click" and state.cards:
            await deploy.click("approve", list(state.cards)[-1])

    box.pause = planned.pause
    box.reminds = any(word in planned.fault.point for word in SHOWN)
    box.later = [planned.later] if planned.later else []
    await box.start(*[planned.fault] * planned.instances)
    return await deploy.plays(at_the_crash=at_the_crash)


async def is_legal(box: Crashes, state: State) -> None:
    """Fail unless the deploy ended as the design's table allows, for what was killed."""
    assert sorted(box.target.production()) == [
        "production backend 4af9ec0",
        "production frontend 4af9ec0",
    ]
    effects = [run for run in state.runs.values() if run.is_production_effect]
    stated = [run for run in effects if run.stated_by]
    fired = Counter(box.fired())
    recovery = box.target.recovery
    certain = sum(fired[point] for point in UNKNOWN[recovery])
    beside = (n for point, n in fired.items() if any(word in point for word in BESIDE))
    possible = sum(beside) + box.claims_lost()
    assert certain <= len(stated) <= certain + (possible if recovery != "keyed" else 0)
    happened = [run for run in effects if run.outcome == "succeeded"]
    assert len(happened) == 2
    assert len(effects) - len(happened) == len([r for r in stated if r.outcome == "failed"])
    starts = box.target.starts
    assert max(starts.values()) <= (1 + len(box.fired()) if recovery == "keyed" else 1)
    approved = [card for card in state.cards.values() if card.status == "approved"]
    assert len(approved) == len(effects)
    assert max(box.outside.posted().values(), default=0) <= 1
    assert await box.log.locks(REPO) == {}


async def test_the_matrix_has_every_point_that_a_deploy_passes(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "queryable", zygote) as box:
        await box.start(None, traced=True)
        await box.deploy().plays()
        last = "after append locks_released"  # comes after the end
        await until(lambda: last in box.trace.read_text().splitlines())
        passed = Counter(box.trace.read_text().splitlines())
        assert set(passed) == set(POINTS)
        assert {point: n for point, n in POINTS.items() if passed[point] < n} == {}
