"""What a thread can do next: one of these, by `decide`; whoever carries it out is elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.core import events as ev
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.records import Run
from app.core.spec import EffectKind, Environment


@dataclass(frozen=True, slots=True)
class Here:
    """What a rule sees besides the thread: the configuration, the time (ms), the repo's facts."""

    repo: RepoConfig
    now: int
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Append:
    """Append events that follow from the state and the facts; the rest is as in a `Write`."""

    events: Sequence[ev.Event]
    facts: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    expects: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    wake: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Start an attempt; `cause` names why, once for each time it may run."""

    kind: EffectKind | Literal["e2e"]
    environment: Environment
    service: str | None
    sha: str
    cause: str
    locks: tuple[str, ...]
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Observe:
    """Ask the target how an attempt is doing."""

    run: Run


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask the target to end an attempt."""

    run: Run


@dataclass(frozen=True, slots=True)
class LookAtChange:
    """Find out which services the merge is for."""


@dataclass(frozen=True, slots=True)
class LookAtProduction:
    """Find out what production runs, and do nothing about it."""


@dataclass(frozen=True, slots=True)
class LookAtOrder:
    """Find out whether another merge contains this one; while nobody can say, `otherwise`."""

    other: ev.Pull
    otherwise: Start | None = None


@dataclass(frozen=True, slots=True)
class LookAtAdded:
    """Find out what a newer merge, with which `carries` ship, adds to a card; and ask about it."""

    other: ev.Pull
    carries: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """Find out what the merge would ask for once this run through staging is green."""

    staging: int


@dataclass(frozen=True, slots=True)
class TakeEffect:
    """Let a card count that was approved ahead, if what it said of other merges is still all."""

    card: Card
    expects: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class FetchFacts:
    """Fetch what the agent will surely need."""


@dataclass(frozen=True, slots=True)
class ResolveShas:
    """Find out what the SHAs in people's words stand for."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskModel:
    """Let the agent say its next step."""


@dataclass(frozen=True, slots=True)
class Repropose:
    """Make a card anew that a person asked for again."""

    call_id: str
    user: str


@dataclass(frozen=True, slots=True)
class LookFor:
    """Look whether what the thread waits for is there, and do nothing until a time (ms) if not."""

    wait: ev.WaitStarted
    until: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until a time (ms), or until something happens."""

    until: int | None


Action = (
    Append
    | Start
    | Observe
    | Cancel
    | LookAtChange
    | LookAtProduction
    | LookAtOrder
    | LookAtAdded
    | Prepare
    | TakeEffect
    | FetchFacts
    | ResolveShas
    | AskModel
    | Repropose
    | LookFor
    | Wait
)
