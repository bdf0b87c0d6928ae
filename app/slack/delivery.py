"""Brings the messages of one thread up to date: edits what changed, posts what is missing.

Knows no event but `MessagePosted`; what a message says is in `messages`, when it may be sent in
`pace`, and whether Slack answers at all in `outage`.
"""

import hashlib
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from app.core.cards import CARD_SLOT
from app.core.errors import ChatRefused, ChatUnavailable, MessageGone, RateLimited
from app.core.events import MessagePosted
from app.core.ports import Chat, Claim, ThreadLog, Write
from app.core.state import State
from app.slack.blocks import Block, Message
from app.slack.messages import unfinished
from app.slack.outage import Outage
from app.slack.pace import Line, Pace

logger = logging.getLogger(__name__)

QUEUE = "slack"
POSTING = "posting"
RECENT_MS = 60_000
SOONEST_SECONDS = 1.0

Answer = TypeVar("Answer")


@dataclass
class Pass:
    """One look at one thread: what is known, and when to look again (ms)."""

    claim: Claim
    state: State
    sent: dict[str, str]
    now: int
    version: int
    began: int
    changed: int
    wakes: list[int] = field(default_factory=list[int])
    awaited: bool = True
    failed: bool = False

    def wake_in(self, seconds: float) -> None:
        """Look again then."""
        self.wakes.append(self.now + math.ceil(seconds * 1000))

    @property
    def root(self) -> str | None:
        """Return the ts of the message that replies go to."""
        if self.state.origin == "mention":
            return self.state.root_ts
        status = self.state.slots.get("status")
        return status[1] if status else None

    @property
    def rank(self) -> int:
        """Return who goes first: a thread is told to its end, what is over for a while can wait."""
        if not self.awaited:
            return 2
        return 0 if self.root else 1

    def tried_at(self, slot: str) -> int | None:
        """Return since when a post of the slot may have been done; None if none was tried."""
        mark, _, at = self.sent.get(slot, "").partition(" ")
        return int(at or self.began) if mark == POSTING else None


