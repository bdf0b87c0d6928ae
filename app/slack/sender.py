"""Keeps Slack like the threads say: claims each thread that changed, and has it delivered."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from app.core.config import RepoConfig
from app.core.errors import Fenced, StoreUnavailable
from app.core.fold import fold
from app.core.ports import Chat, Claim, ThreadLog, Write
from app.slack.delivery import QUEUE, Delivery, Pass
from app.slack.messages import next_change, render, unfinished
from app.slack.outage import REST_SECONDS, Outage
from app.slack.pace import Pace

logger = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS = 30
RECHECKED_THREADS = 20


class SlackSender:
    """Sends the threads of all repositories; any number may run at once, in any process."""

    def __init__(
        self,
        log: ThreadLog,
        chat: Chat,
        repos: Mapping[str, RepoConfig],
        *,
        seconds_between_posts: float = 1,
        edits_per_minute: float = 50,
        at_once: int = 4,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._repos = repos
        self._next_repo = 0
        self._at_once = at_once
        self._monotonic = monotonic
        self._outage = Outage()
        pace = Pace.of(seconds_between_posts, edits_per_minute)
        self._delivery = Delivery(log, chat, pace, self._outage, monotonic)
        self._failures: dict[str, int] = {}

    async def run(self) -> None:
        """Send until cancelled; messages that Slack lost while nobody looked are sent again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._forever(self._recheck, once=True))
            for _ in range(self._at_once):
                tasks.create_task(self._forever(self._work))

    async def step(self) -> bool:
        """Bring one due thread up to date; False if none is due, or Slack is left alone."""
        if self._outage.rests(self._monotonic()):
            return False
        repos = list(self._repos.values())
        self._next_repo += 1  # none of them may keep the others waiting
        for number in range(len(repos)):
            repo = repos[(self._next_repo + number) % len(repos)]
            if claim := await self._log.claim(repo.name, QUEUE):
                await self._tend(claim, repo)
                return True
        return False

    async def recheck(self, repo: str) -> None:
        """Have the messages sent again that people still wait for in the newest threads.

        An edit of a message that is as it should be changes nothing; one that is gone comes back.
        """
        for thread_id in await self._log.threads(repo, RECHECKED_THREADS):
            try:
                await self._distrust(thread_id, self._repos[repo])
            except StoreUnavailable:
                raise
            except Exception:
                logger.exception("cannot show thread %s", thread_id)

    async def _distrust(self, thread_id: str, repo: RepoConfig) -> None:
        here = await self._log.look(thread_id)
        state = fold(here.entries)
        messages = render(state, repo, here.now, here.facts)
        slots = [slot for slot in unfinished(state, messages) if slot in state.slots]
        for slot in slots:
            await self._log.mark_sent(thread_id, slot, "")
        if slots:
            await self._log.append(Write(thread_id, ()))

    async def _forever(self, work: Callable[[], Awaitable[None]], *, once: bool = False) -> None:
        task = asyncio.current_task()
        # A client may swallow the cancellation; that it was asked for stays known.
        while task and not task.cancelling():
            try:
                await work()
            except StoreUnavailable as error:
                logger.warning("the log does not answer: %s", error)
                await asyncio.sleep(1)
                continue
            if once:
                return

    async def _work(self) -> None:
        if not await self.step():
            await self._log.wait_for_work(QUEUE, 1)

    async def _recheck(self) -> None:
        for repo in self._repos:
            await self.recheck(repo)

    async def _tend(self, claim: Claim, repo: RepoConfig) -> None:
        try:
            await self._project(claim, repo)
        except Fenced:
            return
        except asyncio.CancelledError:
            await self._log.park(claim, QUEUE, 0, None)  # more events than none: due at once
            raise
        except StoreUnavailable:
            raise
        except Exception:
            # One thread that cannot be shown must not keep the others from being shown.
            logger.exception("cannot show thread %s", claim.thread_id)
            wake_at = await self._log.now(repo.name) + self._backoff(claim.thread_id)
            await self._log.park(claim, QUEUE, 1 << 53, wake_at)

    async def _project(self, claim: Claim, repo: RepoConfig) -> None:
        here = await self._log.look(claim.thread_id)
        entries, now = here.entries, here.now
        if not entries:
            await self._log.park(claim, QUEUE, 0, None)
            return
        state, sent = fold(entries), await self._log.sent(claim.thread_id)
        version, began, changed = len(entries), entries[0].at, entries[-1].at
        there = Pass(claim, state, sent, now, version, began, changed)
        await self._delivery.deliver(there, render(state, repo, now, here.facts))
        if (change := next_change(state, repo, now, here.facts)) is not None:
            there.wakes.append(change)
        if there.failed:
            there.wakes.append(now + self._backoff(claim.thread_id))
        else:
            self._failures.pop(claim.thread_id, None)
        await self._log.park(claim, QUEUE, there.version, min(there.wakes, default=None))

    def _backoff(self, thread_id: str) -> int:
        """Return how long a thread rests (ms): longer each time, unless Slack itself is gone."""
        if self._outage.is_on:
            return round(REST_SECONDS * 1000)
        count = self._failures[thread_id] = self._failures.get(thread_id, 0) + 1
        return 1000 * min(2 ** (count - 1), MAX_BACKOFF_SECONDS)
