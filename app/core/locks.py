"""What keeps a service as it is: people's locks, which are facts, and freezes, which are planned.

What keeps a service keeps the jobs that run before it: they change what it works with.
Times are in milliseconds since the epoch. Nobody is asked here whether they may do anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from app.core.config import RepoConfig
from app.core.events import Block, ServiceLocked
from app.core.freezes import Freeze
from app.core.inert import inline
from app.core.instant import Instant
from app.core.writing import local, mentions, when

FACT = "lock/"
SOMEBODY = "somebody"
UNREADABLE = "its record cannot be read"
MAX_REASON = 200


class _Fact(BaseModel, frozen=True, strict=True):
    user: str = Field(min_length=1)
    reason: str
    at: Instant
    until: Instant | None
    thread: str = Field(pattern=r"^[^/]+/[^/]+/[^/]+$")


@dataclass(frozen=True, slots=True)
class Lock:
    """A person's lock, and the thread that placed it: "" where its record cannot be read."""

    block: Block
    thread_id: str


def facts_of(event: ServiceLocked, thread_id: str, now: int) -> dict[str, str | None]:
    """Return the facts that an event brings, for each service."""
    fact = {"user": event.user, "reason": event.reason, "at": now, "until": event.until}
    told = json.dumps({**fact, "thread": thread_id})
    return {f"{FACT}{service}": told for service in event.services}


def lock_on(facts: Mapping[str, str], service: str, now: int) -> Lock | None:
    """Return the lock that is in force on a service."""
    recorded = facts.get(f"{FACT}{service}")
    if recorded is None:
        return None
    try:
        fact = _Fact.model_validate_json(recorded)
    except ValidationError:  # somebody's hand: it stays locked until an approver ends it
        return Lock(Block(service=service, user=SOMEBODY, reason=UNREADABLE, since=0), "")
    if fact.until is not None and fact.until <= now:
        return None
    block = Block(
        service=service, user=fact.user, reason=fact.reason, since=fact.at, until=fact.until
    )
    return Lock(block, fact.thread)


def locked_services(facts: Mapping[str, str]) -> list[str]:
    """Return the services and jobs that somebody locked at some time."""
    return sorted(fact.removeprefix(FACT) for fact in facts if fact.startswith(FACT))


def frozen(repo: RepoConfig, name: str, now: int) -> Block | None:
    """Return the freeze in force on a service or a job; of several, the one that ends last."""
    found: list[Block] = []
    for each, freeze in _freezes(repo, name):
        window = freeze.calendar.window(now)
        if window:
            since, until = window
            found.append(Block(service=each, reason=freeze.reason, since=since, until=until))
    return max(found, key=lambda block: block.until or 0, default=None)


def on(repo: RepoConfig, facts: Mapping[str, str], name: str, now: int) -> tuple[Block, ...]:
    """Return everything that is in force on a service or a job: locks first, then its freeze."""
    found = (lock_on(facts, each, now) for each in _with_its_service(repo, name))
    freeze = frozen(repo, name, now)
    return (*(lock.block for lock in found if lock), *([freeze] if freeze else []))


def in_force(repo: RepoConfig, facts: Mapping[str, str], now: int) -> list[Block]:
    """Return what is in force on all services, and the locks that jobs have of their own."""
    of_jobs = (lock_on(facts, job, now) for job in repo.production.jobs)
    of_services = (on(repo, facts, service, now) for service in repo.production.services)
    return [*(b for each in of_services for b in each), *(lock.block for lock in of_jobs if lock)]


def _with_its_service(repo: RepoConfig, name: str) -> tuple[str, ...]:
    """Return a service; or a job and the service that it changes by running before it."""
    target = repo.production.targets.get(name)
    return (name, target.before) if target and target.before else (name,)


def _freezes(repo: RepoConfig, name: str) -> list[tuple[str, Freeze]]:
    names = _with_its_service(repo, name) if name in repo.production.targets else ()
    return [(each, freeze) for each in names for freeze in repo.freezes_of(each)]


def next_change(repo: RepoConfig, facts: Mapping[str, str], name: str, now: int) -> int | None:
    """Return when what is in force on it ends by itself, or the next freeze begins."""
    if name not in repo.production.targets:
        return None
    times = [block.until for block in on(repo, facts, name, now)]
    times += [freeze.calendar.next_start(now) for _, freeze in _freezes(repo, name)]
    return min((time for time in times if time is not None), default=None)


def told(block: Block, owner: str = "") -> str:
    """Say what is in force, in Slack's markup; without the name of the `owner`, mention them."""
    until = f" until {when(block.until)}" if block.until is not None else ""
    reason = f": {inline(block.reason, MAX_REASON)}" if block.reason else ""
    if block.user == SOMEBODY:
        return f"{inline(block.service, 60)} is locked by {SOMEBODY}: {UNREADABLE}"
    if block.user:
        by = f"locked by {owner or mentions([block.user])} since {when(block.since)}"
        return f"{inline(block.service, 60)} is {by}{until}{reason}"
    return f"{inline(block.service, 60)} is frozen since {when(block.since)}{until}{reason}"


def plainly(block: Block, repo: RepoConfig) -> str:
    """Say the same in plain text: people by their logins, times in the repository's zone."""
    until = f" until {local(block.until, repo.zone)}" if block.until is not None else ""
    since = local(block.since, repo.zone)
    if block.user == SOMEBODY:
        return f"locked by {SOMEBODY}: {UNREADABLE}"
    if not block.user:
        return f"frozen since {since}{until}: {block.reason}"
    logins = (login for login, user in repo.people.items() if user == block.user)
    who = next(logins, None) or block.user
    reason = f": {block.reason}" if block.reason else ""
    return f"locked by {who} since {since}{until}{reason}"
