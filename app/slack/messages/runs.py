"""How one attempt reads: its state, its duration, its failing tests and its last lines."""

from app.core.records import Run
from app.slack import blocks, text
from app.slack.blocks import Block

MARKS = {"succeeded": "✅", "failed": "❌", "cancelled": "⏹️", "unknown": "❓", None: "⏳"}
MAX_TESTS = 10
MOST_SECONDS = 1e9  # what is longer is no time


def duration(run: Run) -> str:
    """Return how long an ended run took: as the target says, else as it was seen."""
    if run.seconds is not None:
        return text.took(round(min(run.seconds, MOST_SECONDS) * 1000))
    return text.took((run.ended_at or run.started_at) - run.started_at)


def story(run: Run, name: str) -> str:
    """Return the run as one line of mrkdwn; `name` is mrkdwn already."""
    mark = MARKS[run.outcome]
    if run.outcome is None:
        since = f"{mark} {name} · since {text.when(run.started_at)}"
        if cancel := cancelling(run):
            return f"{since} · {cancel}"
        return f"{since} · {text.code(run.line, 160)}" if run.line.strip() else since
    if run.outcome == "succeeded":
        return f"{mark} {name} · {duration(run)}"
    return f"{mark} {name} {run.outcome} after {duration(run)}: {text.inline(run.summary, 200)}"


def cancelling(run: Run) -> str:
    """Say what a request to cancel does to a run; empty if there was none."""
    if run.cancel_unanswered:
        return "to be cancelled: who could do it does not answer yet"
    if not run.cancel_requested:
        return ""
    return "being cancelled" if run.cancel_possible else "cannot be cancelled: runs to its end"


def failing_tests(names: tuple[str, ...]) -> str:
    """Return the names of failing tests as one line of mrkdwn; empty if there are none."""
    shown = ", ".join(text.code(name, 120) for name in names[:MAX_TESTS])
    more = len(names) - MAX_TESTS
    return f"{shown} and {more} more" if more > 0 else shown


def counted(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tail(run: Run) -> list[Block]:
    """Return the last lines of a run as a code block, if there are any."""
    lines = [text.cut(line, 300) for line in run.tail[-20:]]
    if not any(line.strip() for line in lines):
        return []
    return [blocks.section(text.code_block("\n".join(lines)))]


def stated(run: Run) -> str:
    """Return what a person said came of a run that was unknown; empty if nobody had to."""
    return f"{run.summary}, says {text.user(run.stated_by)}" if run.stated_by else ""
