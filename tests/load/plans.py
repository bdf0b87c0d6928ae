"""What the logs say about plans: when each was live, on which target, in which line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core import events as ev
from app.core.state import State

PRODUCTION = "production/"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that one thread had to itself, from one moment of the store's time to another."""

    what: str
    thread_id: str
    began: int
    ended: float


def holdings(thread_id: str, entries: Iterable[ev.Entry]) -> Iterator[Span]:
    """Return when a thread held each production target: from its first effect to its tests."""
    since: dict[str, int] = {}
    for entry in entries:
        match entry.event:
            case ev.ToolStarted(locks=locks):
                since |= {lock: entry.at for lock in locks if lock.startswith(PRODUCTION)}
            case ev.LocksReleased(targets=targets):
                for target in set(targets) & set(since):
                    yield Span(target, thread_id, since.pop(target), entry.at)
            case _:
                pass
    for target, began in since.items():
        yield Span(target, thread_id, began, float("inf"))


def first_cards(state: State) -> Iterator[Span]:
    """Return when the first card of a merge waited, as one of its services' line."""
    touched = state.change.touched if state.change else ()
    for card in list(state.cards.values())[:1]:
        granted = [approval.at for approval in card.approvals]
        ended = granted[-1] if granted else card.decided_at
        yield Span(",".join(touched), state.thread_id, card.at, ended or float("inf"))


def overlaps(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Return the spans of different threads that were about the same at one moment."""
    found: list[tuple[Span, Span]] = []
    last: dict[str, Span] = {}
    for span in sorted(spans, key=lambda span: (span.began, span.ended)):
        before = last.get(span.what)
        if before and span.began < before.ended:
            found.append((before, span))
        last[span.what] = span
    return found


def shipped_with(states: Mapping[int, State], number: int) -> Sequence[int]:
    """Return the chain of merges from one to the one whose thread was to ship it."""
    chain, by_thread = [number], {state.thread_id: n for n, state in states.items()}
    while joined := states[chain[-1]].joined:
        chain.append(by_thread[joined.into.thread_id])
    return chain
