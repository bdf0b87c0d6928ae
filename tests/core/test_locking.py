"""Who may lock and unlock what, and what it comes to: a fact, an event, or a sentence."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core import events as ev
from app.core import ledger, locking, locks, policy
from app.core.clicks import Accepted, Refused
from app.core.config import EnvironmentConfig, TargetConfig
from app.core.fold import fold
from app.core.freezes import Freeze
from app.core.lock_words import LockWish, UnlockWish
from app.core.policy import Person
from app.core.spec import ActionSpec
from tests.fake_calendar import freeze
from tests.shop import ALICE, BOB, CARA, repo_config
from tests.story import START, THREAD, Story

SHOP = repo_config()
OTHER = "acme/shop/fedcba9876"
BOTH = ("frontend", "backend")


def facts(*locked: ev.ServiceLocked, thread_id: str = THREAD) -> dict[str, str]:
    """Return the facts that locks leave, each placed at the start."""
    found: dict[str, str] = {}
    for lock in locked:
        found |= {k: v or "" for k, v in locks.facts_of(lock, thread_id, START).items()}
    return found


def by(user: str, *services: str, until: int | None = None) -> ev.ServiceLocked:
    return ev.ServiceLocked(services=services, user=user, reason="load test", until=until)


def wants(*services: str, until: int | None = None, reason: str = "") -> LockWish:
    return LockWish(SHOP, services, until, reason)


def unlock(
    user: str,
    services: tuple[str, ...],
    standing: dict[str, str],
    now: int = START,
    deleted: bool = False,
) -> dict[str, ev.ServiceUnlocked] | Refused:
    people = dict.fromkeys(services, Person(user, deleted=deleted))
    return locking.unlock(UnlockWish(SHOP, services), user, people, standing, now)


def sentence(refused: object) -> str:
    assert isinstance(refused, Refused)
    return refused.sentence


# Locking.


def test_anyone_locks_what_nobody_has_locked() -> None:
    decision = locking.lock(wants("backend", until=START + 1, reason="why"), ALICE, {}, START)
    locked = ev.ServiceLocked(services=("backend",), user=ALICE, reason="why", until=START + 1)
    assert decision == Accepted((locked,))


def test_nobody_locks_what_another_has_locked() -> None:
    told = sentence(locking.lock(wants("backend"), BOB, facts(by(ALICE, "backend")), START))
    assert told.startswith("backend is locked by <@U01ALICE> since <!date^")
    assert told.endswith(
        "Whoever locked it, or an approver, ends that with `unlock backend`. "
        "Nothing new was locked."
    )


def test_of_several_what_nobody_else_has_locked_is_locked_and_the_rest_is_told() -> None:
    standing = facts(by(ALICE, "backend"))
    decision = locking.lock(wants(*BOTH), BOB, standing, START)
    assert decision == Accepted((ev.ServiceLocked(services=("frontend",), user=BOB),))
    told = locking.untaken(wants(*BOTH), BOB, standing, START)
    assert told.startswith("backend is locked by <@U01ALICE> since <!date^")
    assert told.endswith("ends that with `unlock backend`. I locked the rest: frontend.")
    assert locking.untaken(wants(*BOTH), ALICE, standing, START) == ""


def test_where_others_have_locked_all_of_several_each_of_them_is_told() -> None:
    standing = facts(by(ALICE, "frontend")) | facts(by(CARA, "backend"), thread_id=OTHER)
    told = sentence(locking.lock(wants(*BOTH), BOB, standing, START)).splitlines()
    assert told[0].startswith("frontend is locked by <@U01ALICE>")
    assert told[1].startswith("backend is locked by <@U03CARA>")
    assert told[2] == (
        "Whoever locked it, or an approver, ends that with `unlock frontend and backend`. "
        "Nothing new was locked."
    )


def test_an_own_lock_is_replaced() -> None:
    decision = locking.lock(wants("backend"), ALICE, facts(by(ALICE, "backend")), START)
    assert isinstance(decision, Accepted)


def test_a_lock_that_is_over_is_in_nobodys_way() -> None:
    over = facts(by(ALICE, "backend", until=START + 1000))
    assert isinstance(locking.lock(wants("backend"), BOB, over, START + 999), Refused)
    assert isinstance(locking.lock(wants("backend"), BOB, over, START + 1000), Accepted)


# Unlocking.


def test_an_approver_unlocks() -> None:
    ends = unlock(BOB, ("backend",), facts(by(ALICE, "backend")))
    assert ends == {THREAD: ev.ServiceUnlocked(services=("backend",), user=BOB)}


def test_who_locked_it_unlocks_it() -> None:
    ends = unlock(ALICE, ("backend",), facts(by(ALICE, "backend")))
    assert ends == {THREAD: ev.ServiceUnlocked(services=("backend",), user=ALICE)}


def test_the_reason_of_an_unlock_is_kept() -> None:
    wish = UnlockWish(SHOP, ("backend",), "load test is over")
    ends = locking.unlock(wish, ALICE, {}, facts(by(ALICE, "backend")), START)
    unlocked = ev.ServiceUnlocked(services=("backend",), user=ALICE, reason="load test is over")
    assert ends == {THREAD: unlocked}


def test_nobody_else_unlocks() -> None:
    told = sentence(unlock("U09DAVE", ("backend",), facts(by(ALICE, "backend"))))
    assert "You are not an approver of backend. These are: <@U02BOB>, <@U03CARA>." in told
    assert told.startswith("backend is locked by <@U01ALICE>")


def test_a_deactivated_approver_does_not_unlock() -> None:
    told = sentence(unlock(BOB, ("backend",), facts(by(ALICE, "backend")), deleted=True))
    assert "deactivated" in told


def test_all_or_none_are_unlocked_each_in_the_thread_that_placed_it() -> None:
    standing = facts(by(ALICE, "frontend")) | facts(by(CARA, "backend"), thread_id=OTHER)
    assert unlock(BOB, BOTH, standing) == {
        THREAD: ev.ServiceUnlocked(services=("frontend",), user=BOB),
        OTHER: ev.ServiceUnlocked(services=("backend",), user=BOB),
    }
    assert isinstance(unlock(ALICE, BOTH, standing), Refused)


@pytest.mark.parametrize(
    ("services", "said"), [(("backend",), "backend is not locked."), (BOTH, "Nothing is locked.")]
)
def test_what_is_not_locked_is_not_unlocked(services: tuple[str, ...], said: str) -> None:
    over = facts(by(ALICE, "backend", until=START))
    assert sentence(unlock(BOB, services, over)) == said


# On the command line.


def may_not_end(person: Person, service: str = "backend", asked: bool = True, **repo: Any) -> str:
    """Say why a person may not end alice's lock."""
    lock = locks.lock_on(facts(by(ALICE, service)), service, START)
    assert lock
    return locking.may_not_end(repo_config(**repo), lock, person, asked)


