"""What a thread's events brought to its repository's facts, to hold what stands there against it.

A fact that names its thread can be checked by that thread alone. One that is gone cannot: another
thread may have ended it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from app.core import consequences
from app.core.events import Entry
from app.core.fold import Fold

NAMED = ("running/", "hold/", "lock/")
_WRITTEN_WITHIN_MS = 5 * 60 * 1000  # what happened is written until it is written, for two minutes


def strays(thread_id: str, entries: Sequence[Entry], facts: Mapping[str, str]) -> list[str]:
    """Return the facts that name this thread and are not what its events brought."""
    mine = {name: facts[name] for name, thread in named(facts).items() if thread == thread_id}
    if not mine:
        return []
    brought = _brought(entries)
    return sorted(name for name, told in mine.items() if not _same(told, brought.get(name)))


def named(facts: Mapping[str, str]) -> dict[str, str | None]:
    """Return the facts that name a thread when they are written, and whom they name now."""
    return {
        name: _read(told).get("thread") for name, told in facts.items() if name.startswith(NAMED)
    }


def _brought(entries: Sequence[Entry]) -> dict[str, tuple[str | None, int]]:
    """Return the newest value of each fact that the events brought, and when it was written."""
    folding, brought = Fold(), dict[str, tuple[str | None, int]]()
    for entry in entries:
        changed = consequences.facts_of(folding.state, [entry.event], entry.at)
        brought.update({name: (told, entry.at) for name, told in changed.items()})
        folding.apply(entry)
    return brought


def _same(told: str, brought: tuple[str | None, int] | None) -> bool:
    if brought is None or brought[0] is None:
        return False
    (expected, written), stands = brought, _read(told)
    at = stands.pop("at", None)
    wanted = {key: value for key, value in _read(expected or "").items() if key != "at"}
    in_time = isinstance(at, int) and 0 <= written - at <= _WRITTEN_WITHIN_MS
    return in_time and stands == wanted


def _read(told: str) -> dict[str, Any]:
    try:
        fact = json.loads(told)
    except ValueError:
        return {}
    return cast("dict[str, Any]", fact) if isinstance(fact, dict) else {}
