"""Stateful stand-ins for the ports; where a port has a contract suite, its fake passes it."""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import ChatUnavailable, Conflict, Fenced, Locked, MessageGone
from app.core.events import Entry, Event, parse_event
from app.core.ports import SHOWN_ELSEWHERE, Claim, Look, Queue, Write
from tests import payloads

PATIENCE_MS = 30_000


@dataclass
class _Queue:
    due: dict[str, int] = field(default_factory=dict[str, int])
    fences: dict[str, int] = field(default_factory=dict[str, int])
    leases: dict[str, int] = field(default_factory=dict[str, int])
    woken: set[str] = field(default_factory=set[str])

    def wake(self, thread_id: str, at: int) -> None:
        if self.leases.get(thread_id, 0) <= at:
            self.due[thread_id] = min(at, self.due.get(thread_id, at))

    def look_anew(self, thread_id: str, now: int, at: int) -> None:
        """Make a thread due at a time, or as soon as whoever works on it gives it back."""
        if self.leases.get(thread_id, 0) > now:
            self.woken.add(thread_id)
        else:
            self.due[thread_id] = min(at, self.due.get(thread_id, at))


@dataclass
class _Repo:
    lines: dict[str, list[Entry]] = field(default_factory=dict[str, list[Entry]])
    work: _Queue = field(default_factory=_Queue)
    slack: _Queue = field(default_factory=_Queue)
    written: set[str] = field(default_factory=set[str])
    seen: set[str] = field(default_factory=set[str])
    locks: dict[str, str] = field(default_factory=dict[str, str])
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    asked: dict[str, tuple[int, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[int, tuple[str, ...]]]
    )
    facts: dict[str, str] = field(default_factory=dict[str, str])
    history: list[str] = field(default_factory=list[str])
    index: dict[str, str] = field(default_factory=dict[str, str])
    sent: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    offset: int = 0

    def queue(self, name: Queue) -> _Queue:
        return self.work if name == "work" else self.slack

    def refuse(self, write: Write, now: int) -> None:
        """Raise what stands against the write; the order is part of the contract."""
        thread_id = write.thread_id
        if write.fence is not None and self.work.fences.get(thread_id, 0) != write.fence:
            raise Fenced(thread_id)
        if write.version is not None and len(self.lines.get(thread_id, [])) != write.version:
            raise Conflict(thread_id)
        if any(len(self.lines.get(other, [])) != seen for other, seen in write.others.items()):
            raise Conflict(thread_id)
        if any(self.facts.get(key) != value for key, value in write.expects.items()):
            raise Conflict(thread_id)
        for target in write.take:
            holder = self.locks.get(target) or self._before(write, target, now) or thread_id
            if holder != thread_id:
                self.stand_in_line(write, now)
                self.asked[thread_id] = (now, tuple(write.take))
                raise Locked(target, holder)

    def _before(self, write: Write, target: str, now: int) -> str | None:
        """Return who stands before the writer and asked for the same free lock lately."""
        mine = min(self._place(write, now), self.waiting.get(write.thread_id, now))
        for since, other in self._line():
            if other == write.thread_id or since > mine:
                return None
            at, wanted = self.asked.get(other, (0, ()))
            if target in wanted and now - at <= PATIENCE_MS:
                return other
        return None

    def change_locks(self, write: Write, now: int) -> None:
        mine = [target for target in write.release if self.locks.get(target) == write.thread_id]
        for target in mine:
            del self.locks[target]
        self.locks.update(dict.fromkeys(write.take, write.thread_id))
        if write.waits:
            self.stand_in_line(write, now)
        elif write.fence is not None or write.take:
            self._leave_line(write.thread_id, now)
        if mine:
            self._wake_waiting(write.thread_id, now)

    def stand_in_line(self, write: Write, now: int) -> None:
        place = self._place(write, now)
        self.waiting[write.thread_id] = min(place, self.waiting.get(write.thread_id, place))

    def _place(self, write: Write, now: int) -> int:
        return now - 10**12 if write.urgent else now

    def _line(self) -> list[tuple[int, str]]:
        return sorted((since, thread_id) for thread_id, since in self.waiting.items())

    def _leave_line(self, thread_id: str, now: int) -> None:
        was_first = [other for _, other in self._line()][:1] == [thread_id]
        self.waiting.pop(thread_id, None)
        self.asked.pop(thread_id, None)
        for _, first in self._line()[:1] if was_first else ():
            self.work.look_anew(first, now, now)

    def _wake_waiting(self, but: str, now: int) -> None:
        others = [thread_id for _, thread_id in self._line() if thread_id != but]
        for rank, thread_id in enumerate(others):
            self.work.look_anew(thread_id, now, now + rank)

    def look_anew(self, write: Write, now: int) -> None:
        newest = list(self.lines)[-SHOWN_ELSEWHERE:] if write.elsewhere else []
        for thread_id in (*newest, *write.wake):
            self.slack.look_anew(thread_id, now, now)
        for thread_id in list(self.work.due) if write.elsewhere else ():
            self.work.look_anew(thread_id, now, now)
        waits = [(key, topic) for key, topic in self.facts.items() if key.startswith("waits/")]
        told = [key.removeprefix("waits/") for key, topic in waits if topic in write.tells]
        for thread_id in (*write.wake, *told):
            self.work.look_anew(thread_id, now, now)

    def change_records(self, write: Write) -> None:
        self.seen.update(write.dedupe)
        for key, value in write.facts.items():
            self.facts.pop(key, None)
            if value is not None:
                self.facts[key] = value
        for line in write.history:
            self.history.insert(0, line)
        del self.history[500:]
        self.index.update(dict.fromkeys(write.index, write.thread_id))