def test_the_command_line_ends_locks_for_who_locked_it_and_for_approvers() -> None:
    assert may_not_end(Person(ALICE, deleted=True)) == ""
    assert may_not_end(Person(BOB), asked=False) == ""
    assert may_not_end(Person("U09DAVE", groups=frozenset({"S0WEB"})), approvers=("S0WEB",)) == ""


def test_the_command_line_ends_locks_for_nobody_else() -> None:
    said = "U09DAVE may not unlock backend: only U01ALICE, who locked it, and its approvers may "
    assert may_not_end(Person("U09DAVE")) == f"{said}(U02BOB, U03CARA)."
    assert may_not_end(Person("U09DAVE"), approvers=()) == f"{said}(none are configured)."
    assert may_not_end(Person("U09DAVE"), approvers=("S0WEB",)) == f"{said}(S0WEB)."
    unasked = may_not_end(Person("U09DAVE"), asked=False, approvers=("S0WEB",))
    assert unasked == f"{said}(S0WEB). Slack does not say now who is in a user group."


def test_the_command_line_ends_locks_for_no_account_that_decides_nothing() -> None:
    assert may_not_end(Person(BOB, deleted=True)) == (
        "U02BOB: This Slack account is deactivated, so it cannot decide about production."
    )


def test_approvers_of_the_repository_end_a_lock_of_what_is_no_longer_configured() -> None:
    assert may_not_end(Person(BOB), "api") == ""
    assert may_not_end(Person("U09DAVE"), "api").startswith("U09DAVE may not unlock api: only")


# What it leaves behind.


def test_a_lock_is_a_fact_until_it_is_unlocked() -> None:
    state = Story().merged().state
    locked = by(ALICE, *BOTH, until=START + 5)
    write = ledger.write(state, [locked], START)
    fact = {"user": ALICE, "reason": "load test", "at": START, "until": START + 5}
    for service in BOTH:
        assert json.loads(write.facts[f"lock/{service}"] or "") == {**fact, "thread": THREAD}
    assert write.elsewhere
    unlocked = ev.ServiceUnlocked(services=("backend",), user=BOB)
    write = ledger.write(state, [unlocked], START)
    assert (write.facts, write.elsewhere) == ({"lock/backend": None}, True)


def test_what_was_ever_locked_is_listed_also_when_it_is_no_service_any_more() -> None:
    standing = {"running/backend": "{}"} | facts(by(ALICE, "frontend", "api"))
    assert locks.locked_services(standing) == ["api", "frontend"]


