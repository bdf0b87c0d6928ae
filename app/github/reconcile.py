"""Finds the merges whose webhook was lost: every five minutes, on one instance, by asking GitHub.

GitHub sends an event once. What it says it could not deliver is asked for again, and comes in by
the ordinary door; what the branch has and no thread knows begins its thread from here.
"""

import asyncio
from collections.abc import Mapping

import structlog
from pydantic import BaseModel, ValidationError

from app.core.config import RepoConfig
from app.core.errors import Conflict, SourceUnavailable, StoreUnavailable
from app.core.ids import thread_id_for
from app.core.ledger import PULL
from app.core.ports import ThreadLog, Write
from app.github.client import NoAnswer
from app.github.deliveries import GitHubDeliveries
from app.github.merges import GitHubMerges, Merged
from app.github.start import start_of

FACT = "watch"
EVERY_MS = 5 * 60 * 1000
AGAIN_MS = 60 * 1000  # after a look that failed
OVERLAP_MS = 60 * 60 * 1000  # clocks differ, and GitHub's lists lag behind
TICK_SECONDS = 5.0
LOOK_SECONDS = 50.0  # less than AGAIN_MS, so that no other instance begins meanwhile

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Watch(BaseModel):
    """What a repository's facts hold of this: `began` and `at` are the store's time.

    `at` is when the last look began that saw everything, `head` what the branch was then.
    `settled` says that the look before it saw the same head.
    """

    began: int
    at: int = 0
    head: str = ""
    settled: bool = False


class Reconciler:
    """Looks at every repository; any number of instances share the work by what the log has."""

    def __init__(
        self,
        log: ThreadLog,
        merges: GitHubMerges,
        deliveries: GitHubDeliveries,
        repos: Mapping[str, RepoConfig],
    ) -> None:
        self._log = log
        self._merges = merges
        self._deliveries = deliveries
        self._repos = repos
        self._said: set[str] = set()

    async def run(self) -> None:
        """Look whenever it is time, until cancelled; that may be anywhere."""
        async with asyncio.TaskGroup() as group:
            for repo in self._repos.values():
                group.create_task(self._keep_looking(repo))

    async def _keep_looking(self, repo: RepoConfig) -> None:
        while True:
            try:
                await self.look_if_due(repo)
            except (SourceUnavailable, TimeoutError) as error:
                why = str(error) or f"it took more than {LOOK_SECONDS:g} s"
                _log.warning("branch not looked at", repo=repo.name, why=why)
            except StoreUnavailable as error:
                _log.warning("store_unavailable", error=str(error))
            except Exception:
                _log.exception("fault", repo=repo.name)
            await asyncio.sleep(TICK_SECONDS)

    async def look_if_due(self, repo: RepoConfig) -> bool:
        """Look now if it is time and no other instance does; False if not.

        Raise `SourceUnavailable` or `TimeoutError` if GitHub did not tell everything.
        """
        now = await self._log.now(repo.name)
        recorded = (await self._log.facts(repo.name)).get(FACT)
        watch = _parsed(recorded) or Watch(began=now)
        late = now - watch.at - EVERY_MS
        if late < 0:
            return False
        claim = f"watch:{watch.at}:{late // AGAIN_MS}"
        if not await self._note(repo, claim, None if recorded else watch):
            return False
        async with asyncio.timeout(LOOK_SECONDS):
            await self._note(repo, None, await self._look(repo, watch, now))
            await self._ask_again(repo, watch)
        return True

    async def _look(self, repo: RepoConfig, watch: Watch, now: int) -> Watch:
        head = await self._merges.head(repo.name, repo.branch)
        moved = head != watch.head
        # A list may show a merge later than the branch does, so it is looked at once more.
        if moved or not watch.settled:
            after = max(watch.began, watch.at - OVERLAP_MS)
            for merged in await self._merges.since(repo.name, repo.branch, after):
                await self._begin(repo, merged)
        return Watch(began=watch.began, at=now, head=head, settled=not moved)

    async def _begin(self, repo: RepoConfig, merged: Merged) -> None:
        """Begin a merge's thread, if its pull request has none and the branch has its commit."""
        if await self._is_known(repo, merged):
            return
        merge = await self._merges.merge(repo.name, merged.number)
        if merge is None or merge.branch != repo.branch:
            return
        if not await self._merges.is_on(repo.name, repo.branch, merge.sha):
            _log.warning("merge is not on its branch", pull_request=merged.number, sha=merge.sha)
            return
        try:
            began = await self._log.append(start_of(merge, repo))
        except Conflict:  # its webhook came meanwhile
            return
        if began:
            thread_id = thread_id_for(repo.name, repo.branch, merge.sha)
            _log.warning("merge found without its webhook", thread_id=thread_id, sha=merge.sha)

    async def _is_known(self, repo: RepoConfig, merged: Merged) -> bool:
        """Tell whether a thread is about the commit, or about the pull request by another one."""
        if await self._log.read(thread_id_for(repo.name, repo.branch, merged.sha)):
            return True
        return await self._log.find(repo.name, PULL, str(merged.number)) is not None

    async def _ask_again(self, repo: RepoConfig, watch: Watch) -> None:
        """Ask once for each failed delivery; where they cannot be seen, the branch has to do."""
        try:
            for failed in await self._deliveries.failed(repo.name, watch.began):
                if await self._note(repo, f"again:{failed.guid[:100]}", None):
                    await self._deliveries.again(repo.name, failed)
                    _log.info("delivery asked for again", repo=repo.name, delivery=failed.guid)
        except SourceUnavailable as error:
            if isinstance(error, NoAnswer) or repo.name not in self._said:
                _log.warning("failed deliveries not asked for", repo=repo.name, why=str(error))
            self._said.add(repo.name)

    async def _note(self, repo: RepoConfig, cause: str | None, watch: Watch | None) -> bool:
        """Note a cause and what was seen, in the repository alone; False if the cause was there."""
        facts = {FACT: watch.model_dump_json()} if watch else {}
        dedupe = [f"github:{cause}"] if cause else []
        note = Write(f"{repo.name}/watch", [], dedupe=dedupe, facts=facts, silent=True)
        return await self._log.append(note) is not None


def _parsed(recorded: str | None) -> Watch | None:
    try:
        return Watch.model_validate_json(recorded) if recorded else None
    except ValidationError:
        return None