def _stored(event: Event) -> Event:
    """Return the event as a store gives it back, from its JSON."""
    return parse_event(json.loads(event.model_dump_json()))


class FakeLog:
    """Keep threads in memory, with a clock that stands still until `advance` moves it."""

    def __init__(self, lease_seconds: float = 30, start: int = 1_800_000_000_000) -> None:
        self._lease_ms = int(lease_seconds * 1000)
        self._clock = start
        self._repos: dict[str, _Repo] = {}
        self._hint = asyncio.Event()

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self._clock += ms
        self._wake()

    async def set_offset(self, repo: str, ms: int) -> None:
        """Shift the time of one repository."""
        self._repo(repo).offset = ms
        self._wake()

    async def append(self, write: Write) -> Look | None:
        repo, now = self._repo_of(write.thread_id)
        if write.name and write.name in repo.written:
            return await self.look(write.thread_id)
        if repo.seen.intersection(write.dedupe):
            return None
        repo.refuse(write, now)
        write_id = write.name or secrets.token_hex(8)
        repo.written.add(write_id)
        if write.events:
            repo.lines.setdefault(write.thread_id, []).extend(
                Entry(at=now, write=write_id, event=_stored(event)) for event in write.events
            )
        repo.change_locks(write, now)
        repo.change_records(write)
        repo.look_anew(write, now)
        if not write.silent:
            if not write.events and repo.work.leases.get(write.thread_id, 0) > now:
                repo.work.woken.add(write.thread_id)
            repo.work.wake(write.thread_id, now)
            repo.slack.wake(write.thread_id, now)
        self._wake()
        return await self.look(write.thread_id)

    async def read(self, thread_id: str) -> list[Entry]:
        repo, _ = self._repo_of(thread_id)
        return list(repo.lines.get(thread_id, []))

    async def look(self, thread_id: str) -> Look:
        repo = thread_id.rpartition("/")[0]
        entries = await self.read(thread_id)
        return Look(entries, await self.now(repo), await self.facts(repo))

    async def claim(self, repo: str, queue: Queue) -> Claim | None:
        state, now = self._repo(repo), await self.now(repo)
        line = state.queue(queue)
        due = [(at, thread_id) for thread_id, at in line.due.items() if at <= now]
        if not due:
            return None
        thread_id = min(due)[1]
        line.fences[thread_id] = line.fences.get(thread_id, 0) + 1
        line.due[thread_id] = line.leases[thread_id] = now + self._lease_ms
        line.woken.discard(thread_id)
        return Claim(thread_id, line.fences[thread_id])

    async def renew(self, claim: Claim, queue: Queue) -> None:
        repo, now = self._repo_of(claim.thread_id)
        line = repo.queue(queue)
        if not self._holds(line, claim):
            raise Fenced(claim.thread_id)
        line.due[claim.thread_id] = line.leases[claim.thread_id] = now + self._lease_ms

    async def park(self, claim: Claim, queue: Queue, version: int, wake_at: int | None) -> None:
        repo, now = self._repo_of(claim.thread_id)
        line, thread_id = repo.queue(queue), claim.thread_id
        if not self._holds(line, claim):
            return
        del line.leases[thread_id], line.due[thread_id]
        if thread_id in line.woken or len(repo.lines.get(thread_id, [])) > version:
            line.due[thread_id] = now
            self._wake()
        elif wake_at is not None:
            line.due[thread_id] = wake_at
        line.woken.discard(thread_id)

    async def now(self, repo: str) -> int:
        return self._clock + self._repo(repo).offset

    async def facts(self, repo: str) -> dict[str, str]:
        return dict(self._repo(repo).facts)

    async def history(self, repo: str, limit: int) -> list[str]:
        return self._repo(repo).history[:limit]

    async def locks(self, repo: str) -> dict[str, str]:
        return dict(self._repo(repo).locks)

    async def find(self, repo: str, channel: str, ts: str) -> str | None:
        return self._repo(repo).index.get(f"{channel}|{ts}")

    async def threads(self, repo: str, limit: int) -> list[str]:
        return list(reversed(self._repo(repo).lines))[:limit]

    async def sent(self, thread_id: str) -> dict[str, str]:
        repo, _ = self._repo_of(thread_id)
        return dict(repo.sent.get(thread_id, {}))

    async def mark_sent(self, thread_id: str, slot: str, mark: str) -> None:
        repo, _ = self._repo_of(thread_id)
        repo.sent.setdefault(thread_id, {})[slot] = mark

    async def wait_for_work(self, queue: Queue, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._hint.wait(), seconds)
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._hint.set()
        self._hint = asyncio.Event()

    def _repo(self, name: str) -> _Repo:
        return self._repos.setdefault(name, _Repo())

    def _repo_of(self, thread_id: str) -> tuple[_Repo, int]:
        repo = self._repo(thread_id.rpartition("/")[0])
        return repo, self._clock + repo.offset

    @staticmethod
    def _holds(line: _Queue, claim: Claim) -> bool:
        return claim.thread_id in line.leases and line.fences[claim.thread_id] == claim.fence


