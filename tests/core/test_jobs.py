"""Jobs: due by the files of a change, in front of their service, run by a card, once."""

import json
from typing import Any

import pytest

from app.core import events as ev
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.paths import NAMES_KEPT, jobs_in, matching
from app.core.ports import Observation, Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, REPO, repo_config

MIGRATION = "migrations/0007_gift_cards.sql"
TARGET = TargetConfig(deployer="command", options={})
MIGRATE = TargetConfig(
    deployer="command", options={}, before="backend", paths=("migrations/**",), approvers=(CARA,)
)


def shop(approval: str = "call", **changes: Any) -> RepoConfig:
    """Configure the shop with a job that runs before the backend."""
    production = EnvironmentConfig(
        e2e=TARGET, services={"frontend": TARGET, "backend": TARGET}, jobs={"migrate": MIGRATE}
    )
    values: dict[str, Any] = {
        "people": {},
        "production": production,
        "approval": approval,
        **changes,
    }
    return repo_config(**(values | changes))


async def merged(config: RepoConfig, *files: str, known: bool = True) -> Box:
    """Merge a change of these files over what production runs; the planner decides."""
    source = FakeSource([OLD, SHA], changed=list(files))
    source.touched = {SHA: list(files)} if known else None
    box = Box(config, model=OfflinePlanner(), source=source)
    fact = json.dumps({"sha": OLD, "thread": "acme/shop/0", "at": 0})
    facts = {"running/backend": fact, "running/frontend": fact}
    await box.log.append(Write("acme/shop/0000000000", [], facts=facts, silent=True))
    await box.merges()
    return box


async def steps(box: Box) -> list[str]:
    """Return the steps of the card that waits, in order."""
    return [step.name for step in (await box.card()).steps]


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_a_migration_puts_its_job_in_front_of_its_service() -> None:
    box = await merged(shop("plan"), MIGRATION, "backend/cards.py")
    assert await steps(box) == ["frontend", "migrate", "backend"]
    card = await box.card()
    job = card.steps[1]
    assert job.spec.tool == "run_migrate_in_prod"
    assert (job.spec.kind, job.spec.production_was) == ("job", None)
    assert job.facts.jobs["migrate"] == ev.Files(names=(MIGRATION,), total=1)
    assert job.facts.risky == "no rollback takes back what a job did"
    assert card.steps[2].facts.risky == f"work for migrate is in it: {MIGRATION}"


async def test_a_plan_with_a_job_runs_through() -> None:
    box = await merged(shop("plan"), MIGRATION)
    await box.approves(CARA)
    assert production(box) == [
        "production frontend 4af9ec0",
        "production migrate 4af9ec0",
        "production backend 4af9ec0",
        "production e2e 4af9ec0",
    ]
    facts = await box.log.facts(REPO)
    assert json.loads(facts["ran/migrate"])["sha"] == SHA
    assert "running/migrate" not in facts
    assert "verified/migrate" not in facts
    kinds = [json.loads(line)["kind"] for line in await box.log.history(REPO, 10)]
    assert "job" in kinds
    [end] = [say for say in (await box.state()).says if say.because == "done"]
    assert end.text.startswith("Ran migrate for 4af9ec0. On production now: ")


async def test_call_by_call_the_job_comes_before_its_service() -> None:
    box = await merged(shop(), MIGRATION)
    asked: list[str] = []
    for _ in range(3):
        asked += await steps(box)
        await box.approves(CARA)
    assert asked == ["frontend", "migrate", "backend"]
    assert (await box.state()).pending is None


async def test_without_a_file_for_it_a_job_is_not_proposed() -> None:
    box = await merged(shop("plan"), "backend/cards.py")
    assert await steps(box) == ["frontend", "backend"]


async def test_where_no_comparison_tells_of_files_those_of_the_merge_count() -> None:
    box = await merged(shop("plan"), MIGRATION, known=False)
    assert await steps(box) == ["frontend", "migrate", "backend"]


