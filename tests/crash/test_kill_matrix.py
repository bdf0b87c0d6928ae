"""The service is killed at every point from the webhook to the outcome, for every class."""

from pathlib import Path

import pytest

from tests.crash.crashes import Zygote, crashes

POINTS = [
    "before append thread_started",
    "after append thread_started",
    "before append tool_started staging",
    "after append tool_started staging",
    "before start staging",
    "after start staging",
    "after append tool_sent",
    "after observe staging",
    "after append tool_ended",
    "after append staging_ended",
    "before append facts_fetched",
    "before model",
    "after model",
    "after append approval_requested",
    "before append message_posted",
    "after append message_posted",
    "before append approval_granted",
    "after append approval_granted",
    "before append tool_started production",
    "after append tool_started production",
    "before start production",
    "after start production",
    "before observe production",
    "after observe production",
    "after append plan_ended",
    "before append verification_ended",
    "after append verification_ended",
    "before park work",
]
# What the design's table says of a crash between the record and the outcome of an effect.
UNKNOWN = {
    ("queryable", "after append tool_started production"),
    ("queryable", "before start production"),
    ("blind", "after append tool_started production"),
    ("blind", "before start production"),
    ("blind", "after start production"),
}


@pytest.mark.parametrize("recovery", ["keyed", "queryable", "blind"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_loses_nothing_and_doubles_nothing(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, point: str, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote) as box:
        await box.start(point)
        state = await box.deploy().plays()

        assert box.fired.exists(), f"{point!r} was never passed"
        approved = [card for card in state.cards.values() if card.status == "approved"]
        assert sorted(box.outside.production()) == [
            "production backend 4af9ec0",
            "production frontend 4af9ec0",
        ]
        assert max(box.outside.starts.values()) <= (2 if recovery == "keyed" else 1)
        was_unknown = any(run.stated_by for run in state.runs.values())
        assert was_unknown == ((recovery, point) in UNKNOWN)
        assert len(approved) == 2 + sum(
            run.stated_by is not None and run.outcome == "failed" for run in state.runs.values()
        )
        assert max(box.outside.posted().values(), default=0) <= 1
