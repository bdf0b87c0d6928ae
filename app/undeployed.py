"""Asks on each repository's schedule about what is merged but not on production.

Any number of instances look; a write that asks is known by its time and its services, so one of
them asks.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from app.core import ledger, undeployed
from app.core.config import RepoConfig
from app.core.errors import Conflict, SourceUnavailable, StoreUnavailable
from app.core.events import ThreadStarted, UndeployedFound
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Comparison, Source, ThreadLog, Write
from app.core.state import State
from app.core.undeployed import Asked

TICK_SECONDS = 5.0
LATE_MS = 60 * 60 * 1000  # who was away at that time still asks within the hour
LOOKED_AT = 200

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class UndeployedWatch:
    """Looks at the repositories that have a schedule; `source` is None without credentials."""

    def __init__(
        self, log: ThreadLog, source: Source | None, repos: Mapping[str, RepoConfig]
    ) -> None:
        self._log = log
        self._source = source
        self._repos = [repo for repo in repos.values() if repo.undeployed and repo.mode == "live"]

    async def run(self) -> None:
        """Look whenever it is time, until cancelled; that may be anywhere."""
        while self._repos:
            for repo in self._repos:
                await self._look(repo)
            await asyncio.sleep(TICK_SECONDS)

    async def _look(self, repo: RepoConfig) -> None:
        try:
            await self.ask_if_due(repo)
        except (SourceUnavailable, StoreUnavailable) as error:
            _log.warning("undeployed commits not looked for", repo=repo.name, why=str(error))
        except Exception:
            _log.exception("fault", repo=repo.name)

    async def ask_if_due(self, repo: RepoConfig) -> bool:
        """Look now if it is time and nobody did; tell whether questions were put.

        Raise `SourceUnavailable` if GitHub did not answer: the next look is soon.
        """
        now = await self._log.now(repo.name)
        slot = repo.undeployed.last_start(now) if repo.undeployed else None
        facts = await self._log.facts(repo.name)
        before = undeployed.looked(facts)
        if slot is None or now - slot > LATE_MS or slot <= before.slot:
            return False
        ahead = await self._ahead(repo, facts, now)
        threads = await self._threads(repo, ahead or {})
        found = undeployed.find(repo, facts, threads, ahead, now)
        put = [await self._put(_ask(repo, slot, each, facts)) for each in found]
        await self._put(_looked(repo, slot, before))  # who dies before it is made up for by others
        return any(put)

    async def _put(self, write: Write) -> bool:
        try:
            return bool(await self._log.append(write))
        except Conflict:  # the thread is there, though its cause was forgotten
            return False

    async def _threads(self, repo: RepoConfig, ahead: Mapping[str, Comparison]) -> list[State]:
        """Return the newest threads, and after them those of older merges that are ahead."""
        ids = await self._log.threads(repo.name, LOOKED_AT)
        shas = (commit.sha for compared in ahead.values() for commit in compared.commits)
        merges = [thread_id_for(repo.name, repo.branch, sha) for sha in shas]
        read = [fold(await self._log.read(each)) for each in dict.fromkeys([*ids, *merges])]
        return [state for state in read if state.thread_id]

    async def _ahead(
        self, repo: RepoConfig, facts: Mapping[str, str], now: int
    ) -> dict[str, Comparison] | None:
        """Return for each service what the branch has that it does not have."""
        if self._source is None:
            return None
        bases = undeployed.bases(repo, facts, now)
        compared = {
            sha: await self._source.compare(repo.name, sha, repo.branch)
            for sha in sorted(set(bases.values()))
        }
        return {service: compared[sha] for service, sha in bases.items()}


def _ask(repo: RepoConfig, slot: int, found: UndeployedFound, facts: Mapping[str, str]) -> Write:
    """Build the write that asks; the messages of earlier questions are looked at anew."""
    services = list(found.was)
    thread_id = undeployed.thread_of(repo.name, slot, services)
    started = ThreadStarted(
        thread_id=thread_id,
        repo=repo.name,
        branch=repo.branch,
        channel=repo.channel_of(services),
        origin="schedule",
        sha=found.sha,
    )
    asked = Asked(slot, thread_id, tuple(merge.sha for merge in found.merges))
    before = dict.fromkeys(undeployed.asked(facts, service).thread for service in services)
    return Write(
        thread_id,
        [started, found],
        version=0,
        dedupe=[f"{_cause(repo, slot)}:{min(services)}"],
        facts=asked.as_facts(services),
        wake=[thread for thread in before if thread],
    )


def _looked(repo: RepoConfig, slot: int, before: Asked) -> Write:
    """Build the write that notes that this time of the schedule is done with."""
    facts = replace(before, slot=slot).as_looked()
    cause = _cause(repo, slot)
    return Write(f"{repo.name}/{ledger.ASKED}", [], dedupe=[cause], facts=facts, silent=True)


def _cause(repo: RepoConfig, slot: int) -> str:
    return f"{ledger.ASKED}:{repo.name}:{slot}"
