"""What every thread log does; the fake and the Redis log pass the same tests."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import pytest

from app.core.errors import Conflict, Fenced, Locked
from app.core.events import Event, HumanSaid, StopRequested, UnknownEvent
from app.core.ports import Claim, Look, ThreadLog, Write
from app.redis.log import RedisLog
from tests.fakes import FakeLog
from tests.waiting import until

REPO = "acme/shop"
T1, T2, T3, T4 = (f"{REPO}/{letter * 10}" for letter in "abcd")
SAID: Sequence[Event] = (HumanSaid(user="U01ALICE", text="hello"),)
LEASE_MS = 30_000


class Log(ThreadLog, Protocol):
    """A thread log whose time tests may shift."""

    async def set_offset(self, repo: str, ms: int) -> None: ...


@pytest.fixture(params=["fake", "redis", "cluster"])
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "fake":
        return FakeLog(lease_seconds=LEASE_MS / 1000)
    redis_log: RedisLog = request.getfixturevalue(f"{request.param}_log")
    return redis_log


async def claimed(log: Log, thread_id: str = T1) -> Claim:
    """Begin a thread and claim it for work."""
    await log.append(Write(thread_id, SAID))
    claim = await log.claim(REPO, "work")
    assert claim
    assert claim.thread_id == thread_id
    return claim


async def hold(log: Log, *targets: str) -> None:
    """Let the first thread hold the targets."""
    await log.append(Write(T1, SAID, take=targets, silent=True))


async def length(log: Log, thread_id: str = T1) -> int:
    return len(await log.read(thread_id))


class TestEvents:
    async def test_come_back_in_order_with_one_time_and_write_per_append(self, log: Log):
        stop = StopRequested(user="U02BOB")
        await log.append(Write(T1, [*SAID, stop]))
        first, second = await log.read(T1)
        assert [first.event, second.event] == [*SAID, stop]
        assert (first.at, first.write) == (second.at, second.write)
        assert first.at <= await log.now(REPO)

    async def test_of_an_unknown_thread_are_none(self, log: Log):
        assert await log.read(T1) == []

    async def test_of_an_unknown_type_are_kept_as_they_are(self, log: Log):
        event = UnknownEvent.model_validate({"type": "from_tomorrow", "deep": {"n": [1, None]}})
        await log.append(Write(T1, [event]))
        [entry] = await log.read(T1)
        assert entry.event == event

    async def test_keep_any_text(self, log: Log):
        said = HumanSaid(user="U1", text='ü \u202e "quoted" \\ \n \x00 😀')
        await log.append(Write(T1, [said]))
        [entry] = await log.read(T1)
        assert entry.event == said

    async def test_are_looked_at_with_the_time_and_the_facts(self, log: Log):
        await log.append(Write(T1, SAID, facts={"running/backend": "1", "odd": ""}))
        await log.set_offset(REPO, 3_600_000)
        here = await log.look(T1)
        assert list(here.entries) == await log.read(T1)
        assert here.facts == {"running/backend": "1", "odd": ""}
        assert 0 <= await log.now(REPO) - here.now < 60_000
        assert here.now - here.entries[-1].at >= 3_600_000

    async def test_that_are_new_are_seen_by_the_next_look(self, log: Log):
        here = await log.look(T1)
        assert (list(here.entries), here.facts) == ([], {})
        await log.append(Write(T1, SAID))
        assert len((await log.look(T1)).entries) == len(SAID)
        await log.append(Write(T1, SAID))
        assert list((await log.look(T1)).entries) == await log.read(T1)

    async def test_have_the_shifted_time(self, log: Log):
        before = await log.now(REPO)
        await log.set_offset(REPO, 3_600_000)
        await log.append(Write(T1, SAID))
        [entry] = await log.read(T1)
        assert entry.at >= before + 3_600_000


class TestNamedWrites:
    async def test_count_once_however_often_they_are_appended(self, log: Log):
        write = Write(T1, SAID, version=0, name="n1")
        assert await log.append(write)
        assert await log.append(write)
        assert await length(log) == 1

    async def test_of_another_name_are_others(self, log: Log):
        await log.append(Write(T1, SAID, name="n1"))
        await log.append(Write(T1, SAID, name="n2"))
        assert await length(log) == 2


class TestVersion:
    async def test_that_moved_is_a_conflict(self, log: Log):
        await log.append(Write(T1, SAID, version=0))
        with pytest.raises(Conflict):
            await log.append(Write(T1, SAID, version=0))
        assert await length(log) == 1

    async def test_is_not_asked_where_none_is_given(self, log: Log):
        await log.append(Write(T1, SAID))
        await log.append(Write(T1, SAID))
        assert await length(log) == 2

    async def test_lets_one_of_fifty_concurrent_writers_win(self, log: Log):
        writes = (log.append(Write(T1, SAID, version=0)) for _ in range(50))
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(answer, Look) for answer in answers) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 49
        assert await length(log) == 1


class TestExpectedFacts:
    async def test_that_stand_let_the_write_through(self, log: Log):
        await log.append(Write(T2, SAID, facts={"lock/a": "alice", "odd": ""}))
        expected = {"lock/a": "alice", "odd": "", "lock/b": None}
        assert await log.append(Write(T1, SAID, expects=expected, facts={"lock/a": None}))
        assert await log.facts(REPO) == {"odd": ""}

    @pytest.mark.parametrize("expected", ["bob", "", None])
    async def test_that_differ_are_a_conflict(self, log: Log, expected: str | None):
        await log.append(Write(T2, SAID, facts={"lock/a": "alice"}))
        refused = Write(T1, SAID, expects={"lock/a": expected}, facts={"lock/a": "carol"})
        with pytest.raises(Conflict):
            await log.append(refused)
        assert await log.facts(REPO) == {"lock/a": "alice"}
        assert await length(log) == 0

    async def test_that_are_gone_are_a_conflict(self, log: Log):
        with pytest.raises(Conflict):
            await log.append(Write(T1, SAID, expects={"lock/a": ""}))

    async def test_are_not_asked_of_a_write_that_was_done(self, log: Log):
        write = Write(T1, SAID, expects={"a": None}, facts={"a": "b"}, name="n1")
        assert await log.append(write)
        assert await log.append(write)
        assert await length(log) == 1

    async def test_let_one_of_twenty_writers_of_different_threads_win(self, log: Log):
        writes = (
            log.append(Write(f"{REPO}/{n:010}", SAID, expects={"a": None}, facts={"a": str(n)}))
            for n in range(20)
        )
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(answer, Look) for answer in answers) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 19
        assert len(await log.threads(REPO, 99)) == 1


class TestOtherThreads:
    async def test_that_stand_let_the_write_through(self, log: Log):
        await log.append(Write(T2, SAID))
        await log.append(Write(T3, [*SAID, *SAID]))
        write = Write(T1, SAID, others={T2: 1, T3: 2, T4: 0}, dedupe=["d1"])
        assert await log.append(write)
        assert await log.append(Write(T4, SAID, dedupe=["d1"])) is None
        assert [await length(log, each) for each in (T1, T2, T3, T4)] == [1, 1, 2, 0]

    @pytest.mark.parametrize("moved", [T2, T3])
    async def test_that_moved_are_a_conflict(self, log: Log, moved: str):
        await log.append(Write(T2, SAID))
        await log.append(Write(moved, SAID))
        with pytest.raises(Conflict):
            await log.append(Write(T1, SAID, others={T2: 1, T3: 0}, dedupe=["d1"]))
        assert await length(log) == 0
        assert await log.append(Write(T1, SAID, dedupe=["d1"]))

    async def test_are_not_asked_of_a_write_that_was_done(self, log: Log):
        write = Write(T1, SAID, others={T2: 0}, name="n1")
        assert await log.append(write)
        await log.append(Write(T2, SAID))
        assert await log.append(write)
        assert await length(log) == 1


class TestAnAppendsAnswer:
    async def test_is_the_thread_right_after_it(self, log: Log):
        await log.append(Write(T1, SAID, facts={"hold/a": "bad", "running/a": "4af9ec0"}))
        seen = await log.append(Write(T1, SAID, facts={"hold/a": None}))
        assert seen is not None
        again = await log.look(T1)
        assert (seen.entries, seen.facts) == (again.entries, again.facts)
        assert len(seen.entries) == 2
        assert seen.facts == {"running/a": "4af9ec0"}

    async def test_has_what_others_wrote_meanwhile(self, log: Log):
        await log.look(T1)
        await log.append(Write(T2, SAID, facts={"hold/a": "bad"}))
        seen = await log.append(Write(T1, SAID))
        assert seen is not None
        assert (len(seen.entries), seen.facts) == (1, {"hold/a": "bad"})


class TestCauses:
    async def test_count_once(self, log: Log):
        assert await log.append(Write(T1, SAID, dedupe=["delivery:1"]))
        assert not await log.append(Write(T1, SAID, dedupe=["delivery:1"]))
        assert await length(log) == 1

    async def test_count_once_if_any_key_was_seen(self, log: Log):
        await log.append(Write(T1, SAID, dedupe=["delivery:1", "merge:1"]))
        assert not await log.append(Write(T2, SAID, dedupe=["delivery:2", "merge:1"]))
        assert await log.append(Write(T2, SAID, dedupe=["delivery:2"]))

    async def test_are_asked_before_the_version(self, log: Log):
        await log.append(Write(T1, SAID, version=0, dedupe=["delivery:1"]))
        assert not await log.append(Write(T1, SAID, version=0, dedupe=["delivery:1"]))

    async def test_do_not_count_when_the_write_was_refused(self, log: Log):
        with pytest.raises(Conflict):
            await log.append(Write(T1, SAID, version=7, dedupe=["delivery:1"]))
        assert await log.append(Write(T1, SAID, dedupe=["delivery:1"]))


class TestQueue:
    async def test_gives_a_changed_thread_to_one_claimer(self, log: Log):
        assert (await claimed(log)).fence == 1
        assert await log.claim(REPO, "work") is None

    async def test_gives_the_thread_that_is_due_longest(self, log: Log):
        await log.append(Write(T2, SAID))
        await log.set_offset(REPO, 1_000)
        await log.append(Write(T1, SAID))
        await log.append(Write(T2, SAID))
        claims = [await log.claim(REPO, "work"), await log.claim(REPO, "work")]
        assert claims == [Claim(T2, 1), Claim(T1, 1)]

    async def test_is_separate_for_slack(self, log: Log):
        assert (await claimed(log)).fence == 1
        assert await log.claim(REPO, "slack") == Claim(T1, 1)

    async def test_is_separate_for_each_repository(self, log: Log):
        await log.append(Write(T1, SAID))
        assert await log.claim("acme/other", "work") is None

    async def test_is_not_touched_by_silent_writes(self, log: Log):
        await log.append(Write(T1, SAID, silent=True))
        assert await log.claim(REPO, "work") is None
        assert await log.claim(REPO, "slack") is None

    async def test_gives_a_thread_again_when_its_lease_ran_out(self, log: Log):
        await claimed(log)
        await log.set_offset(REPO, LEASE_MS + 1)
        assert await log.claim(REPO, "work") == Claim(T1, 2)

    async def test_keeps_a_thread_whose_lease_is_renewed(self, log: Log):
        claim = await claimed(log)
        await log.set_offset(REPO, LEASE_MS - 1_000)
        await log.renew(claim, "work")
        await log.set_offset(REPO, LEASE_MS + 1_000)
        assert await log.claim(REPO, "work") is None

    async def test_does_not_give_a_claimed_thread_for_a_new_event(self, log: Log):
        await claimed(log)
        await log.append(Write(T1, SAID))
        assert await log.claim(REPO, "work") is None


class TestFence:
    async def test_lets_the_newest_claim_write(self, log: Log):
        claim = await claimed(log)
        assert await log.append(Write(T1, SAID, version=1, fence=claim.fence))

    async def test_refuses_an_older_claim(self, log: Log):
        old = await claimed(log)
        await log.set_offset(REPO, LEASE_MS + 1)
        await log.claim(REPO, "work")
        with pytest.raises(Fenced):
            await log.append(Write(T1, SAID, version=1, fence=old.fence))
        with pytest.raises(Fenced):
            await log.renew(old, "work")
        assert await length(log) == 1

    async def test_is_not_moved_by_the_slack_queue(self, log: Log):
        claim = await claimed(log)
        await log.claim(REPO, "slack")
        await log.set_offset(REPO, LEASE_MS + 1)
        await log.claim(REPO, "slack")
        assert await log.append(Write(T1, SAID, fence=claim.fence))

    async def test_is_asked_before_the_version(self, log: Log):
        with pytest.raises(Fenced):
            await log.append(Write(T1, SAID, version=7, fence=3))


class TestPark:
    async def test_waits_for_the_next_event(self, log: Log):
        claim = await claimed(log)
        await log.park(claim, "work", version=1, wake_at=None)
        assert await log.claim(REPO, "work") is None
        await log.append(Write(T1, SAID))
        assert await log.claim(REPO, "work") == Claim(T1, 2)

    async def test_waits_for_its_time(self, log: Log):
        claim = await claimed(log)
        await log.park(claim, "work", version=1, wake_at=await log.now(REPO) + 60_000)
        assert await log.claim(REPO, "work") is None
        await log.set_offset(REPO, 60_000)
        assert await log.claim(REPO, "work")

    async def test_is_woken_before_its_time_by_an_event(self, log: Log):
        claim = await claimed(log)
        await log.park(claim, "work", version=1, wake_at=await log.now(REPO) + 60_000)
        await log.append(Write(T1, SAID))
        assert await log.claim(REPO, "work")

    async def test_keeps_its_time_when_the_write_is_silent(self, log: Log):
        claim = await claimed(log)
        await log.park(claim, "work", version=1, wake_at=await log.now(REPO) + 60_000)
        await log.append(Write(T1, SAID, silent=True))
        assert await log.claim(REPO, "work") is None

    async def test_is_due_at_once_with_an_event_that_its_holder_did_not_see(self, log: Log):
        claim = await claimed(log)
        await log.append(Write(T1, SAID))
        await log.park(claim, "work", version=1, wake_at=None)
        assert await log.claim(REPO, "work") == Claim(T1, 2)

    async def test_of_an_older_claim_is_ignored(self, log: Log):
        old = await claimed(log)
        await log.set_offset(REPO, LEASE_MS + 1)
        new = await log.claim(REPO, "work")
        assert new
        await log.park(old, "work", version=1, wake_at=0)
        assert await log.claim(REPO, "work") is None
        await log.renew(new, "work")

    async def test_is_followed_by_a_wake_up_without_events_that_came_meanwhile(self, log: Log):
        claim = await claimed(log)
        await log.append(Write(T1, []))
        await log.park(claim, "work", await length(log), None)
        assert await log.claim(REPO, "work")

    async def test_is_not_followed_by_what_was_written_in_silence(self, log: Log):
        claim = await claimed(log)
        await log.append(Write(T1, [], facts={"a": "b"}, silent=True))
        await log.park(claim, "work", await length(log), None)
        assert await log.claim(REPO, "work") is None

    async def test_done_twice_does_not_undo_a_wake_up(self, log: Log):
        claim = await claimed(log)
        await log.park(claim, "work", version=1, wake_at=None)
        await log.append(Write(T1, SAID))
        await log.park(claim, "work", version=2, wake_at=None)
        assert await log.claim(REPO, "work")

    async def test_ends_the_claim(self, log: Log):
        claim = await claimed(log)
        await log.park(claim, "work", version=1, wake_at=None)
        with pytest.raises(Fenced):
            await log.renew(claim, "work")


class TestLocks:
    async def test_are_taken_and_given_back(self, log: Log):
        await hold(log, "staging", "frontend")
        assert await log.locks(REPO) == {"staging": T1, "frontend": T1}
        await log.append(Write(T1, SAID, release=["staging"]))
        assert await log.locks(REPO) == {"frontend": T1}

    async def test_are_taken_all_or_none(self, log: Log):
        await hold(log, "backend")
        with pytest.raises(Locked) as refused:
            await log.append(Write(T2, SAID, take=["frontend", "backend"], dedupe=["click:1"]))
        assert (refused.value.target, refused.value.holder) == ("backend", T1)
        assert await log.locks(REPO) == {"backend": T1}
        assert await length(log, T2) == 0

    async def test_may_be_taken_again_by_their_holder(self, log: Log):
        await hold(log, "staging")
        assert await log.append(Write(T1, SAID, take=["staging"]))

    async def test_of_others_cannot_be_given_back(self, log: Log):
        await hold(log, "staging")
        await log.append(Write(T2, SAID, release=["staging"]))
        assert await log.locks(REPO) == {"staging": T1}

    async def test_wake_every_waiting_thread_in_the_order_of_their_coming(self, log: Log):
        await hold(log, "staging")
        await log.append(Write(T3, SAID, waits=True, silent=True))
        await log.set_offset(REPO, 1_000)
        await log.append(Write(T2, SAID, waits=True, silent=True))
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.set_offset(REPO, 2_000)
        assert await log.claim(REPO, "work") == Claim(T3, 1)
        assert await log.claim(REPO, "work") == Claim(T2, 1)

    async def test_wake_who_is_urgent_before_all_others(self, log: Log):
        await hold(log, "staging")
        await log.append(Write(T3, SAID, waits=True, silent=True))
        await log.set_offset(REPO, 1_000)
        with pytest.raises(Locked):
            await log.append(Write(T2, SAID, take=["staging"], urgent=True, silent=True))
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.set_offset(REPO, 2_000)
        assert await log.claim(REPO, "work") == Claim(T2, 1)
        assert await log.claim(REPO, "work") == Claim(T3, 1)

    async def test_let_who_becomes_urgent_in_line_come_forward_for_good(self, log: Log):
        await hold(log, "staging")
        for thread_id, urgent in ((T3, False), (T2, False), (T2, True), (T2, False)):
            await log.append(Write(thread_id, SAID, waits=True, urgent=urgent, silent=True))
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.set_offset(REPO, 2_000)
        assert await log.claim(REPO, "work") == Claim(T2, 1)

    async def test_given_back_between_the_refusal_and_the_park_are_not_missed(self, log: Log):
        claim = await claimed(log, T2)
        await hold(log, "staging")
        with pytest.raises(Locked):
            await log.append(Write(T2, SAID, fence=claim.fence, take=["staging"]))
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.park(claim, "work", version=1, wake_at=None)
        assert await log.claim(REPO, "work") == Claim(T2, 2)

    async def test_wake_nobody_who_no_longer_waits(self, log: Log):
        await hold(log, "staging")
        claim = await claimed(log, T2)
        await log.append(Write(T2, SAID, fence=claim.fence, waits=True))
        await log.append(Write(T2, SAID, fence=claim.fence))
        await log.park(claim, "work", version=3, wake_at=None)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        assert await log.claim(REPO, "work") is None


class TestLine:
    """A free lock goes to whoever stands first in line for it and still asks."""

    async def test_nobody_overtakes_the_first(self, log: Log):
        await self.stands(log, T2, T3)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        for overtaking in (T3, T4):
            assert await self.holder_for(log, overtaking) == T2
        assert await self.holder_for(log, T2) is None
        assert await self.holder_for(log, T3) == T2

    async def test_who_took_it_leaves_the_line(self, log: Log):
        await self.stands(log, T2, T3)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        assert await self.holder_for(log, T2) is None
        await log.append(Write(T2, SAID, release=["staging"], silent=True))
        await log.set_offset(REPO, 2_000)
        assert await self.holder_for(log, T2) == T3
        assert await self.holder_for(log, T3) is None

    async def test_who_writes_and_waits_on_keeps_its_place(self, log: Log):
        claim = await claimed(log, T2)
        await self.stands(log, T2, T3)
        await log.set_offset(REPO, 9_000)
        await log.append(Write(T2, SAID, fence=claim.fence, waits=True))
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        assert await self.holder_for(log, T3) == T2

    async def test_who_is_urgent_goes_first_also_when_it_comes_last(self, log: Log):
        await self.stands(log, T2)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.append(Write(T3, SAID, take=["staging"], urgent=True))
        assert await self.holder_for(log, T2) == T3

    async def test_who_asks_no_more_holds_up_nobody_for_long(self, log: Log):
        await self.stands(log, T2, T3)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.set_offset(REPO, 29_000)
        assert await self.holder_for(log, T3) == T2
        await log.set_offset(REPO, 40_000)
        assert await self.holder_for(log, T3) is None

    async def test_who_waits_for_another_lock_holds_up_nobody(self, log: Log):
        await self.stands(log, T2)
        assert await log.append(Write(T3, SAID, take=["backend"]))

    async def test_who_never_asked_holds_up_nobody(self, log: Log):
        await log.append(Write(T2, SAID, waits=True, silent=True))
        assert await self.holder_for(log, T3) is None

    async def test_the_next_one_looks_when_the_first_leaves_it(self, log: Log):
        claim = await claimed(log, T2)
        await self.stands(log, T2, T3)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        await log.set_offset(REPO, 2_000)
        second = await log.claim(REPO, "work")
        assert second
        assert second.thread_id == T3
        assert await self.holder_for(log, T3) == T2
        await log.park(second, "work", version=0, wake_at=None)
        assert await log.claim(REPO, "work") is None
        await log.append(Write(T2, SAID, fence=claim.fence))
        assert await log.claim(REPO, "work") == Claim(T3, 2)
        assert await self.holder_for(log, T3) is None

    async def test_the_same_write_again_takes_it_once(self, log: Log):
        await self.stands(log, T2, T3)
        await log.append(Write(T1, SAID, release=["staging"], silent=True))
        takes = Write(T2, SAID, take=["staging"], name="takes")
        await log.append(takes)
        await log.append(Write(T2, SAID, release=["staging"], silent=True))
        assert await log.append(takes)
        assert await log.locks(REPO) == {}
        assert await self.holder_for(log, T3) is None

    async def stands(self, log: Log, *threads: str) -> None:
        """Let the first thread hold staging, and others ask for it, a second apart."""
        await hold(log, "staging")
        for number, thread_id in enumerate(threads):
            await log.set_offset(REPO, 1_000 * number)
            assert await self.holder_for(log, thread_id) == T1

    async def holder_for(self, log: Log, thread_id: str) -> str | None:
        """Let a thread ask for staging, and return whom it has to wait for."""
        try:
            await log.append(Write(thread_id, SAID, take=["staging"], silent=True))
        except Locked as locked:
            return locked.holder
        return None


class TestRecords:
    async def test_facts_are_set_and_deleted(self, log: Log):
        await log.append(Write(T1, SAID, facts={"frontend": "4af9ec0", "hold": "bad"}))
        await log.append(Write(T2, SAID, facts={"hold": None, "backend": ""}))
        assert await log.facts(REPO) == {"frontend": "4af9ec0", "backend": ""}

    async def test_history_is_newest_first_and_bounded(self, log: Log):
        await log.append(Write(T1, SAID, history=[str(number) for number in range(510)]))
        await log.append(Write(T2, SAID, history=["newest"]))
        assert await log.history(REPO, 3) == ["newest", "509", "508"]
        assert len(await log.history(REPO, 1_000)) == 500
        assert await log.history(REPO, 0) == []

    async def test_slack_messages_lead_to_their_thread(self, log: Log):
        await log.append(Write(T1, SAID, index=["C01DEPLOYS|1.2", "C01DEPLOYS|1.3"]))
        assert await log.find(REPO, "C01DEPLOYS", "1.3") == T1
        assert await log.find(REPO, "C01DEPLOYS", "1.4") is None

    async def test_threads_are_newest_first(self, log: Log):
        for offset, thread_id in enumerate((T2, T1, T3)):
            await log.set_offset(REPO, offset * 1_000)
            await log.append(Write(thread_id, SAID))
        await log.append(Write(T2, SAID))
        assert await log.threads(REPO, 2) == [T3, T1]

    async def test_are_not_changed_by_a_refused_write(self, log: Log):
        refused = Write(T1, SAID, version=7, facts={"a": "b"}, history=["h"], index=["C|1"])
        with pytest.raises(Conflict):
            await log.append(refused)
        assert await log.facts(REPO) == {}
        assert await log.history(REPO, 9) == []
        assert await log.find(REPO, "C", "1") is None

    async def test_change_without_events(self, log: Log):
        await log.append(Write(T1, [], facts={"a": "b"}))
        assert await log.facts(REPO) == {"a": "b"}
        assert await log.threads(REPO, 9) == []

    async def test_marks_of_what_was_sent_are_kept_for_each_slot(self, log: Log):
        await log.mark_sent(T1, "status", "old")
        await log.mark_sent(T1, "status", "new")
        await log.mark_sent(T1, "card:1", "card")
        assert await log.sent(T1) == {"status": "new", "card:1": "card"}
        assert await log.sent(T2) == {}


class TestElsewhere:
    async def shown(self, log: Log, *threads: str) -> None:
        """Begin threads whose messages are up to date."""
        for thread_id in threads:
            await log.append(Write(thread_id, SAID))
        while claim := await log.claim(REPO, "slack"):
            await log.park(claim, "slack", 1, None)

    async def test_what_is_shown_elsewhere_has_other_messages_looked_at_anew(self, log: Log):
        await self.shown(log, T1, T2, T3)
        await log.append(Write(T1, SAID, elsewhere=True))
        claims = [await log.claim(REPO, "slack") for _ in range(4)]
        assert {claim.thread_id for claim in claims if claim} == {T1, T2, T3}
        assert claims[3] is None

    async def test_the_worker_looks_at_who_rests_until_a_time(self, log: Log):
        for thread_id in (T1, T2, T3):
            await log.append(Write(thread_id, SAID))
        rests = {T1: None, T2: await log.now(REPO) + 3_600_000, T3: None}
        while claim := await log.claim(REPO, "work"):
            await log.park(claim, "work", 1, rests[claim.thread_id])
        await log.append(Write(T1, SAID, elsewhere=True))
        claims = [await log.claim(REPO, "work") for _ in range(3)]
        assert {claim.thread_id for claim in claims if claim} == {T1, T2}

    async def test_the_worker_looks_once_more_at_who_it_works_on(self, log: Log):
        await log.append(Write(T2, SAID))
        claim = await log.claim(REPO, "work")
        assert claim
        await log.append(Write(T1, [], elsewhere=True, silent=True))
        await log.park(claim, "work", 1, None)
        again = await log.claim(REPO, "work")
        assert again
        assert again.thread_id == T2

    async def test_the_worker_looks_at_nobody_who_waits_for_no_time(self, log: Log):
        await self.shown(log, T1, T2)
        while claim := await log.claim(REPO, "work"):
            await log.park(claim, "work", 1, None)
        await log.append(Write(T1, SAID, elsewhere=True))
        claim = await log.claim(REPO, "work")
        assert claim
        assert claim.thread_id == T1
        assert await log.claim(REPO, "work") is None

    async def test_who_is_looked_at_just_then_is_looked_at_once_more(self, log: Log):
        await self.shown(log, T1)
        await log.append(Write(T2, SAID))
        claim = await log.claim(REPO, "slack")
        assert claim
        await log.append(Write(T1, SAID, elsewhere=True))
        await log.park(claim, "slack", 1, None)
        again = {c.thread_id for _ in range(2) if (c := await log.claim(REPO, "slack"))}
        assert again == {T1, T2}

    async def test_who_rests_until_a_time_is_looked_at_now_and_a_plain_write_leaves_it(
        self, log: Log
    ):
        await log.append(Write(T2, SAID))
        claim = await log.claim(REPO, "slack")
        assert claim
        await log.park(claim, "slack", 1, await log.now(REPO) + 3_600_000)
        await log.append(Write(T1, SAID))
        first = await log.claim(REPO, "slack")
        assert first
        assert (first.thread_id, await log.claim(REPO, "slack")) == (T1, None)
        await log.append(Write(T1, SAID, elsewhere=True))
        second = await log.claim(REPO, "slack")
        assert second
        assert second.thread_id == T2

    async def test_whom_a_write_wakes_has_its_worker_and_its_messages_look(self, log: Log):
        await self.shown(log, T1, T2, T3)
        while claim := await log.claim(REPO, "work"):
            await log.park(claim, "work", 1, None)
        await log.append(Write(T1, SAID, wake=[T2]))
        for queue in ("work", "slack"):
            claims = [await log.claim(REPO, queue) for _ in range(3)]
            assert {claim.thread_id for claim in claims if claim} == {T1, T2}

    async def test_who_waits_for_what_a_write_tells_of_has_its_worker_look(self, log: Log):
        await self.shown(log, T1, T2, T3)
        waits = {f"waits/{T2}": "thread/x", f"waits/{T3}": "thread/y", "lock/backend": "thread/x"}
        await log.append(Write(T1, [], facts=waits, silent=True))
        while claim := await log.claim(REPO, "work"):
            await log.park(claim, "work", 1, None)
        await log.append(Write(T1, SAID, tells=["thread/x"], silent=True))
        claims = [await log.claim(REPO, "work") for _ in range(2)]
        assert {claim.thread_id for claim in claims if claim} == {T2}

    async def test_who_is_worked_on_when_it_is_woken_is_due_as_soon_as_it_is_given_back(
        self, log: Log
    ):
        await log.append(Write(T2, SAID))
        claim = await log.claim(REPO, "work")
        assert claim
        await log.append(Write(T1, SAID, wake=[T2]))
        await log.park(claim, "work", 1, None)
        woken = {c.thread_id for _ in range(2) if (c := await log.claim(REPO, "work"))}
        assert woken == {T1, T2}


class TestWaiting:
    async def test_ends_when_a_thread_becomes_due(self, log: Log):
        waiting = asyncio.create_task(log.wait_for_work("work", 60))

        async def woken() -> bool:
            await log.append(Write(T1, SAID))
            return waiting.done()

        await until(woken)

    async def test_ends_after_its_seconds(self, log: Log):
        async with asyncio.timeout(10):
            await log.wait_for_work("work", 0.01)
