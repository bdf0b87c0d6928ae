"""Who is before whom: what one merge may not propose because of another, or of what runs."""

from collections.abc import Mapping
from contextlib import suppress

from app.core import lanes
from app.core.errors import SourceUnavailable
from app.core.events import ThreadStarted
from app.core.ids import thread_id_for
from app.core.ports import ThreadLog
from app.core.state import State
from tools.tool import Desk, ToolError


def refuse_out_of_turn(state: State, facts: Mapping[str, str], sha: str) -> None:
    """Raise `ToolError` where another merge of the same services has to be decided first.

    A thread that has begun to change production goes on: an older merge that comes late joins it.
    """
    if sha != state.sha or state.effects:
        return
    older = lanes.before(state, facts)
    if older:
        way = "is being rolled back" if older[0].stage == "back" else "is on its way to production"
        raise ToolError(
            f"{lanes.named(older[0].pull)}, another merge of the same services, {way} in a thread "
            "of its own; until that is decided there, nothing of this one can be proposed"
        )
    newer = lanes.newest(state, lanes.mates(state, facts), "asked", "shipping")
    if newer:
        raise ToolError(
            f"{lanes.named(newer.pull)}, which is newer and contains this, has a card in a thread "
            "of its own; this one ships with it"
        )


async def is_older(log: ThreadLog, repo: str, branch: str, sha: str, other: str) -> bool:
    """Tell whether the merge of a commit arrived before another's; False where one is unknown."""
    own, others = await _arrival(log, repo, branch, sha), await _arrival(log, repo, branch, other)
    return own is not None and others is not None and own < others


async def contains(desk: Desk, sha: str, other: str) -> bool:
    """Tell whether a commit has another one in it, by GitHub, else by their arrival.

    False where nobody can say.
    """
    repo = desk.repo
    if desk.source is None:
        return sha == other or await is_older(desk.log, repo.name, repo.branch, other, sha)
    with suppress(SourceUnavailable):
        return not (await desk.source.compare(repo.name, other, sha)).behind
    return False


async def _arrival(log: ThreadLog, repo: str, branch: str, sha: str) -> tuple[int, int] | None:
    entries = await log.read(thread_id_for(repo, branch, sha))
    started = entries[0].event if entries else None
    if not isinstance(started, ThreadStarted):
        return None
    return entries[0].at, started.pull_request.number if started.pull_request else 0
