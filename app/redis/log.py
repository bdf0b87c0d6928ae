"""The thread log in Redis; every change is one Lua script. Knows nothing of what events mean.

All keys of a repository share its hash tag, so that one script may touch them on a cluster, too:

    {repo}:log:<thread>      LIST  the thread's events, one JSON line each
    {repo}:heads             HASH  thread -> "<lines>:<link of the last>", the chain's end
    {repo}:threads           ZSET  thread -> when it began
    {repo}:due:<queue>       ZSET  thread -> when it is due; if claimed, when its lease ends
    {repo}:fences:<queue>    HASH  thread -> fence of its newest claim
    {repo}:leases:<queue>    HASH  claimed thread -> when its lease ends
    {repo}:woken:<queue>     SET   claimed threads that are due again as soon as they are parked
    {repo}:locks             HASH  target -> thread that holds it
    {repo}:waiting           ZSET  thread that waits for a lock -> since when, or urgent
    {repo}:asked             HASH  thread in that line -> when it asked last, for which locks
    {repo}:facts             HASH  {repo}:history LIST  {repo}:index HASH "<channel>|<ts>" -> thread
    {repo}:sent:<thread>     HASH  slot -> what its message was last made of
    {repo}:seen:<cause>      the thread that a cause led to, for 7 days
    {repo}:written:<id>      a write or claim that was done, for when it is sent again
    {repo}:offset            the tests' shift of the clock, in milliseconds
"""

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.resources import files
from typing import Protocol, cast

from app.core.errors import Conflict, Fenced, Locked
from app.core.events import Entry
from app.core.ports import SHOWN_ELSEWHERE, Claim, Look, Queue, Write
from app.redis import connect
from app.redis.chain import Stored
from app.redis.connect import Client, send
from app.redis.hints import CHANNEL, Hints
from app.redis.recent import Known, Recent


class _Script(Protocol):
    """A registered script; redis-py loads it anew on a server that has forgotten it."""

    def __call__(
        self, keys: Sequence[str], args: Sequence[str | int] = ()
    ) -> Awaitable[object]: ...


class _Commands(Protocol):
    """The plain commands that we send, typed as their answers are with decoded strings."""

    def lrange(self, name: str, start: int, end: int) -> Awaitable[list[str]]: ...
    def zrevrange(self, name: str, start: int, end: int) -> Awaitable[list[str]]: ...
    def hgetall(self, name: str) -> Awaitable[dict[str, str]]: ...
    def hget(self, name: str, key: str) -> Awaitable[str | None]: ...
    def hset(self, name: str, key: str, value: str) -> Awaitable[object]: ...
    def set(self, name: str, value: int) -> Awaitable[object]: ...


