"""Keeps Slack like the threads say: folds, renders, posts what is missing, edits what changed.

Knows no event but `MessagePosted`; what a message says is in `messages`, how Slack is called in
`chat`.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from app.core.config import RepoConfig
from app.core.errors import (
    ChatRefused,
    ChatUnavailable,
    Fenced,
    MessageGone,
    RateLimited,
    StoreUnavailable,
)
from app.core.events import MessagePosted
from app.core.fold import fold
from app.core.ports import Chat, Claim, ThreadLog, Write
from app.core.state import State
from app.slack.blocks import Block, Message
from app.slack.messages import next_change, render, unfinished
from app.slack.pace import Bucket, Pace

logger = logging.getLogger(__name__)

QUEUE = "slack"
POSTING = "posting"
MAX_BACKOFF_SECONDS = 60
RECHECKED_THREADS = 20


@dataclass
class Pass:
    """One look at one thread: what is known, and when to look again (ms)."""

    claim: Claim
    state: State
    sent: dict[str, str]
    now: int
    version: int
    wakes: list[int] = field(default_factory=list[int])
    failed: bool = False

    def wake_in(self, seconds: float) -> None:
        """Look again then."""
        self.wakes.append(self.now + round(seconds * 1000))

    @property
    def root(self) -> str | None:
        """Return the ts of the message that replies go to."""
        if self.state.origin == "mention":
            return self.state.root_ts
        status = self.state.slots.get("status")
        return status[1] if status else None


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
    ) -> None:
        self._log = log
        self._chat = chat
        self._repos = repos
        self._pace = Pace(seconds_between_posts, Bucket(edits_per_minute, edits_per_minute / 60))
        self._at_once = at_once
        self._failures: dict[str, int] = {}

    async def run(self) -> None:
        """Send until cancelled; messages that Slack lost while nobody looked are sent again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._forever(self._recheck, once=True))
            for _ in range(self._at_once):
                tasks.create_task(self._forever(self._work))

    async def step(self) -> bool:
        """Bring one due thread up to date; False if none is due."""
        for repo in self._repos.values():
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
        state = fold(await self._log.read(thread_id))
        messages = render(state, repo, await self._log.now(repo.name))
        slots = [slot for slot in unfinished(state, messages) if slot in state.slots]
        for slot in slots:
            await self._log.mark_sent(thread_id, slot, "")
        if slots:
            await self._log.append(Write(thread_id, ()))

    async def _forever(self, work: Callable[[], Awaitable[None]], *, once: bool = False) -> None:
        while True:
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
            await self._log.wait_for_work(1)

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
        entries = await self._log.read(claim.thread_id)
        now = await self._log.now(repo.name)
        state, sent = fold(entries), await self._log.sent(claim.thread_id)
        here = Pass(claim, state, sent, now, len(entries))
        if entries:
            await self._send(here, render(state, repo, now))
        if (change := next_change(state, now)) is not None:
            here.wakes.append(change)
        if here.failed:
            here.wakes.append(now + self._backoff(claim.thread_id))
        else:
            self._failures.pop(claim.thread_id, None)
        await self._log.park(claim, QUEUE, here.version, min(here.wakes, default=None))

    async def _send(self, here: Pass, messages: Mapping[str, Message]) -> None:
        # Edits first: a click is answered by its card, and edits wait for no other message.
        try:
            for slot, message in messages.items():
                if slot in here.state.slots:
                    await self._edit(here, slot, message)
            for slot, message in messages.items():
                if slot not in here.state.slots and not await self._post(here, slot, message):
                    return
        except ChatUnavailable as error:
            logger.warning("Slack does not answer about %s: %s", here.claim.thread_id, error)
            here.failed = True

    # Edits.

    async def _edit(self, here: Pass, slot: str, message: Message) -> None:
        digest, _, at = here.sent.get(slot, "").partition(" ")
        if digest == message.digest:
            return
        held_until = int(at or 0) + message.edit_every_seconds * 1000
        if message.edit_every_seconds and here.now < held_until:
            here.wakes.append(held_until)
            return
        channel, ts = here.state.slots[slot]
        # Where edits are scarce, a click's answer on its card must not wait for the status.
        urgent = message.edit_every_seconds == 0 and slot != "status"
        if wait := self._pace.wait_to_edit(channel, _seconds(), urgent=urgent):
            here.wake_in(wait)
            return
        try:
            await self._log.renew(here.claim, QUEUE)
            await self._chat.update(channel, ts, message.text, _marked(here, slot, message))
        except RateLimited as limit:
            self._limited(here, "edit", channel, limit)
        except ChatRefused as error:
            self._refused(here, slot, error)
        except MessageGone:
            await self._gone(here, slot, message)
        else:
            await self._mark(here, slot, message)

    async def _gone(self, here: Pass, slot: str, message: Message) -> None:
        if slot == "status" or message.is_live:
            del here.state.slots[slot]  # so that it is posted anew, and bound to that message
        else:
            await self._mark(here, slot, message)

    # Posts.

    async def _post(self, here: Pass, slot: str, message: Message) -> bool:
        """Post a slot's message; False where the later ones have to wait for it."""
        channel, root = here.state.channel, here.root if message.in_thread else None
        if message.in_thread and root is None:
            return False
        if wait := self._pace.wait_to_post(channel, here.claim.thread_id, _seconds()):
            here.wake_in(wait)
            return False
        try:
            ts, is_new = await self._posted(here, slot, message, channel, root)
        except RateLimited as limit:
            self._limited(here, "post", channel, limit)
            return False
        except ChatRefused as error:
            self._refused(here, slot, error)
            return slot != "status"
        except MessageGone:
            await self._log.mark_sent(here.claim.thread_id, "status", "")
            here.failed = True
            return False
        # Until it is bound the slot keeps its mark, so that after a crash it is looked for.
        await self._bind(here, slot, channel, ts)
        if is_new:
            await self._mark(here, slot, message)
        else:
            await self._log.mark_sent(here.claim.thread_id, slot, "")
            here.wakes.append(here.now)  # it may be out of date
        return True

    async def _posted(
        self, here: Pass, slot: str, message: Message, channel: str, root: str | None
    ) -> tuple[str, bool]:
        """Return the ts of the slot's message, and whether it is new: else its reply was lost."""
        thread_id, key = here.claim.thread_id, _key(here, slot)
        await self._log.renew(here.claim, QUEUE)
        if here.sent.get(slot) == POSTING:
            found = await self._chat.find(channel, root, key)
            if found is not None:
                return found, False
        await self._log.mark_sent(thread_id, slot, POSTING)
        blocks = _marked(here, slot, message)
        return await self._chat.post(channel, message.text, blocks, root, key), True

    async def _bind(self, here: Pass, slot: str, channel: str, ts: str) -> None:
        posted = MessagePosted(slot=slot, channel=channel, ts=ts)
        thread_id = here.claim.thread_id
        await self._log.append(Write(thread_id, (posted,), index=(f"{channel}|{ts}",), silent=True))
        here.state.slots[slot] = (channel, ts)
        here.version += 1

    # Both.

    async def _mark(self, here: Pass, slot: str, message: Message) -> None:
        mark = f"{message.digest} {here.now}"
        await self._log.mark_sent(here.claim.thread_id, slot, mark)

    def _limited(self, here: Pass, method: str, channel: str, limit: RateLimited) -> None:
        self._pace.block(method, channel, _seconds() + limit.retry_after)
        here.wake_in(limit.retry_after)

    def _refused(self, here: Pass, slot: str, error: ChatRefused) -> None:
        logger.error("Slack refuses %s of %s: %s", slot, here.claim.thread_id, error)
        here.failed = True

    def _backoff(self, thread_id: str) -> int:
        count = self._failures[thread_id] = self._failures.get(thread_id, 0) + 1
        return 1000 * min(2 ** (count - 1), MAX_BACKOFF_SECONDS)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _key(here: Pass, slot: str) -> str:
    return hashlib.sha256(f"{here.claim.thread_id}|{slot}".encode()).hexdigest()[:16]


def _marked(here: Pass, slot: str, message: Message) -> list[Block]:
    """Name the first block after its slot, anew for each version as Slack recommends."""
    first, *others = message.blocks
    marker = f"slot:{_key(here, slot)}:{message.digest[:8]}"
    return [{**first, "block_id": marker}, *others]
