"""A lock whose record was changed by hand keeps its service locked until somebody ends it."""

import pytest

from app.core import events as ev
from app.core import locking, locks
from app.core.locks import SOMEBODY, lock_on
from app.core.ports import Write
from tests.fakes import FakeLog
from tests.shop import ALICE, BOB, REPO, repo_config
from tests.story import THREAD, Story

BROKEN = (
    *("{", "null", "[]", "7", '{"user": "U01ALICE"}'),
    '{"user": "", "reason": "", "at": 0, "until": null, "thread": "acme/shop/1"}',
    '{"user": "U1", "reason": "", "at": "x", "until": null, "thread": "acme/shop/1"}',
    '{"user": "U1", "reason": "", "at": 0, "until": null, "thread": ""}',
)
ENDED = ev.ServiceUnlocked(services=("backend",), user=BOB)


@pytest.mark.parametrize("recorded", BROKEN)
def test_what_cannot_be_read_is_locked_by_somebody(recorded: str) -> None:
    lock = lock_on({"lock/backend": recorded}, "backend", 5)
    assert lock
    assert (lock.block.user, lock.block.until, lock.thread_id) == (SOMEBODY, None, "")
    said = "locked by somebody: its record cannot be read"
    assert locks.told(lock.block) == f"backend is {said}"
    assert locks.plainly(lock.block, repo_config()) == said


async def test_its_end_needs_no_thread_and_leaves_none() -> None:
    log = FakeLog()
    await log.append(Write(THREAD, [], facts={"lock/backend": "{"}))
    here = await log.look(f"{REPO}/-")
    await log.append(locking.ending(REPO, here, ENDED, here.facts))
    assert (await log.facts(REPO), await log.threads(REPO, 9)) == ({}, [])


async def test_the_end_of_any_other_is_told_by_its_thread() -> None:
    log = FakeLog()
    started = Story().merged().entries[0].event
    lock = ev.ServiceLocked(services=("backend",), user=ALICE)
    facts = locks.facts_of(lock, THREAD, 5)
    await log.append(Write(THREAD, [started, lock], facts=facts))
    here = await log.look(THREAD)
    await log.append(locking.ending(REPO, here, ENDED, here.facts))
    assert (await log.read(THREAD))[-1].event == ENDED
    assert await log.facts(REPO) == {}