class RedisLog:
    """Keep threads in Redis; any number of processes may do so with the same Redis.

    Every command is sent again when its reply is lost. All methods but `wait_for_work` raise
    `StoreUnavailable` when Redis stays away; a change may have happened then, or happen yet.
    """

    def __init__(self, client: Client, lease_seconds: float = 30) -> None:
        self._client = client
        self._commands = cast("_Commands", client)
        self._lease_ms = int(lease_seconds * 1000)
        self._hints = Hints(client)
        self._recent = Recent()
        self._append = _script(client, "append")
        self._claim = _script(client, "claim")
        self._renew = _script(client, "renew")
        self._park = _script(client, "park")
        self._now = _script(client, "now")
        self._look = _script(client, "look")
        self._stored = _script(client, "stored")

    async def append(self, write: Write) -> Look | None:
        """Make the change and wake the thread; the contract is `ThreadLog`'s."""
        write_id = write.name or secrets.token_hex(8)
        keys = _append_keys(write, write_id)
        known = self._recent.known(write.thread_id)
        args = [_change(write, known.start), write_id, CHANNEL]
        args += [event.model_dump_json() for event in write.events]
        answer = cast("list[object]", await send(lambda: self._append(keys, args)))
        match answer:
            case ["done", *seen]:
                return self._seen(write.thread_id, known, seen) or await self.look(write.thread_id)
            case ["seen"]:
                return None
            case ["fenced"]:
                raise Fenced(write.thread_id)
            case ["conflict"]:
                raise Conflict(write.thread_id)
            case ["locked", str(target), str(holder)]:
                raise Locked(target, holder)
            case _:
                raise AssertionError(f"append.lua answered {answer!r}")

    async def read(self, thread_id: str) -> list[Entry]:
        """Return all entries, oldest first."""
        entries: list[Entry] | None = None
        while entries is None:
            known = self._recent.known(thread_id)
            lines = await self._lines(thread_id, known.start)
            entries = self._recent.extend(thread_id, known, lines)
        return entries

    async def look(self, thread_id: str) -> Look:
        """Return all entries, the time and the facts, as of one instant."""
        keys = _keys(_repo(thread_id), "offset", f"log:{thread_id}", "facts")
        while True:
            known = self._recent.known(thread_id)
            answer = await send(partial(self._look, keys, [known.start]))
            seen = self._seen(thread_id, known, cast("list[object]", answer))
            if seen is not None:
                return seen

    def _seen(self, thread_id: str, known: Known, answer: list[object]) -> Look | None:
        """Build what a script saw of a thread; None if what was known is not its beginning."""
        lines, now, facts = cast("tuple[list[str], int, list[str]]", answer)
        entries = self._recent.extend(thread_id, known, lines)
        if entries is None:
            return None
        return Look(entries, now, dict(zip(facts[::2], facts[1::2], strict=True)))

    async def stored(self, thread_id: str) -> Stored:
        """Return a thread as it is stored, to be verified, as of one instant."""
        keys = _keys(_repo(thread_id), f"log:{thread_id}", "heads", "threads")
        answer = await send(lambda: self._stored(keys, [thread_id]))
        lines, digests, head, began = cast(
            "tuple[list[str], list[str], str | None, str | None]", answer
        )
        return Stored(thread_id, lines, digests, head, began is not None)

    async def _lines(self, thread_id: str, start: int) -> list[str]:
        key = _key(_repo(thread_id), f"log:{thread_id}")
        return await send(lambda: self._commands.lrange(key, start, -1))

    async def claim(self, repo: str, queue: Queue) -> Claim | None:
        """Claim the thread that is due longest."""
        names = ["offset", *_of_queue(queue, "due", "fences", "leases", "woken")]
        keys = _keys(repo, f"written:{secrets.token_hex(8)}", *names)
        answer = await send(lambda: self._claim(keys, [self._lease_ms]))
        if not answer:
            return None
        self._hints.call(queue)  # there may be more
        thread_id, fence = cast("tuple[str, int]", answer)
        return Claim(thread_id, fence)

    async def renew(self, claim: Claim, queue: Queue) -> None:
        """Extend the lease; raise `Fenced` if it is over."""
        names = ["offset", *_of_queue(queue, "due", "fences", "leases")]
        keys = _keys(_repo(claim.thread_id), *names)
        args = [claim.thread_id, claim.fence, self._lease_ms]
        if not await send(lambda: self._renew(keys, args)):
            raise Fenced(claim.thread_id)

    async def park(self, claim: Claim, queue: Queue, version: int, wake_at: int | None) -> None:
        """Give the thread back until `wake_at`, or until something happens."""
        names = ["offset", *_of_queue(queue, "due", "fences", "leases", "woken")]
        keys = _keys(_repo(claim.thread_id), *names, f"log:{claim.thread_id}")
        due = "" if wake_at is None else wake_at
        args = [claim.thread_id, claim.fence, version, due, CHANNEL]
        due_in = cast("int | None", await send(lambda: self._park(keys, args)))
        if due_in is not None:
            self._hints.expect(queue, due_in / 1000)

    async def now(self, repo: str) -> int:
        """Return Redis' time in milliseconds, with the tests' offset."""
        return cast("int", await send(lambda: self._now(_keys(repo, "offset"))))

    async def facts(self, repo: str) -> dict[str, str]:
        """Return the repository's facts."""
        return await send(lambda: self._commands.hgetall(_key(repo, "facts")))

    async def history(self, repo: str, limit: int) -> list[str]:
        """Return the newest entries of the history, newest first; 500 are kept."""
        return await _newest(self._commands.lrange, _key(repo, "history"), limit)

    async def locks(self, repo: str) -> dict[str, str]:
        """Return the locked targets and who holds them."""
        return await send(lambda: self._commands.hgetall(_key(repo, "locks")))

    async def find(self, repo: str, channel: str, ts: str) -> str | None:
        """Return the thread that a Slack message belongs to."""
        return await send(lambda: self._commands.hget(_key(repo, "index"), f"{channel}|{ts}"))

    async def threads(self, repo: str, limit: int) -> list[str]:
        """Return the ids of the newest threads, newest first."""
        return await _newest(self._commands.zrevrange, _key(repo, "threads"), limit)

    async def sent(self, thread_id: str) -> dict[str, str]:
        """Return what the sender noted for each slot."""
        return await send(lambda: self._commands.hgetall(_sent_key(thread_id)))

    async def mark_sent(self, thread_id: str, slot: str, mark: str) -> None:
        """Note for a slot what was last sent to the chat."""
        await send(lambda: self._commands.hset(_sent_key(thread_id), slot, mark))

    async def wait_for_work(self, queue: Queue, seconds: float) -> None:
        """Return when something may be due, at the latest after `seconds`, also without Redis."""
        await self._hints.wait(queue, seconds)

    async def check(self) -> list[str]:
        """Say what keeps this Redis from being used, a sentence each."""
        return await connect.problems(self._client)

    async def warnings(self) -> list[str]:
        """Say what makes this Redis less safe than it could be, a sentence each."""
        return await connect.warnings(self._client)

    async def fullness(self) -> float:
        """Return how much of its memory Redis uses, 0 where it has no limit."""
        return await connect.fullness(self._client)

    async def set_offset(self, repo: str, ms: int) -> None:
        """Shift the time of one repository, for tests."""
        await send(lambda: self._commands.set(_key(repo, "offset"), ms))

    async def close(self) -> None:
        """End the subscription and the connections."""
        await self._hints.close()
        await self._client.aclose()


