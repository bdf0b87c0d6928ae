"""What keeps a service as it is keeps the jobs before it, too; a job can be locked by itself."""

from typing import Any

import pytest

from app.core import events as ev
from app.core import glass, lock_words, locks
from app.core.clicks import Click, Refused
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.errors import UserError
from app.core.lock_words import LockWish, UnlockWish
from app.core.policy import Person
from app.model.offline import OfflinePlanner
from app.slack import forms
from app.slack.messages import next_change, render
from tests import payloads
from tests.core.box import OLD, SHA, Box
from tests.core.test_blocked import HOUR, START, Locksmith, lock, production, unlock
from tests.core.test_jobs import MIGRATE, MIGRATION, TARGET, merged, shop, steps
from tests.fake_calendar import freeze
from tests.shop import ALICE, CARA, REPO

RUNS = "production migrate 4af9ec0"


async def card_says(box: Box) -> str:
    """Return what the newest card says now."""
    here = await box.log.look(box.thread_id)
    messages = render(await box.state(), box.config, here.now, here.facts)
    last = [message for slot, message in messages.items() if slot.startswith("card:")][-1]
    return payloads.words(last.text, last.blocks)


async def asks_for_migrate(config: RepoConfig) -> Box:
    """Merge a migration, ship the frontend, and let the card of the job wait."""
    box = await merged(config, MIGRATION)
    await box.approves(CARA)
    assert await steps(box) == ["migrate"]
    box.deployer.effects.clear()
    return box


async def test_a_job_waits_while_its_service_is_locked_and_its_card_says_so() -> None:
    box = await asks_for_migrate(shop())
    assert "🔒" not in await card_says(box)
    await lock(box, "backend")
    said = await card_says(box)
    assert "🔒 backend is locked by <@U01ALICE> since" in said
    assert "Nothing begins on it meanwhile, also no rollback." in said
    await box.approves(CARA)
    await box.later(HOUR)
    assert production(box) == []
    waits = (await box.state()).waits_for_block
    assert waits
    assert (waits.service, waits.user) == ("backend", ALICE)
    await unlock(box, "backend")
    await box.later(6_000)
    assert production(box) == [RUNS]


@pytest.mark.parametrize("words", ["lock all", "lock backend", "lock migrate"])
async def test_in_a_plan_nothing_of_a_locked_service_begins(words: str) -> None:
    box = await merged(shop("plan"), MIGRATION)
    assert await steps(box) == ["frontend", "migrate", "backend"]
    wish = lock_words.parse(words, [box.config], START)
    await lock(box, *wish.services)
    assert (await card_says(box)).count("🔒") == len(wish.services)
    await box.approves(CARA)
    await box.later(HOUR)
    assert RUNS not in production(box)
    assert "production backend 4af9ec0" not in production(box)
    await unlock(box, *wish.services)
    await box.later(6_000)
    await box.later(6_000)
    assert production(box)[:3] == [
        "production frontend 4af9ec0",
        RUNS,
        "production backend 4af9ec0",
    ]


def test_the_lock_of_a_job_stands_against_that_job_alone() -> None:
    facts = locked("migrate")
    assert [block.service for block in locks.on(shop(), facts, "migrate", START)] == ["migrate"]
    assert locks.on(shop(), facts, "backend", START) == ()
    assert locks.on(shop(), locked("frontend"), "migrate", START) == ()


def test_the_lock_of_a_job_and_that_of_its_service_are_both_told() -> None:
    found = locks.on(shop(), locked("migrate") | locked("backend"), "migrate", START)
    assert [block.service for block in found] == ["migrate", "backend"]


def test_the_status_tells_the_lock_of_a_service_once_and_that_of_a_job() -> None:
    facts = locked("migrate") | locked("backend")
    lines = forms.blocks_lines(shop(), facts, START)
    assert [line.partition(" is ")[0] for line in lines] == [
        "🔒 acme/shop: backend",
        "🔒 acme/shop: migrate",
    ]


async def test_a_lock_of_its_service_in_the_very_last_moment_stops_a_job() -> None:
    source = Locksmith([OLD, SHA], changed=[MIGRATION])
    source.touched = {SHA: [MIGRATION]}
    box = Box(shop(), model=OfflinePlanner(), source=source)
    await box.merges()
    while await steps(box) != ["migrate"]:
        await box.approves(CARA)
    box.deployer.effects.clear()
    source.boxes.append(box)
    await box.approves(CARA)
    assert production(box) == []
    ended = [run for run in (await box.state()).runs.values() if run.attempt.kind == "job"]
    assert ended[-1].summary.startswith("not started: backend is locked by U01ALICE since")


