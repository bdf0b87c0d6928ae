"""People's locks: what one that this thread placed means now, and who ended it."""

from collections.abc import Mapping

from app.core import locks
from app.core.records import Locking
from app.core.state import State
from app.core.writing import listed
from app.slack import blocks, text
from app.slack.blocks import Message
from app.slack.messages import people


def lock_message(state: State, locking: Locking, facts: Mapping[str, str], now: int) -> Message:
    """Tell a lock, or its end, in a message of its own."""
    line = lock_line(state, locking, facts, now)
    return Message(line.partition("\n")[0], (blocks.section(line),))


def lock_line(state: State, locking: Locking, facts: Mapping[str, str], now: int) -> str:
    """Say what locking words came to, in words that are true now, as mrkdwn."""
    by = text.user(locking.user)
    if locking.ends:
        end = _reason(locking) or "."
        return f"🔓 {_verb(locking.services, 'is', 'are')} unlocked by {by}{end}"
    held = held_by(state, locking, facts, now)
    if not held:
        was = _verb(locking.services, "was", "were")
        return f"🔓 {was} locked by {by}{_reason(locking)} · {_ends(locking)}"
    until = _until(locking)
    ends = f"Whoever locked it, or an approver, ends that with `unlock {listed(held)}`."
    it = "it" if len(held) == 1 else "them"
    means = f"Nothing begins on {it} in production meanwhile; what already runs goes on."
    return f"🔒 {_verb(held, 'is', 'are')} locked by {by}{until}{_reason(locking)}\n{means} {ends}"


def _until(locking: Locking) -> str:
    if locking.until is None:
        return ""
    chosen = f" ({text.inline(locking.chosen, 120)})" if locking.chosen else ""
    return f" until {text.when(locking.until)}{chosen}"


def held_by(state: State, locking: Locking, facts: Mapping[str, str], now: int) -> tuple[str, ...]:
    """Return the services that a lock of this thread still holds."""
    newest = {s: each.n for each in state.lockings if not each.ends for s in each.services}
    standing = {s: locks.lock_on(facts, s, now) for s in locking.services}
    return tuple(
        service
        for service, lock in standing.items()
        if lock and lock.thread_id == state.thread_id and newest[service] == locking.n
    )


def next_end(state: State, facts: Mapping[str, str], now: int) -> int | None:
    """Return when a lock of this thread ends by itself."""
    ends = [
        locking.until
        for locking in state.lockings
        if locking.until is not None and held_by(state, locking, facts, now)
    ]
    return min(ends, default=None)


def _ends(locking: Locking) -> str:
    """Say how a lock ended; how it did for each service where that differs."""
    by_end: dict[str, list[str]] = {}
    for service in locking.services:
        who = locking.ended.get(service)
        how = f"unlocked by {text.user(who)}" if who else "over"
        by_end.setdefault(how, []).append(f"*{text.inline(service, 60)}*")
    if len(by_end) == 1:
        return next(iter(by_end))
    return ", ".join(f"{people.all_of(names)} {how}" for how, names in by_end.items())


def _verb(services: tuple[str, ...], one: str, several: str) -> str:
    names = people.all_of([f"*{text.inline(service, 60)}*" for service in services])
    return f"{names} {one if len(services) == 1 else several}"


def _reason(locking: Locking) -> str:
    return f": {text.inline(text.quoted(locking.reason), 200)}" if locking.reason else ""
