"""What became of merges that ship each other: each went out, by its own thread or a newer one's."""

from collections import Counter
from collections.abc import Collection, Mapping

from app.core.state import State
from tests.crash.crashes import Crashes
from tests.crash.shops import PATHS

SERVICES = [service for service in PATHS if service != "e2e"]


def effects_of(ends: Collection[State]) -> set[str]:
    """Return what threads say that they brought to production."""
    return {f"production {name} {sha[:7]}" for end in ends for name, sha in end.shipped.items()}


def lost(box: Crashes, ends: Mapping[str, State]) -> list[str]:
    """Return the merges that no service of production has got, in their own commit or a newer one.

    `ends` has for each the thread at the end of the chain of those that it joined: it has the
    merge, too.
    """
    return [
        sha
        for sha, end in ends.items()
        if not box.outside.contains(end.sha or "", sha)
        or not all(_went_out(box, service, sha) for service in SERVICES)
    ]


def _went_out(box: Crashes, service: str, sha: str) -> bool:
    effects = (effect.split() for effect in box.target.production())
    shas = (short for _, name, short in effects if name == service)
    return any(box.outside.contains(short, sha) for short in shas)


def doubled(box: Crashes) -> int:
    """Count the effects that happened more than once."""
    return sum(count - 1 for count in Counter(box.target.production()).values())
