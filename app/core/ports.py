"""What the core and the worker need from the outside, as protocols; adapters implement them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from app.core.config import RepoConfig
from app.core.events import Attempt, Commit, Entry, Event
from app.core.people import Roster
from app.core.spec import Environment
from app.core.state import State
from app.core.workflows import WorkflowRun

# The log.

Queue = Literal["work", "slack"]
HISTORY_KEPT = 500
SHOWN_ELSEWHERE = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a thread until the lease runs out; `fence` grows with every claim."""

    thread_id: str
    fence: int


@dataclass(frozen=True, slots=True)
class Write:
    """One change of one thread: all of it happens, or none.

    `version` is the number of events that the writer has seen (None: append whatever is there).
    `fence` must still be the thread's newest, and the facts of the repository that it `expects`
    have to be so (None: there is none). It was decided on `others`, too: threads, each with the
    number of its events that were read, and none may have come since. `dedupe` holds the causes'
    keys: if one of them was seen before, nothing happens and the append answers False. `facts` are
    set (None: deleted) in the repository's facts, `history` is put in front of its history, `index`
    maps Slack messages ("<channel>|<ts>") and attempts ("attempt|<id>") to the thread. Locks:
    `take` fails as a whole with `Locked` if another thread has one, or stands before this one in
    line and asked for it in the last 30 seconds, and puts the thread in line: it is woken when any
    lock is given back, the `urgent` ones first. To stay in line, its fenced writes set `waits`.
    What counts `elsewhere`, too, has the messages of the newest `SHOWN_ELSEWHERE` threads looked
    at anew, and the worker look at every thread that rests until a time. The threads to `wake` are
    due at once, for their worker and their messages, and so are those that wait for what the write
    `tells` of: the fact "waits/<thread>" is such a topic. A write with a `name` may be appended
    again for 10 minutes, with the same answer and no second effect.
    """

    thread_id: str
    events: Sequence[Event]
    version: int | None = None
    fence: int | None = None
    expects: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    others: Mapping[str, int] = field(default_factory=dict[str, int])
    dedupe: Sequence[str] = ()
    take: Sequence[str] = ()
    release: Sequence[str] = ()
    waits: bool = False
    facts: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    history: Sequence[str] = ()
    index: Sequence[str] = ()
    name: str = ""
    elsewhere: bool = False
    wake: Sequence[str] = ()
    tells: Sequence[str] = ()
    silent: bool = False  # does not wake the worker (what the sender writes)
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A thread at one instant: its entries, the time (ms), and its repository's facts."""

    entries: Sequence[Entry]
    now: int
    facts: Mapping[str, str]


class ThreadLog(Protocol):
    """Threads as append-only lists, with their queue, locks and facts; a repo changes as one.

    The repository of a thread is the part of its id before the last "/". All methods but
    `wait_for_work` raise `StoreUnavailable`; a change may have happened then, or happen yet.
    """

    async def append(self, write: Write) -> Look | None:
        """Make the change and wake the thread; None if its cause was seen before.

        Otherwise the thread is returned as it is then, so that who goes on need not look again.
        Without events it only wakes: a thread that somebody works on as soon as it is given back.

        Raise `Conflict` when the version or another thread moved or a fact is not as expected,
        `Fenced` when the fence moved, `Locked` for a lock.
        The same write sent again (a lost reply) gives the same answer and changes nothing.
        """
        ...

    async def read(self, thread_id: str) -> list[Entry]:
        """Return all entries, oldest first; an empty list if there is no such thread."""
        ...

    async def look(self, thread_id: str) -> Look:
        """Return all entries, the time and the facts, as of one instant."""
        ...

    async def claim(self, repo: str, queue: Queue) -> Claim | None:
        """Claim the thread that is due longest, or None if none is due.

        `work` is the worker's queue; `slack` holds threads whose messages may be out of date.
        """
        ...

    async def renew(self, claim: Claim, queue: Queue) -> None:
        """Extend the lease; raise `Fenced` if it is another's."""
        ...

    async def park(self, claim: Claim, queue: Queue, version: int, wake_at: int | None) -> None:
        """Give the thread back until `wake_at` (ms; None: until something happens).

        Due at once if the thread has more events than `version`. A fenced claim is ignored.
        """
        ...

    async def now(self, repo: str) -> int:
        """Return the store's time in milliseconds since the epoch, with the tests' offset."""
        ...

    async def facts(self, repo: str) -> dict[str, str]:
        """Return the repository's facts."""
        ...

    async def history(self, repo: str, limit: int) -> list[str]:
        """Return the newest entries of the repository's history, newest first.

        `HISTORY_KEPT` of them are kept.
        """
        ...

    async def locks(self, repo: str) -> dict[str, str]:
        """Return the locked targets and the threads that hold them."""
        ...

    async def find(self, repo: str, channel: str, ts: str) -> str | None:
        """Return the thread that a Slack message belongs to, or ("attempt", id) an attempt."""
        ...

    async def threads(self, repo: str, limit: int) -> list[str]:
        """Return the ids of the newest threads, newest first."""
        ...

    async def wait_for_work(self, queue: Queue, seconds: float) -> None:
        """Return when something may be due in a queue, at the latest after `seconds`.

        Of the tasks that wait, as many return as there may be work for.
        """
        ...

    async def sent(self, thread_id: str) -> dict[str, str]:
        """Return what the sender noted for each slot of a thread; a cache that may be lost."""
        ...

    async def mark_sent(self, thread_id: str, slot: str, mark: str) -> None:
        """Note for a slot what was last sent to the chat."""
        ...


# The chat.


