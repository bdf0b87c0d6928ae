"""What the offline planner keeps of a thread for its next step, and what follows from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Proposal = tuple[str, str]  # the tool and the full SHA


@dataclass(slots=True)
class Memory:
    """What holds for the next step, from all events of the thread.

    `only` is None where all services are wanted. `blocked` is what was refused or failed; it is
    not proposed again unasked. `troubled`: nobody has said yet what to do about it. `before` is
    what the services ran before this thread shipped something unverified, oldest first. `order`
    is the order that people asked for, in words. `unclear`: what was not understood may be about
    the deploy; `unsure`: another planner understood it and made a card of it. `asked` is the
    question that is open, `said_once` what is not repeated until people are understood. `red` are
    the tests that fail on production, None where none are known to; `by_button`: a person called
    for the rollback. `together` is what going back without a name is about, before any of it was
    rolled back here; `nothing_back`: people wanted that last, and there was nothing. `spared` is
    what they left out of going back after they had asked for it.
    """

    first: list[str] = field(default_factory=list[str])
    last: list[str] = field(default_factory=list[str])
    only: set[str] | None = None
    skip: set[str] = field(default_factory=set[str])
    sha: str | None = None
    odd_sha: str = ""
    back: tuple[str, ...] | None = None
    back_sha: str | None = None
    blocked: set[Proposal] = field(default_factory=set[Proposal])
    troubled: str = ""
    ended: bool = False
    unclear: bool = False
    unsure: bool = False
    order: str = ""
    asked: str = ""
    said_once: set[str] = field(default_factory=set[str])
    red: tuple[str, ...] | None = None
    by_button: bool = False
    together: tuple[str, ...] = ()
    nothing_back: bool = False
    spared: set[str] = field(default_factory=set[str])
    before: dict[str, str | None] = field(default_factory=dict[str, str | None])


def resolve(sha: str, known: Mapping[str, object]) -> str | None:
    """Return the one known SHA that begins so, or None."""
    found = [full for full in known if full.startswith(sha)]
    return found[0] if len(found) == 1 else None


def in_order(services: Iterable[str], memory: Memory) -> list[str]:
    """Return the services in the order that people asked for, else as given."""
    rest = list(services)
    first = [service for service in memory.first if service in rest]
    last = [service for service in memory.last if service in rest]
    middle = [service for service in rest if service not in first and service not in last]
    return [*first, *middle, *last]


def wanted(services: Iterable[str], memory: Memory) -> list[str]:
    """Return the services that people want, in order."""
    order = in_order(services, memory)
    picked = [s for s in order if memory.only is None or s in memory.only]
    return [service for service in picked if service not in memory.skip]
