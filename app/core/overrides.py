"""What remains of overridden red tests: the fact "overridden/<sha>", which the commit's cards show.

It lasts until staging has run anew for the commit, whatever comes of that.
"""

import json
from collections.abc import Mapping

from app.core import events as ev
from app.core.events import Override

FACT = "overridden/"


def facts_of(
    event: ev.Event, thread_id: str, known: Mapping[str, str], now: int
) -> dict[str, str | None]:
    """Return the fact that an event brings, or ends: a new run of staging speaks for itself."""
    match event:
        case ev.StagingOverridden(sha=sha):
            kept = Override(
                user=event.user, reason=event.reason, failing_tests=event.failing_tests, at=now
            )
            return {f"{FACT}{sha}": json.dumps(kept.model_dump() | {"thread": thread_id})}
        case ev.StagingEnded(sha=sha) if f"{FACT}{sha}" in known:
            return {f"{FACT}{sha}": None}
        case _:
            return {}


def override_of(facts: Mapping[str, str], sha: str) -> Override | None:
    """Return the override that stands for a commit."""
    fact = facts.get(f"{FACT}{sha}")
    return Override.model_validate_json(fact) if fact else None