def test_other_writes_are_shown_in_their_own_thread_alone() -> None:
    state = Story().merged().state
    assert not ledger.write(state, [ev.HumanSaid(user=BOB, text="hi")], START).elsewhere


def test_a_thread_that_only_locks_waits_for_nothing() -> None:
    story = Story().began_by_command().then(by(ALICE, "backend"))
    assert story.state.only_locks
    assert story.state.lockings[0].opens
    assert not story.then(ev.HumanSaid(user=BOB, text="hi")).state.only_locks


def test_an_unlock_of_what_the_log_does_not_know_is_no_puzzle() -> None:
    story = Story().merged().then(ev.ServiceUnlocked(services=("backend",), user=BOB))
    assert fold(story.entries).newer == []


# What stands against an action.


def spec(kind: str = "deploy") -> ActionSpec:
    card = Story().merged().staged().asks(kind=kind).state.pending
    assert card
    return card.request.spec


def blocked(kind: str, standing: dict[str, str], now: int, *freezes: Freeze) -> str:
    """Return who or what stands against a deploy or rollback of the backend."""
    block = policy.blocked_by(repo_config(freeze=freezes), spec(kind), standing, now)
    return (block.user or block.reason) if block else ""


@pytest.mark.parametrize("kind", ["deploy", "rollback"])
def test_a_lock_stands_against_deploys_and_rollbacks_until_it_ends(kind: str) -> None:
    standing = facts(by(ALICE, "backend", until=START + 10))
    assert blocked(kind, standing, START + 9) == ALICE
    assert blocked(kind, standing, START + 10) == ""
    assert blocked(kind, facts(by(ALICE, "frontend")), START) == ""
    assert blocked(kind, facts(by(ALICE, "backend")), START + 10**12) == ALICE


def test_a_freeze_stands_against_deploys_alone() -> None:
    weekend = freeze(START, START + 10)
    assert blocked("deploy", {}, START - 1, weekend) == ""
    assert blocked("deploy", {}, START, weekend) == "weekend"
    assert blocked("deploy", {}, START + 10, weekend) == ""
    assert blocked("rollback", {}, START, weekend) == ""


def test_a_lock_in_a_freeze_stands_against_a_rollback() -> None:
    standing = facts(by(ALICE, "backend"))
    assert blocked("rollback", standing, START, freeze(START, START + 10)) == ALICE


def test_of_several_freezes_the_one_that_ends_last_counts() -> None:
    freezes = (freeze(START, START + 10), freeze(START, START + 20, "holidays"))
    assert blocked("deploy", {}, START, *freezes) == "holidays"


def test_a_service_has_the_freezes_of_its_own_instead() -> None:
    own = TargetConfig(deployer="command", options={}, freeze=())
    production = EnvironmentConfig(services={"backend": own})
    repo = repo_config(production=production, freeze=(freeze(START, START + 10),))
    assert policy.blocked_by(repo, spec(), {}, START) is None


def test_what_is_no_longer_configured_is_frozen_by_nothing() -> None:
    services = {"frontend": TargetConfig(deployer="command", options={})}
    repo = repo_config(
        production=EnvironmentConfig(services=services), freeze=(freeze(START, START + 10),)
    )
    assert locks.on(repo, {}, "backend", START) == ()
    assert locks.next_change(repo, {}, "backend", START) is None


def test_the_next_change_is_an_end_or_a_beginning() -> None:
    standing = facts(by(ALICE, "backend", until=START + 30))
    assert locks.next_change(SHOP, standing, "backend", START) == START + 30
    assert locks.next_change(SHOP, facts(by(ALICE, "backend")), "backend", START) is None
    repo = repo_config(freeze=(freeze(START + 20, START + 40),))
    assert locks.next_change(repo, standing, "backend", START) == START + 20
    assert locks.next_change(repo, {}, "backend", START + 20) == START + 40


def test_it_is_said_plainly_for_the_model_and_the_terminal() -> None:
    repo = repo_config(zone=ZoneInfo("Europe/Berlin"))
    lock = ev.Block(service="backend", user=ALICE, reason="load test", since=START, until=START)
    assert locks.plainly(lock, repo) == (
        "locked by alice since 2027-01-15 09:00 Europe/Berlin "
        "until 2027-01-15 09:00 Europe/Berlin: load test"
    )
    bare = ev.Block(service="backend", user="U09DAVE", since=START)
    assert locks.plainly(bare, repo) == "locked by U09DAVE since 2027-01-15 09:00 Europe/Berlin"
    weekend = ev.Block(service="backend", reason="weekend", since=START, until=START)
    assert locks.plainly(weekend, repo).startswith("frozen since 2027-01-15 09:00 Europe/Berlin")
