"""What always holds of staging: it goes forward, and one merge's tests count for an older one."""

from app.core import events as ev
from app.core.events import Entry
from tests.machine.places import ORDER
from tests.machine.world import Mirror, World


def i25_what_is_green_on_staging_is_not_replaced_by_what_it_contains(world: World) -> None:
    """Hold for what merges begin by themselves, as far as they know how the two follow."""
    for mirror, entry in world.news:
        match entry.event:
            case ev.StagingEnded(sha=sha, by=ev.Pull() as by):
                assert ORDER[by.sha] > ORDER[sha], "an older merge has not got it"
                assert (by.thread_id, by.sha) in _green(world, mirror, entry), "nobody tested it"
                world.lab.counts["tested with a newer merge"] += 1
            case ev.ToolStarted(attempt=attempt) if attempt.environment == "staging":
                before = _green(world, mirror, entry)
                newest = before[-1][0] if before else ""
                if _knows_as_newer(mirror, entry, newest):
                    assert _was_asked_for(mirror, attempt.attempt_id), "it replaced a newer one"
            case _:
                continue


def _green(world: World, mirror: Mirror, until: Entry) -> list[tuple[str, str]]:
    """Return the merges that were tested by themselves and green before an entry, in order."""
    same = [m for m in world.mirrors.values() if m.repo is mirror.repo and m.state.sha]
    ended = [
        (entry.at, m.thread_id, entry.event.sha)
        for m in same
        for entry in m.entries
        if isinstance(entry.event, ev.StagingEnded)
        and entry.event.passed
        and entry.event.by is None
        and entry.event.sha == m.state.sha
        and entry.at <= until.at
    ]
    return [(thread_id, sha) for _, thread_id, sha in sorted(ended)]


def _knows_as_newer(mirror: Mirror, until: Entry, thread_id: str) -> bool:
    before = mirror.entries[: next(n for n, e in enumerate(mirror.entries) if e is until)]
    seen = [e.event for e in before if isinstance(e.event, ev.OrderSeen)]
    return any(each.other == thread_id and each.relation == "newer" for each in seen)


def _was_asked_for(mirror: Mirror, attempt_id: str) -> bool:
    runs = [staging for staging in mirror.state.stagings if attempt_id in staging.attempts]
    return bool(runs) and runs[0].asked_for