async def test_why_a_service_is_blocked_tells_the_lock_of_its_job() -> None:
    box = await merged(shop(), MIGRATION)
    await lock(box, "migrate")
    await box.says("why is the backend blocked?")
    say = (await box.state()).says[-1]
    told = ["".join(piece.text for piece in line) for line in say.lines]
    assert say.text == "Blocked:"
    assert told[0].startswith("migrate: locked by ")
    assert ": load test" in told[0]
    await box.says("why is the frontend blocked?")
    say = (await box.state()).says[-1]
    assert say.text.startswith("Nothing blocks frontend")


# Freezes.


def frozen_shop(**changes: Any) -> RepoConfig:
    """Configure the shop with a freeze of the backend alone."""
    backend = TargetConfig(
        deployer="command", options={}, freeze=(freeze(START + 10, START + 20, "stocktaking"),)
    )
    job = MIGRATE.model_copy(update=changes)
    services = {"frontend": TARGET, "backend": backend}
    return shop(production=EnvironmentConfig(services=services, jobs={"migrate": job}))


def test_the_freeze_of_a_service_covers_its_jobs() -> None:
    repo = frozen_shop()
    assert locks.on(repo, {}, "migrate", START) == ()
    assert locks.next_change(repo, {}, "migrate", START) == START + 10
    [block] = locks.on(repo, {}, "migrate", START + 10)
    assert (block.service, block.reason, block.user) == ("backend", "stocktaking", "")
    assert locks.next_change(repo, {}, "migrate", START + 10) == START + 20


def test_a_job_has_freezes_of_its_own_besides() -> None:
    repo = frozen_shop(freeze=(freeze(START, START + 30, "audit"),))
    assert locks.frozen(repo, "backend", START) is None
    [block] = locks.on(repo, {}, "migrate", START + 10)
    assert (block.service, block.reason) == ("migrate", "audit")


def test_a_job_before_no_service_has_its_own_alone() -> None:
    repo = frozen_shop(before=None)
    assert locks.on(repo, locked("backend"), "migrate", START + 10) == ()


# Broken glass.


async def test_broken_glass_ends_no_lock_of_the_service_of_a_job() -> None:
    box = await asks_for_migrate(frozen_shop(freeze=(freeze(START, START + 10**9),)))
    await lock(box, "backend")
    here = await box.log.look(box.thread_id)
    state = await box.state()
    card = (await box.card()).request.call_id
    click = Click(state, box.config, Person(CARA), card, here.now, here.facts, "the site is down")
    refused = glass.break_glass(click)
    assert isinstance(refused, Refused)
    assert refused.sentence.startswith("backend is locked by <@U01ALICE> since")
    assert refused.sentence.endswith("Broken glass ends no lock.")


# Words.


def locked(*services: str) -> dict[str, str]:
    """Return the facts of alice's lock."""
    event = ev.ServiceLocked(services=services, user=ALICE, reason="load test")
    found = locks.facts_of(event, f"{REPO}/fedcba9876", START)
    return {key: value or "" for key, value in found.items()}


def parsed(text: str, repo: RepoConfig) -> LockWish | UnlockWish:
    return lock_words.parse(text, [repo], START)


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("lock migrate because dba restores", ("migrate",)),
        ("lock the migrate for 2h", ("migrate",)),
        ("unlock migrate", ("migrate",)),
        ("lock backend and migrate", ("backend", "migrate")),
        ("lock all and migrate", ("frontend", "backend", "migrate")),
        ("lock all", ("frontend", "backend")),
        ("unlock all", ("frontend", "backend", "migrate")),
    ],
)
def test_a_job_is_named_like_a_service(text: str, services: tuple[str, ...]) -> None:
    assert parsed(text, shop()).services == services


def test_all_are_also_the_jobs_that_no_service_brings_along() -> None:
    assert parsed("lock all", frozen_shop(before=None)).services == (
        "frontend",
        "backend",
        "migrate",
    )


def test_what_is_unknown_is_answered_with_the_jobs_too() -> None:
    said = "I know no service “api” here. There are: backend, frontend, migrate, all. Say it"
    with pytest.raises(UserError, match=said):
        parsed("lock api", shop())


async def test_a_card_of_a_job_changes_by_itself_when_its_service_is_free() -> None:
    box = await asks_for_migrate(shop())
    await lock(box, "backend", until=START + 90_000_000)
    here = await box.log.look(box.thread_id)
    assert next_change(await box.state(), box.config, START, here.facts) == START + 90_000_000