def _script(client: Client, name: str) -> _Script:
    text = files("app.redis").joinpath(f"{name}.lua").read_text()
    return cast("_Script", client.register_script(text))


async def _newest(
    command: Callable[[str, int, int], Awaitable[list[str]]], key: str, limit: int
) -> list[str]:
    return await send(lambda: command(key, 0, limit - 1)) if limit > 0 else []


def _repo(thread_id: str) -> str:
    return thread_id.rpartition("/")[0]


def _key(repo: str, name: str) -> str:
    return f"{{{repo}}}:{name}"


def _sent_key(thread_id: str) -> str:
    return _key(_repo(thread_id), f"sent:{thread_id}")


def _keys(repo: str, *names: str) -> list[str]:
    return [_key(repo, name) for name in names]


def _of_queue(queue: Queue, *names: str) -> list[str]:
    return [f"{name}:{queue}" for name in names]


def _append_keys(write: Write, write_id: str) -> list[str]:
    """List the keys in the order in which append.lua names them."""
    return _keys(
        _repo(write.thread_id),
        f"written:{write_id}",
        "offset",
        f"log:{write.thread_id}",
        "threads",
        *_of_queue("work", "due", "fences", "leases", "woken"),
        *_of_queue("slack", "due", "leases"),
        *("locks", "waiting", "facts", "history", "index", "heads"),
        *_of_queue("slack", "woken"),
        "asked",
        *(f"log:{other}" for other in write.others),
        *(f"seen:{cause}" for cause in write.dedupe),
    )


def _change(write: Write, start: int) -> str:
    """Build the part of the write that append.lua decodes; what is None is left out.

    It answers with the lines from `start` on.
    """
    change: dict[str, object] = {
        "thread": write.thread_id,
        "from": start,
        "take": list(write.take),
        "release": list(write.release),
        "waits": write.waits,
        "expects": dict(write.expects),
        "others": list(write.others.values()),
        "facts": dict(write.facts),
        "history": list(write.history),
        "index": list(write.index),
        "wake": list(write.wake),
        "tells": list(write.tells),
        "silent": write.silent,
        "urgent": write.urgent,
    }
    optional = {"version": write.version, "fence": write.fence}
    change |= {name: value for name, value in optional.items() if value is not None}
    if write.elsewhere:
        change["elsewhere"] = SHOWN_ELSEWHERE
    return json.dumps(change)
