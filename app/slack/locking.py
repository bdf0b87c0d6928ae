"""Locking and unlocking by words, wherever they are said; what they mean `core.locking` decides."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from app.core import ledger, lock_words, locking
from app.core.clicks import Accepted, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict, UserError
from app.core.events import ServiceUnlocked, ThreadStarted
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.lock_form import NotOfTheForm
from app.core.lock_words import LockWish, UnlockWish
from app.core.policy import Person
from app.core.ports import Look, ThreadLog, Write
from app.core.writing import listed
from app.slack.payloads import Command, Heard, words_of
from app.slack.people import SlackPeople
from app.slack.whispers import Whispers

TRIES = 10
LOCKED = "🔒 Locked: I say so in this channel."
SHARED_CHANNEL = (
    "This channel is shared with other workspaces, so only who locked it can unlock it here."
)


@dataclass(frozen=True, slots=True)
class Said:
    """Locking words: who said them where, and the keys that they are known by when they come again.

    A thread that is begun for them hangs on `root_ts`, or on a message of its own without one.
    A reply in a thread that is not of the form is for who reads the thread.
    """

    user: str
    channel: str
    text: str
    keys: tuple[str, ...]
    thread_id: str | None
    root_ts: str | None = None
    is_reply: bool = False


class Locking:
    """Locks and unlocks services for people, and answers whatever comes of it."""

    def __init__(self, log: ThreadLog, whispers: Whispers, people: SlackPeople) -> None:
        """Write to this log, answer by these whispers, ask who people are."""
        self._log = log
        self._whispers = whispers
        self._people = people

    async def hear(self, repos: Sequence[RepoConfig], thread_id: str | None, heard: Heard) -> None:
        """Do what locking words say, and tell the person what no thread shows.

        Raise `NotOfTheForm` for a reply in a thread that says something else.
        """
        said = Said(
            heard.user,
            heard.channel,
            heard.text,
            heard.keys,
            thread_id,
            heard.root_ts,
            is_reply=bool(thread_id and heard.thread_ts),
        )
        answer = await self._answer(repos, said)
        if answer:
            self._whispers.tell(heard.channel, heard.user, answer, heard.thread_ts)

    async def command(self, repos: Sequence[RepoConfig], command: Command) -> str:
        """Do what the command says, and return what to tell the person."""
        key = f"slack:command:{command.trigger_id or secrets.token_hex(8)}"
        text = words_of(command.text)
        said = Said(command.user_id, command.channel_id, text, (key,), None)
        return await self._answer(repos, said) or LOCKED

    async def _answer(self, repos: Sequence[RepoConfig], said: Said) -> str:
        """Return what to tell the person, "" where the thread itself shows it, or did already."""
        try:
            wish = lock_words.parse(said.text, repos, await self._log.now(repos[0].name))
            if isinstance(wish, UnlockWish):
                return await self._unlock(wish, said)
            return await self._lock(wish, said)
        except UserError as error:
            if said.is_reply and isinstance(error, NotOfTheForm):
                raise
            # A mention arrives twice; who was faster has answered.
            mark = Write(f"{repos[0].name}/-", [], dedupe=said.keys, silent=True)
            return str(error) if await self._log.append(mark) else ""

    async def _lock(self, wish: LockWish, said: Said) -> str:
        repo, begin = wish.repo, said.root_ts or said.keys[0]
        thread_id = said.thread_id or thread_id_for(repo.name, said.channel, begin)
        for _ in range(TRIES):
            here = await self._log.look(thread_id)
            decision = locking.lock(wish, said.user, here.facts, here.now)
            if isinstance(decision, Refused):
                raise UserError(decision.sentence)
            with suppress(Conflict):
                write = self._locking(repo, decision, said, thread_id, here)
                fresh = await self._log.append(write) is not None
                return _not_as_said(wish, said, here) if fresh else ""
        raise Conflict(thread_id)

    def _locking(
        self, repo: RepoConfig, decision: Accepted, said: Said, thread_id: str, here: Look
    ) -> Write:
        """Build the write of a lock, and of the thread that is begun for it if there is none."""
        state = fold(here.entries)
        events, index = decision.events, list[str]()
        if not state.version:
            state.thread_id = thread_id
            events = (_started(repo, said, thread_id), *events)
            index += [f"{said.channel}|{said.root_ts}"] if said.root_ts else []
        return ledger.write(
            state,
            events,
            here.now,
            state.version,
            index=index,
            seen=here.facts,
            dedupe=said.keys,
        )

    async def _unlock(self, wish: UnlockWish, said: Said) -> str:
        for _ in range(TRIES):
            nowhere = f"{wish.repo.name}/-"  # of no thread: the facts and the time
            here = await self._log.look(nowhere)
            people = await self._who(wish, said, here.facts, here.now)
            ends = locking.unlock(wish, said.user, people, here.facts, here.now)
            if isinstance(ends, Refused):
                raise UserError(ends.sentence)
            with suppress(Conflict):
                fresh = await self._end(wish.repo.name, ends, said, here.facts)
                return _unlocked(ends) if fresh and set(ends) != {said.thread_id} else ""
        raise Conflict(wish.repo.name)

    async def _who(
        self, wish: UnlockWish, said: Said, facts: Mapping[str, str], now: int
    ) -> dict[str, Person]:
        """Ask who the person is for each service that somebody else locked."""
        others = [
            lock.block.service
            for lock in locking.standing(wish, facts, now)
            if lock.block.user != said.user
        ]
        if others and await self._people.is_shared(said.channel):
            raise UserError(SHARED_CHANNEL)
        return {
            service: await self._people.person(said.user, wish.repo.approvers_of(service))
            for service in others
        }

    async def _end(
        self,
        repo: str,
        ends: Mapping[str, ServiceUnlocked],
        said: Said,
        facts: Mapping[str, str],
    ) -> bool:
        """Write the end of locks into each thread that placed some; False if it was written.

        Raise `Conflict` where one of them is no longer the lock that was decided on.
        """
        fresh = True
        for left, (thread_id, event) in enumerate(ends.items(), 1 - len(ends)):
            # Whoever begins anew in the middle finds the others left: only the last one is the end.
            keys = () if left else said.keys
            here = await self._log.look(thread_id or f"{repo}/-")
            write = locking.ending(repo, here, event, facts, keys)
            fresh = await self._log.append(write) is not None
        return fresh


def _unlocked(ends: Mapping[str, ServiceUnlocked]) -> str:
    """Say what is unlocked, where the thread that shows it is another one, or none."""
    services = list(dict.fromkeys(name for end in ends.values() for name in end.services))
    return f"🔓 {listed(services)} {'is' if len(services) == 1 else 'are'} unlocked."


def _not_as_said(wish: LockWish, said: Said, here: Look) -> str:
    """Say what the person may have meant to lock and is not locked so; "" where all is."""
    parts = (locking.untaken(wish, said.user, here.facts, here.now), lock_words.unread_end(wish))
    return "\n".join(filter(None, parts))


def _started(repo: RepoConfig, said: Said, thread_id: str) -> ThreadStarted:
    return ThreadStarted(
        thread_id=thread_id,
        repo=repo.name,
        branch=repo.branch,
        channel=said.channel,
        origin="mention" if said.root_ts else "command",
        asked_by=said.user,
        root_ts=said.root_ts,
    )