@dataclass
class FakeMessage:
    """A message as it stands in the fake chat, and every version it had."""

    channel: str
    ts: str
    thread_ts: str | None
    key: str
    text: str = ""
    blocks: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    versions: list[str] = field(default_factory=list[str])

    @property
    def words(self) -> str:
        """All that it says, the notification included."""
        return payloads.words(self.text, self.blocks)

    @property
    def buttons(self) -> dict[str, str]:
        """Action ids and values."""
        return payloads.buttons(self.blocks)

    def show(self, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Become this version, if Slack would take it."""
        payloads.check(text, blocks)
        self.text, self.blocks = text, list(blocks)
        self.versions.append(self.words)


class FakeChat:
    """Keep messages in memory and check each as Slack would.

    `troubles` are raised by the next calls, one each; `lost_replies` posts are done and then fail;
    while it `hangs`, no call returns.
    """

    def __init__(self) -> None:
        self.messages: list[FakeMessage] = []
        self.told: list[tuple[str, str, str]] = []
        self.calls: list[str] = []
        self.troubles: list[Exception] = []
        self.lost_replies = 0
        self.hangs = False

    async def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        thread_ts: str | None,
        key: str,
    ) -> str:
        await self._called(f"post {channel}")
        message = FakeMessage(channel, f"1800000000.{len(self.calls):06}", thread_ts, key)
        message.show(text, blocks)
        self.messages.append(message)
        if self.lost_replies:
            self.lost_replies -= 1
            raise ChatUnavailable("the reply was lost")
        return message.ts

    async def update(
        self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> None:
        await self._called(f"update {channel}")
        found = [m for m in self.messages if (m.channel, m.ts) == (channel, ts)]
        if not found:
            raise MessageGone(ts)
        found[0].show(text, blocks)

    async def find(
        self, channel: str, thread_ts: str | None, key: str, since: int = 0
    ) -> str | None:
        await self._called(f"find {channel}")
        return max((m.ts for m in self.messages if m.key == key), default=None)

    async def ephemeral(self, channel: str, user: str, text: str, thread_ts: str | None) -> None:
        await self._called(f"ephemeral {channel}")
        self.told.append((channel, user, text))

    def timed(self, channel: str, text: str) -> str:
        return text

    async def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.hangs:
            await asyncio.Event().wait()
        if self.troubles:
            raise self.troubles.pop(0)
