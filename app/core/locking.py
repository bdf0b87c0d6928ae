"""What locking and unlocking words come to: anyone locks, approvers and who locked it unlock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.core import events as ev
from app.core import ledger, locks, policy
from app.core.clicks import Accepted, Decision, Refused
from app.core.config import RepoConfig
from app.core.events import Block
from app.core.fold import fold
from app.core.lock_words import LockWish, UnlockWish
from app.core.locks import Lock
from app.core.people import is_group
from app.core.policy import Denied, Person
from app.core.ports import Look, Write
from app.core.writing import listed

ENDS = "Whoever locked it, or an approver, ends that with `unlock {}`."


def lock(wish: LockWish, user: str, facts: Mapping[str, str], now: int) -> Decision:
    """Lock services for a person; an own lock is replaced, another's stays as it is."""
    others = _of_others(wish, user, facts, now)
    left = _left(wish, others)
    if not left:
        return Refused(f"{_told(others)} Nothing new was locked.")
    locked = ev.ServiceLocked(
        services=left, user=user, reason=wish.reason, until=wish.until, chosen=wish.chosen
    )
    return Accepted((locked,))


def untaken(wish: LockWish, user: str, facts: Mapping[str, str], now: int) -> str:
    """Say what of a lock could not be had because others locked it; "" where all could."""
    others = _of_others(wish, user, facts, now)
    return f"{_told(others)} I locked the rest: {listed(_left(wish, others))}." if others else ""


def _left(wish: LockWish, others: Sequence[Block]) -> tuple[str, ...]:
    taken = {block.service for block in others}
    return tuple(service for service in wish.services if service not in taken)


def _of_others(wish: LockWish, user: str, facts: Mapping[str, str], now: int) -> list[Block]:
    found = [lock.block for lock in standing(wish, facts, now)]
    return [block for block in found if block.user != user]


def _told(blocks: Sequence[Block]) -> str:
    """Say who locked what, and how that ends."""
    ends = ENDS.format(listed([block.service for block in blocks]))
    return "\n".join([*map(locks.told, blocks), ends])


def standing(wish: LockWish | UnlockWish, facts: Mapping[str, str], now: int) -> list[Lock]:
    """Return the locks that are in force on the services that words are about."""
    found = (locks.lock_on(facts, service, now) for service in wish.services)
    return [lock for lock in found if lock]


def unlock(
    wish: UnlockWish,
    user: str,
    people: Mapping[str, Person],
    facts: Mapping[str, str],
    now: int,
) -> dict[str, ev.ServiceUnlocked] | Refused:
    """End locks, all or none: return what each thread that placed some has to write.

    `people` says for each service who the person is now; it is not asked about an own lock.
    """
    found = standing(wish, facts, now)
    if not found:
        which = wish.services[0] if len(wish.services) == 1 else "Nothing"
        return Refused(f"{which} is {'not ' if len(wish.services) == 1 else ''}locked.")
    by_thread: dict[str, list[str]] = {}
    for lock in found:
        service = lock.block.service
        if lock.block.user != user:
            verdict = policy.may_decide(wish.repo, service, people[service])
            if isinstance(verdict, Denied):
                told = locks.told(lock.block)
                return Refused(f"{told}\n{verdict.reason} {ENDS.format(service)}")
        by_thread.setdefault(lock.thread_id, []).append(service)
    return {
        thread_id: ev.ServiceUnlocked(services=tuple(services), user=user, reason=wish.reason)
        for thread_id, services in by_thread.items()
    }


def may_not_end(repo: RepoConfig, lock: Lock, person: Person, asked: bool) -> str:
    """Say why a person may not end a lock on the command line, "" if they may: as in Slack.

    Slack was `asked` who the person is, or only the configuration says so.
    """
    service, by = lock.block.service, lock.block.user
    if person.user_id == by:
        return ""
    if wrong := policy.flaw(person):
        return f"{person.user_id}: {wrong}"
    approvers = approvers_of(repo, service)
    if not {person.user_id, *person.groups}.isdisjoint(approvers):
        return ""
    named = ", ".join(approvers) or "none are configured"
    unknown = not asked and any(map(is_group, approvers))
    groups = " Slack does not say now who is in a user group." if unknown else ""
    return (
        f"{person.user_id} may not unlock {service}: only {by}, who locked it, and its approvers "
        f"may ({named}).{groups}"
    )


def approvers_of(repo: RepoConfig, service: str) -> tuple[str, ...]:
    """Return who may end others' locks of a service, also of one that is no longer configured."""
    is_there = service in repo.production.targets
    return repo.approvers_of(service) if is_there else repo.approvers


def ending(
    repo: str,
    here: Look,
    event: ev.ServiceUnlocked,
    seen: Mapping[str, str],
    keys: Sequence[str] = (),
) -> Write:
    """Build the write that ends locks in the thread that placed them, as it is `here`.

    Where that is gone, or nobody can read which it was, nothing is left that could say so.
    """
    state = fold(here.entries)
    write = ledger.write(state, [event], here.now, state.version, seen=seen, dedupe=keys)
    if state.thread_id and state.repo == repo:
        return write
    return replace(write, thread_id=f"{repo}/-", events=(), version=None, silent=True)
