"""`deploybot locks`: everything that keeps targets as they are, and the end of a person's lock."""

import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

from app.configuration import load_repos_after
from app.core import ledger, locking, locks
from app.core.config import RepoConfig
from app.core.errors import Conflict, UserError
from app.core.events import ServiceUnlocked, ToolStarted
from app.core.people import Person
from app.core.untrusted import one_line
from app.core.writing import exact_time, short
from app.parts import build_deployers, build_github, open_log
from app.redis.log import RedisLog
from app.settings import Settings, read_settings
from app.slack.people import SlackPeople
from app.tables import USER_ID

TRIES = 10


async def list_locks() -> int:
    """Print people's locks, freezes in force, holds, and the targets that threads have locked."""
    settings, problems = read_settings()
    deployers = build_deployers(settings, build_github(settings))
    repos = load_repos_after(problems, settings.deploybot_config, deployers)
    async with open_log(settings, is_there=True) as log:
        for name, repo in repos.items():
            async for target, what in _found(log, repo):
                sys.stdout.write(f"{one_line(f'{name}  {target}  {what}')}\n")
    return 0


async def release(repo: str, service: str, user: str) -> int:
    """End a person's lock for `user`, who has to be somebody who may, in the thread that placed it.

    Raise `UserError` where nothing is locked, or by somebody else whose locks the user cannot end.
    Who can run this has the store: it keeps the record true, and nobody out.
    """
    if not USER_ID.fullmatch(user):
        raise UserError(f"--user has to be a Slack user id (U…), and {user!r} is not.")
    settings, problems = read_settings()
    deployers = build_deployers(settings, build_github(settings))
    repos = load_repos_after(problems, settings.deploybot_config, deployers)
    if repo not in repos:
        raise UserError(f"{repo!r} is no repository that is configured.")
    async with open_log(settings, is_there=True) as log:
        person = await _asked(settings, locking.approvers_of(repos[repo], service), user)
        for _ in range(TRIES):
            with suppress(Conflict):
                who_says_so = await _ended(log, repos[repo], service, user, person)
                sys.stdout.write(f"{service} is unlocked; {who_says_so}.\n")
                return 0
    raise UserError("Its thread changes all the time, so nothing was recorded. Try again.")


async def _asked(settings: Settings, approvers: Sequence[str], user: str) -> Person | None:
    """Ask Slack who a user is; None where it does not say."""
    if not settings.slack_bot_token:
        return None
    people = SlackPeople(settings.slack_bot_token, settings.slack_api_url, time.monotonic)
    with suppress(UserError):
        return await people.person(user, approvers)
    return None


async def _ended(
    log: RedisLog, repo: RepoConfig, service: str, user: str, person: Person | None
) -> str:
    """Write the end of a lock, and say which thread tells it; raise `Conflict` if it moved on."""
    facts, now = await log.facts(repo.name), await log.now(repo.name)
    lock = locks.lock_on(facts, service, now)
    if lock is None:
        raise UserError(
            f"Nobody has locked {service!r} of {repo.name!r}. `deploybot locks list` lists "
            "what is locked; a hold is released on its card."
        )
    if why := locking.may_not_end(repo, lock, person or Person(user), asked=person is not None):
        raise UserError(why)
    ended = ServiceUnlocked(services=(service,), user=user, by="command line")
    here = await log.look(lock.thread_id or f"{repo.name}/-")
    write = locking.ending(repo.name, here, ended, facts)
    await log.append(write)
    return f"{lock.thread_id} says so" if write.events else "no thread is left that could say so"


async def _found(log: RedisLog, repo: RepoConfig) -> AsyncIterator[tuple[str, str]]:
    """Yield each target with what keeps it as it is, in plain text."""
    facts, now = await log.facts(repo.name), await log.now(repo.name)
    for service in dict.fromkeys([*repo.production.services, *locks.locked_services(facts)]):
        lock = locks.lock_on(facts, service, now)
        if lock:
            yield service, f"{locks.plainly(lock.block, repo)}, by {lock.thread_id}"
        freeze = locks.frozen(repo, service, now)
        if freeze:
            yield service, locks.plainly(freeze, repo)
        bad = ledger.hold(facts, service)
        if bad is not None:
            yield service, f"on hold since {short(bad) if bad else 'a bad commit'} was rolled back"
    async for target, what in _targets(log, await log.locks(repo.name)):
        yield target, what


async def _targets(log: RedisLog, held: Mapping[str, str]) -> AsyncIterator[tuple[str, str]]:
    for target, thread_id in sorted(held.items()):
        entries = await log.read(thread_id)
        taken = [
            entry.at
            for entry in entries
            if isinstance(entry.event, ToolStarted) and target in entry.event.locks
        ]
        since = f" since {exact_time(taken[-1])}" if taken else ""
        yield target, f"in use by {thread_id}{since}"