class Chat(Protocol):
    """Where people read and click. `blocks` are the chat's own blocks as plain data.

    Every method raises `RateLimited`, `ChatRefused`, or `ChatUnavailable` when it is not known
    whether the chat did what was asked.
    """

    async def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        thread_ts: str | None,
        key: str,
    ) -> str:
        """Post a message, to a thread or the channel, and return its ts; `key` finds it again.

        Raise `MessageGone` if the thread is not there any more.
        """
        ...

    async def update(
        self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> None:
        """Replace a message; raise `MessageGone` if it is not there any more."""
        ...

    async def find(
        self, channel: str, thread_ts: str | None, key: str, since: int = 0
    ) -> str | None:
        """Return the ts of a message that was posted with this key, None if none was.

        It was not posted before `since` (ms). Asked again after `RateLimited` it goes on.
        """
        ...

    async def ephemeral(self, channel: str, user: str, text: str, thread_ts: str | None) -> None:
        """Tell one person something that nobody else sees."""
        ...

    def timed(self, channel: str, text: str) -> str:
        """Write the times in a text as the readers of a channel are to see them.

        For what is answered at once; what the other methods send is written so by them.
        """
        ...


class Directory(Protocol):
    """Who is who in the chat, for a card that is made; a click asks by itself."""

    async def roster(self, approvers: Sequence[str]) -> Roster:
        """Return who stands behind users and user groups, after 1.5 s at the latest.

        It raises nothing: what could not be asked in time is said in the answer.
        """
        ...


# Deployers.


@dataclass(frozen=True, slots=True)
class Observation:
    """What a target says of an attempt.

    `missing`: the target can be asked and has never seen this attempt. `unknown`: nobody can
    know. `line` is the newest line of output; `tail` the last 20. `seconds` is how long it took,
    where the target says so. It is not worth asking again within `again_seconds`.
    """

    status: Literal["running", "succeeded", "failed", "cancelled", "missing", "unknown"]
    summary: str = ""
    line: str = ""
    tail: tuple[str, ...] = ()
    failing_tests: tuple[str, ...] = ()
    seconds: float | None = None
    again_seconds: float = 0


class Deployer(Protocol):
    """Acts on the world, with credentials. One file each in tools/deployers/.

    `recovery` says what a crash between the record and the outcome means: `keyed` targets refuse a
    second start with the same attempt id, `queryable` ones can be asked by it, `blind` neither.
    """

    def recovery(self, arguments: Mapping[str, Any]) -> Literal["keyed", "queryable", "blind"]:
        """Return the class of an attempt with these arguments."""
        ...

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        """Return what is wrong with a target's options: the key and a sentence each."""
        ...

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        """Return the exact JSON arguments of an attempt, all placeholders filled; no I/O.

        They go into the spec that people approve. No secret is among them.
        """
        ...

    async def start(self, attempt: Attempt) -> str:
        """Start the attempt and return the target's reference; keyed: never twice for one id.

        Raise `NotStarted` where it is certain that nothing began; after anything else raised, it
        is for `observe` to say.
        """
        ...

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        """Ask the target about the attempt; never raises for what a target may answer."""
        ...

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        """Ask for the attempt to end; False where the target cannot.

        Raise `SourceUnavailable` where that cannot be known now: it is asked again.
        """
        ...

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        """Return the SHA that the target says it runs, None if it cannot be asked.

        Raise `SourceUnavailable` where GitHub alone can say, and does not answer.
        """
        ...


# The model.


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """One tool as the model sees it; `parameters` is a strict JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class ModelAnswer(BaseModel):
    """The one tool call that a model answered with; `by` names it."""

    tool: str
    arguments: dict[str, Any]
    by: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the agent knows when it is asked; `now` is in milliseconds since the epoch."""

    state: State
    repo: RepoConfig
    tools: Sequence[ToolSchema]
    entries: Sequence[Entry]
    now: int


class Model(Protocol):
    """Answers what the next step is."""

    @property
    def name(self) -> str: ...

    async def next_step(self, turn: Turn) -> ModelAnswer:
        """Return one call of one of the turn's tools.

        Raise `ModelUnavailable` when nobody answers in time, `ModelMisbehaved` for anything else
        that is no tool call.
        """
        ...


# Where facts come from.


@dataclass(frozen=True, slots=True)
class Comparison:
    """How head differs from base: the newest commits that only head has, and the numbers.

    `files` are the paths that head changes, old and new; None if they are too many, or not told.
    `parents` are those of the commits, the branch before what was merged into it, as far as told.
    """

    commits: tuple[Commit, ...]
    ahead: int
    behind: int
    files: tuple[str, ...] | None = None
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


class Source(Protocol):
    """The repository's host. Every method raises `SourceUnavailable` when it cannot be asked."""

    async def commit(self, repo: str, ref: str) -> Commit | None:
        """Return the commit that a full or short SHA names, None if none or several."""
        ...

    async def commits(self, repo: str, branch: str, limit: int) -> list[Commit]:
        """Return the newest commits of a branch, newest first."""
        ...

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        """Compare two commits; up to 100 commits, newest first."""
        ...

    async def files(self, repo: str, pull_request: int) -> Sequence[str] | None:
        """Return the paths that a pull request changes, old and new.

        None if they are too many, or not told; none at all only where that is sure.
        """
        ...

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        """Return the logins of those who wrote commits of a pull request."""
        ...

    async def tags(self, repo: str, limit: int) -> list[tuple[str, str]]:
        """Return tags and the full SHAs of their commits, as the host orders them."""
        ...

    async def workflow_runs(self, repo: str, limit: int, workflow: str = "") -> list[WorkflowRun]:
        """Return the newest runs of a workflow's file, or of all workflows, newest first.

        Raise `SourceMissing` where there is no such workflow.
        """
        ...

    async def workflow_run(self, repo: str, run_id: int) -> WorkflowRun | None:
        """Return a run, None if there is none."""
        ...
