"""Staging goes forward: what a newer merge tested green there is not put over that one again."""

import pytest

from app.core import events as ev
from app.core.ports import Observation
from app.model.offline import OfflinePlanner
from tests.core.box import OLD
from tests.core.town import (
    ONE,
    RED,
    SHAS,
    THREE,
    TWO,
    Town,
    ends_staging,
    holds_staging,
    teams,
)
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA

CORE, WEB = ["api/a.py"], ["web/a.ts"]
WITH_THREE = "✅ passed with <https://github.com/acme/shop/pull/3|#3> Change 3, which has it"


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([OLD, *SHAS])


@pytest.fixture
def box(source: FakeSource) -> Town:
    return Town(teams(), model=OfflinePlanner(), source=source)


async def merges(
    box: Town, source: FakeSource, files: list[str], sha: str, label: str = ""
) -> None:
    source.changed = files
    await box.merged(sha, label=label)


def on_staging(box: Town) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("staging e2e")]


@pytest.fixture
async def overtaken(box: Town, source: FakeSource) -> Town:
    """Let an urgent merge of one team be tested before an older one of another."""
    holds_staging(box)
    await merges(box, source, CORE, ONE)
    await merges(box, source, WEB, TWO)
    await merges(box, source, CORE, THREE, "hotfix")
    return box


async def test_an_urgent_merge_stays_on_staging_when_an_older_one_is_next(overtaken: Town) -> None:
    await ends_staging(overtaken)
    await overtaken.later(10_000)
    assert on_staging(overtaken) == [f"staging e2e {ONE[:7]}", f"staging e2e {THREE[:7]}"]
    facts = await overtaken.log.facts(overtaken.config.name)
    assert facts["staging/frontend"] == facts["staging/backend"] == THREE


async def test_the_older_one_says_whose_tests_count_for_it_and_asks_by_itself(
    overtaken: Town,
) -> None:
    await ends_staging(overtaken)
    await overtaken.later(10_000)
    said = await overtaken.said(TWO)
    assert WITH_THREE in said["status"]
    assert "progress:staging:1" not in said
    card = await overtaken.card_says(TWO)
    assert "*Staging:* tested with #3 (3333333), which has it: green" in card
    pending = (await overtaken.of(TWO)).pending
    assert pending is not None
    assert [(step.name, step.spec.sha) for step in pending.steps] == [("frontend", TWO)]


async def test_one_of_the_same_services_ships_with_the_newer_one(
    box: Town, source: FakeSource
) -> None:
    holds_staging(box)
    await merges(box, source, WEB, ONE)
    await merges(box, source, CORE, TWO)
    await merges(box, source, CORE, THREE, "hotfix")
    await ends_staging(box)
    await box.later(10_000)
    assert f"staging e2e {TWO[:7]}" not in on_staging(box)
    joined = (await box.of(TWO)).joined
    assert joined is not None
    assert joined.into.sha == THREE


async def test_one_whose_services_are_among_those_of_the_newer_one_ships_with_it(
    box: Town, source: FakeSource
) -> None:
    await merges(box, source, [*CORE, *WEB], THREE)
    await merges(box, source, WEB, TWO)
    assert on_staging(box) == [f"staging e2e {THREE[:7]}"]
    assert "ships with" in (await box.said(TWO))["status"]
    await box.ships(THREE)
    await box.later(1000)
    out = "✅ on production with <https://github.com/acme/shop/pull/3|#3> Change 3"
    assert out in (await box.said(TWO))["status"]


async def test_one_that_is_found_late_is_not_put_over_a_newer_one(
    box: Town, source: FakeSource
) -> None:
    await merges(box, source, CORE, THREE)
    await merges(box, source, WEB, TWO)
    assert on_staging(box) == [f"staging e2e {THREE[:7]}"]
    assert WITH_THREE in (await box.said(TWO))["status"]


async def test_a_newer_one_that_is_red_tells_nothing_of_it(overtaken: Town) -> None:
    overtaken.deployer.prepared.clear()
    overtaken.deployer.prepare("staging e2e", Observation(status="succeeded"), RED)
    await overtaken.later(10_000)
    await overtaken.later(10_000)
    assert on_staging(overtaken)[-1] == f"staging e2e {TWO[:7]}"


async def test_what_people_ask_to_have_tested_is(overtaken: Town) -> None:
    await ends_staging(overtaken)
    await overtaken.later(10_000)
    overtaken.thread_id = overtaken.thread_of(TWO)
    await overtaken.does(ev.StagingRequested(sha=TWO, scope="all", user=BOB))
    assert on_staging(overtaken)[-1] == f"staging e2e {TWO[:7]}"


async def test_while_github_is_silent_it_is_tested_by_itself(box: Town, source: FakeSource) -> None:
    await merges(box, source, CORE, THREE)
    source.away = True
    await merges(box, source, WEB, TWO)
    await box.later(10_000)
    assert on_staging(box)[-1] == f"staging e2e {TWO[:7]}"


async def test_commits_that_went_apart_tell_nothing_of_each_other(
    box: Town, source: FakeSource
) -> None:
    source.branch.remove(TWO)
    await merges(box, source, CORE, THREE)
    await merges(box, source, WEB, TWO)
    assert on_staging(box)[-1] == f"staging e2e {TWO[:7]}"


async def test_of_a_newer_one_whose_red_tests_were_overridden_nothing_is_said(
    box: Town, source: FakeSource
) -> None:
    box.deployer.prepare("staging e2e", RED)
    await merges(box, source, CORE, THREE)
    overridden = ev.StagingOverridden(sha=THREE, user=CARA, reason="the queue is flaky")
    await box.does(overridden)
    await merges(box, source, WEB, TWO)
    assert (await box.of(TWO)).stagings[0].by is None
