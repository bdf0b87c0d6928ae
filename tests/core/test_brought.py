"""Facts of a repository that name a thread, held against what its events brought."""

import json

import pytest

from app.core import events as ev
from app.core.brought import strays
from tests.core.box import OLD, SHA, Box
from tests.shop import ALICE, BOB


async def shipped() -> Box:
    """Ship the backend, roll it back, and lock the frontend."""
    box = Box()
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    await box.approves()
    await box.does(ev.ServiceLocked(services=("frontend",), user=ALICE, reason="load test"))
    await box.does(ev.HoldPlaced(service="frontend", bad_sha=OLD))
    return box


async def found(box: Box, **changed: str) -> list[str]:
    here = await box.log.look(box.thread_id)
    changes = {name.replace("_", "/"): told for name, told in changed.items()}
    return strays(box.thread_id, here.entries, {**here.facts, **changes})


async def test_what_the_events_brought_is_theirs() -> None:
    box = await shipped()
    here = await box.log.look(box.thread_id)
    assert {"running/backend", "lock/frontend", "hold/frontend"} <= set(here.facts)
    assert await found(box) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("running_backend", {"sha": OLD}),
        ("running_backend", {"at": 0}),
        ("running_backend", {"more": 1}),
        ("lock_frontend", {"user": BOB}),
        ("lock_frontend", {"until": 1}),
        ("hold_frontend", {"bad_sha": SHA}),
        ("hold_frontend", {"at": "then"}),
    ],
)
async def test_one_that_was_changed_is_named(name: str, change: dict[str, object]) -> None:
    box = await shipped()
    facts = (await box.log.look(box.thread_id)).facts
    told = json.loads(facts[name.replace("_", "/")])
    assert await found(box, **{name: json.dumps(told | change)}) == [name.replace("_", "/")]


async def test_one_that_was_put_there_is_named() -> None:
    box = await shipped()
    forged = json.dumps({"sha": SHA, "thread": box.thread_id, "at": 0})
    assert await found(box, running_frontend=forged) == ["running/frontend"]


async def test_one_that_the_thread_ended_and_that_stands_again_is_named() -> None:
    box = await shipped()
    lock = (await box.log.look(box.thread_id)).facts["lock/frontend"]
    await box.does(ev.ServiceUnlocked(services=("frontend",), user=ALICE))
    assert await found(box, lock_frontend=lock) == ["lock/frontend"]


@pytest.mark.parametrize("told", ["not JSON", "[]", json.dumps({"thread": "acme/shop/other"})])
async def test_what_names_no_thread_or_another_is_not_this_ones(told: str) -> None:
    box = await shipped()
    assert await found(box, running_frontend=told) == []


async def test_what_names_other_threads_is_not_its_business() -> None:
    box = Box()
    await box.has_old_version()
    await box.merges()
    facts = (await box.log.look(box.thread_id)).facts
    others = {name: told for name, told in facts.items() if box.thread_id not in told}
    assert "running/backend" in others
    assert strays(box.thread_id, [], others) == []