class Delivery:
    """Sends what a thread has to say; the same wherever and however often it was broken off."""

    def __init__(
        self,
        log: ThreadLog,
        chat: Chat,
        pace: Pace,
        outage: Outage,
        monotonic: Callable[[], float],
    ) -> None:
        self._log = log
        self._chat = chat
        self._pace = pace
        self._outage = outage
        self._monotonic = monotonic

    async def deliver(self, here: Pass, messages: Mapping[str, Message]) -> None:
        """Send what can be sent now, and note when to look again."""
        here.awaited = _is_awaited(here, messages)
        # Edits first: a click is answered by its card, and edits wait for no other message.
        bound = [(slot, message) for slot, message in messages.items() if slot in here.state.slots]
        try:
            for slot, message in sorted(bound, key=lambda item: _can_wait(*item)):
                await self._edit(here, slot, message)
            for slot, message in messages.items():
                if slot not in here.state.slots and not await self._post(here, slot, message):
                    return
            self._pace.posts(here.state.channel).leave(here.claim.thread_id)
        except ChatUnavailable as error:
            if not self._outage.is_on:
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
        line = self._pace.edits
        who, rank = f"{here.claim.thread_id}|{slot}", int(_can_wait(slot, message))
        if not self._turn(here, line, who, rank):
            return
        blocks = _marked(here, slot, message)
        try:
            await self._ask(
                here, line, lambda: self._chat.update(channel, ts, message.text, blocks)
            )
        except RateLimited:
            return
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
        if message.passed and here.tried_at(slot) is None:
            return True
        root = here.root if message.in_thread else None
        if message.in_thread and root is None:
            return False
        try:
            if not await self._looked(here, slot, message, root):
                return False
            if slot in here.state.slots:
                return True
            if message.passed:
                await self._log.mark_sent(here.claim.thread_id, slot, "")
                return True
            return await self._posted(here, slot, message, root)
        except RateLimited:
            return False
        except ChatRefused as error:
            self._refused(here, slot, error)
            return slot != "status"
        except MessageGone:
            await self._log.mark_sent(here.claim.thread_id, "status", "")
            here.failed = True
            return False

    async def _looked(self, here: Pass, slot: str, message: Message, root: str | None) -> bool:
        """Bind a message whose reply was lost; False if it is not known yet whether there is one.

        While Slack is gone, reading is also how to ask whether it is back: it changes nothing.
        """
        tried_at = here.tried_at(slot)
        if tried_at is None and not self._outage.is_on:
            return True
        line, channel, key = self._pace.readings, _channel(here, message), _key(here, slot)
        since = here.now if tried_at is None else tried_at
        try:
            if not self._turn(here, line, here.claim.thread_id, int(tried_at is None)):
                return tried_at is None
            ts = await self._ask(here, line, lambda: self._chat.find(channel, root, key, since))
        except RateLimited:
            return tried_at is None
        if ts is not None:
            await self._bind(here, slot, channel, ts)
            await self._log.mark_sent(here.claim.thread_id, slot, "")
            here.wakes.append(here.now)  # it may be out of date
        return True

    async def _posted(self, here: Pass, slot: str, message: Message, root: str | None) -> bool:
        channel, thread_id, key = _channel(here, message), here.claim.thread_id, _key(here, slot)
        line, blocks = self._pace.posts(channel), _marked(here, slot, message)
        if not self._turn(here, line, thread_id, here.rank):
            return False
        if here.tried_at(slot) is None:
            await self._log.mark_sent(thread_id, slot, f"{POSTING} {here.now}")
        ts = await self._ask(
            here, line, lambda: self._chat.post(channel, message.text, blocks, root, key)
        )
        # Until it is bound the slot keeps its mark, so that after a crash it is looked for.
        await self._bind(here, slot, channel, ts)
        await self._mark(here, slot, message)
        return True

    async def _bind(self, here: Pass, slot: str, channel: str, ts: str) -> None:
        posted = MessagePosted(slot=slot, channel=channel, ts=ts)
        silent = not slot.startswith(CARD_SLOT)  # whom to remind when counts from a card's posting
        index = (f"{channel}|{ts}",)
        await self._log.append(Write(here.claim.thread_id, (posted,), index=index, silent=silent))
        here.state.slots[slot] = (channel, ts)
        here.version += 1

    # Both.

    def _turn(self, here: Pass, line: Line, who: str, rank: int) -> bool:
        """Take a turn, or note when to ask again: half-way, as who is before may have left."""
        wait = line.wait(who, self._monotonic(), rank)
        if wait:
            here.wake_in(max(wait / 2, min(wait, SOONEST_SECONDS)))
        return not wait

    async def _ask(self, here: Pass, line: Line, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Call Slack, and note what its answer says about later calls."""
        await self._log.renew(here.claim, QUEUE)
        try:
            answer = await call()
        except ChatUnavailable:
            self._outage.no_answer(self._monotonic())
            raise
        except RateLimited as limit:
            line.pause(self._monotonic() + limit.retry_after)
            here.wake_in(limit.retry_after)
            self._outage.answered(self._monotonic())
            raise
        except (ChatRefused, MessageGone):
            self._outage.answered(self._monotonic())
            raise
        self._outage.answered(self._monotonic())
        return answer

    async def _mark(self, here: Pass, slot: str, message: Message) -> None:
        mark = f"{message.digest} {here.now}"
        await self._log.mark_sent(here.claim.thread_id, slot, mark)

    def _refused(self, here: Pass, slot: str, error: ChatRefused) -> None:
        logger.error("Slack refuses %s of %s: %s", slot, here.claim.thread_id, error)
        here.failed = True


def _is_awaited(here: Pass, messages: Mapping[str, Message]) -> bool:
    """Tell whether people wait for something that is not posted, or something just happened."""
    awaited = any(slot not in here.state.slots for slot in unfinished(here.state, messages))
    return awaited or here.now - here.changed < RECENT_MS


def _channel(here: Pass, message: Message) -> str:
    return message.channel or here.state.channel


def _can_wait(slot: str, message: Message) -> bool:
    return slot == "status" or message.edit_every_seconds > 0


def _key(here: Pass, slot: str) -> str:
    return hashlib.sha256(f"{here.claim.thread_id}|{slot}".encode()).hexdigest()[:16]


def _marked(here: Pass, slot: str, message: Message) -> list[Block]:
    """Name the first block after its slot, anew for each version as Slack recommends."""
    first, *others = message.blocks
    marker = f"slot:{_key(here, slot)}:{message.digest[:8]}"
    return [{**first, "block_id": marker}, *others]
