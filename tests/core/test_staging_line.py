"""Merges that wait for staging get it in the order of their coming, whatever else happens."""

import pytest

from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import FOUR, ONE, SHAS, THREE, TWO, Town, ends_staging, holds_staging, teams
from tests.fake_source import FakeSource

PATHS = {ONE: ["web/a"], TWO: ["api/a"], THREE: ["web/a", "api/a"], FOUR: ["web/b"]}


@pytest.fixture
async def box() -> Town:
    """Return a town where the first merge is on staging, and three others wait, each by itself."""
    source = FakeSource([OLD, *SHAS])
    box = Town(teams(), model=OfflinePlanner(), source=source)
    holds_staging(box)
    for sha, paths in PATHS.items():
        source.changed = paths
        await box.merged(sha)
    await box.later(10_000)
    assert [await box.stage(sha) for sha in (TWO, THREE, FOUR)] == ["waiting"] * 3
    return box


def order_of(box: Town) -> list[str]:
    return [e.removeprefix("staging e2e ") for e in box.deployer.effects if "ing e2e" in e]


@pytest.mark.parametrize("words", ["what is on production?", "who wrote this?", "thanks!"])
async def test_who_hears_words_meanwhile_keeps_its_place(box: Town, words: str) -> None:
    box.thread_id = box.thread_of(THREE)
    await box.says(words)
    assert await box.waits_for()
    await ends_staging(box)
    assert order_of(box) == [sha[:7] for sha in PATHS]


async def test_who_is_stopped_leaves_it_to_the_next(box: Town) -> None:
    await box.presses("stop", TWO)
    assert await box.stage(TWO) is None
    await ends_staging(box)
    assert order_of(box) == [sha[:7] for sha in (ONE, THREE, FOUR)]
