"""What keeps a service as it is: people's locks, which are facts, and freezes, which are planned.

Times are in milliseconds since the epoch. Nobody is asked here whether they may do anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from app.core.config import RepoConfig
from app.core.events import Block, ServiceLocked
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
    """Return the services that somebody locked at some time."""
    return sorted(fact.removeprefix(FACT) for fact in facts if fact.startswith(FACT))


def frozen(repo: RepoConfig, service: str, now: int) -> Block | None:
    """Return the freeze that is in force on a service; of several, the one that ends last."""
    found: list[Block] = []
    if service not in repo.production.targets:
        return None
    for freeze in repo.freezes_of(service):
        window = freeze.calendar.window(now)
        if window:
            since, until = window
            found.append(Block(service=service, reason=freeze.reason, since=since, until=until))
    return max(found, key=lambda block: block.until or 0, default=None)


def on(repo: RepoConfig, facts: Mapping[str, str], service: str, now: int) -> tuple[Block, ...]:
    """Return everything that is in force on a service: its lock first, then its freeze."""
    lock, freeze = lock_on(facts, service, now), frozen(repo, service, now)
    return (*([lock.block] if lock else []), *([freeze] if freeze else []))


def next_change(repo: RepoConfig, facts: Mapping[str, str], service: str, now: int) -> int | None:
    """Return when a lock or a freeze of a service ends by itself, or the next freeze begins."""
    if service not in repo.production.targets:
        return None
    times = [block.until for block in on(repo, facts, service, now)]
    times += [freeze.calendar.next_start(now) for freeze in repo.freezes_of(service)]
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
