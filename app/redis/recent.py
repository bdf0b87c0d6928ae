"""The entries of threads that were read lately, so that only what is new is read and parsed."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.events import Entry, UnknownEvent, parse_event

MOST_ENTRIES = 5_000
UNREADABLE = "unreadable"


@dataclass(slots=True)
class Known:
    """What was read of a thread; its last line names the hash of all lines before it."""

    entries: list[Entry] = field(default_factory=list[Entry])
    last_line: str = ""

    @property
    def start(self) -> int:
        """Return the index from which to read: the last known line, to compare it."""
        return max(0, len(self.entries) - 1)


class Recent:
    """Keeps up to `MOST_ENTRIES` entries, those of the threads that were read last."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, Known] = OrderedDict()
        self._count = 0

    def known(self, thread_id: str) -> Known:
        """Return what is known of a thread; nothing, if it was not read lately."""
        return self._threads.get(thread_id) or Known()

    def extend(self, thread_id: str, known: Known, lines: Sequence[str]) -> list[Entry] | None:
        """Return all entries, given the lines from `known.start`; None if they are another's.

        That is so only where the log went backwards: then it has to be read from its beginning.
        """
        if known.entries:
            if not lines or lines[0] != known.last_line:
                self._forget(thread_id)
                return None
            lines = lines[1:]
        entries = known.entries + [entry_of(line) for line in lines]
        self._keep(thread_id, Known(entries, lines[-1] if lines else known.last_line))
        return list(entries)

    def _keep(self, thread_id: str, known: Known) -> None:
        self._forget(thread_id)
        if not known.entries:
            return
        self._threads[thread_id] = known
        self._count += len(known.entries)
        while self._count > MOST_ENTRIES:
            self._forget(next(iter(self._threads)))

    def _forget(self, thread_id: str) -> None:
        known = self._threads.pop(thread_id, None)
        self._count -= len(known.entries) if known else 0


def entry_of(line: str) -> Entry:
    """Parse a stored line; one that is no event at all becomes an `UnknownEvent`, too."""
    try:
        data = json.loads(line)
        return Entry(at=data["at"], write=data["write"], event=parse_event(data["event"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Entry(at=0, write="", event=UnknownEvent(type=UNREADABLE))