async def test_what_ran_for_a_commit_is_not_due_again() -> None:
    box = await merged(shop("plan"), MIGRATION)
    box.deployer.prepare("production backend", Observation(status="failed", summary="boom"))
    await box.approves(CARA)
    await box.says("try again")
    assert await steps(box) == ["backend"]
    assert (await box.card()).request.facts.jobs == {}


async def test_a_failed_job_keeps_its_service_from_being_deployed_unasked() -> None:
    box = await merged(shop("plan"), MIGRATION)
    box.deployer.prepare("production migrate", Observation(status="failed", summary="no table"))
    await box.approves(CARA)
    assert production(box)[-1] == "production migrate 4af9ec0"
    question = (await box.state()).question
    assert question
    assert question.text == "The job migrate failed: no table. What should I do?"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("without the migration", ["frontend", "backend"]),
        ("backend first", ["migrate", "backend", "frontend"]),
        ("run the migration first", ["migrate", "frontend", "backend"]),
        ("only the backend", ["migrate", "backend"]),
        ("only the frontend", ["frontend"]),
        ("deploy the backend before the migration", ["backend", "migrate"]),
        ("only the migration", ["migrate"]),
    ],
)
async def test_people_change_the_plan_in_words(words: str, expected: list[str]) -> None:
    box = await merged(shop("plan"), MIGRATION)
    await box.says(words)
    got = await steps(box)
    assert [name for name in got if name in expected] == expected
    if "before" not in words:
        assert got == expected


async def test_a_job_that_nothing_is_due_for_runs_when_it_is_asked_for() -> None:
    box = await merged(shop("plan"), "web/a.js")
    await box.says("run the migration first")
    assert await steps(box) == ["migrate", "frontend", "backend"]


async def test_a_job_cannot_be_rolled_back() -> None:
    box = await merged(shop("plan"), MIGRATION)
    await box.says("roll back the migration")
    question = (await box.state()).question
    assert question
    assert question.text.startswith("A job cannot be rolled back: what it did stays.")


async def test_the_model_may_not_run_a_job_unasked() -> None:
    source = FakeSource([OLD, SHA], changed=["web/a.js"], touched={SHA: ["web/a.js"]})
    box = Box(shop(), source=source)
    box.model.will("run_migrate_in_prod", sha=SHA, reason="")
    box.model.will("nothing_to_do", reason="well")
    await box.merges()
    refused = [
        e.event.error
        for e in await box.log.read(box.thread_id)
        if isinstance(e.event, ev.ToolRefused)
    ]
    assert refused == ["this merge changes nothing of migrate; propose it only when asked to"]


async def test_an_unknown_job_is_asked_about_and_keeps_its_lock() -> None:
    box = await merged(shop("plan"), MIGRATION)
    box.deployer.recovers = "blind"
    box.deployer.prepare("production migrate", Observation(status="missing"))
    await box.approves(CARA)
    state = await box.state()
    assert state.unknown
    assert state.unknown.attempt.service == "migrate"
    assert "production/migrate" in state.locks
    happened = ev.OutcomeStated(
        attempt_id=state.unknown.attempt.attempt_id, happened=True, user=CARA
    )
    await box.does(happened)
    assert await steps(box) == ["backend"]


def test_only_the_first_files_are_named() -> None:
    files = [f"migrations/{n:03}.sql" for n in range(40)]
    [found] = jobs_in(shop(), files).values()
    assert (len(found.names), found.total) == (NAMES_KEPT, 40)
    assert jobs_in(shop(), ["web/a.js"]) == {}
    assert matching(["*.sql"], []).total == 0


def test_a_job_without_a_service_comes_before_all() -> None:
    warm = EnvironmentConfig(services={"backend": TARGET}, jobs={"warm": TARGET})
    assert warm.order == ("warm", "backend")
    assert BOB in repo_config().approvers
