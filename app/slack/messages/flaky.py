"""What is known of tests that are red now: how often they were, and were green when run again."""

from app.core.flaky import plainly
from app.core.records import Run
from app.slack import text

MAX_LINES = 5


def known_flaky(run: Run) -> str:
    """Say which failing tests of a run are known to be flaky, a line each; empty if none is."""
    lines = [
        f"🎲 {plainly(told, text.code(told.test, 120))}." for told in run.before if told.is_flaky
    ]
    return "\n".join(lines[:MAX_LINES])
