"""What the offline planner says: every sentence a pure function of the facts."""

from collections.abc import Mapping, Sequence

from app.core.events import Commit, Running
from app.core.state import State
from app.core.writing import short

BUTTON = "Words do not approve: only the Approve button on the card counts."
NO_CARD = "Nothing waits for approval at the moment."
CARD_WAITS = "The card above still waits for Approve."
SAME_CARD = f"The card above is exactly that. {CARD_WAITS}"
UNCLEAR = (
    "I am the offline planner and did not understand that. What should I do? "
    'Say "help" to see what I understand.'
)
NOTED = "Noted. I go on as soon as what is running now has ended."
UNCLEAR_WHILE_BUSY = "I did not understand that. I ask again when what is running now has ended."
NO_STEP_NOW = "That cannot be done while something is running. Say it again when it has ended."


def running(services: Sequence[Running]) -> str:
    """Say what production runs."""
    if not services:
        return "I do not know what production runs."
    return "On production: " + "; ".join(map(_running, services)) + "."


def _running(service: Running) -> str:
    notes = ["last recorded deploy" if service.source == "recorded" else "says the target"]
    if service.sha is None:
        notes = ["nobody knows"]
    elif service.verified_sha == service.sha:
        notes.append("e2e tests green")
    if service.hold:
        notes.append("on hold")
    return f"{service.service} {short(service.sha)} ({', '.join(notes)})"


def changes(commits: Sequence[Commit]) -> str:
    """Say which commits production does not have yet."""
    if not commits:
        return "I know of no commits that production does not have."
    lines = [f"{short(commit.sha)} {commit.title}".rstrip() for commit in commits[:10]]
    return "\n".join(["Not on production yet, newest first:", *lines])


def failure(state: State) -> str:
    """Say what failed last."""
    check = state.verification
    if check and check.passed is False:
        return "The production e2e tests failed: " + (", ".join(check.failing_tests) or "no names")
    failed = [run for run in state.runs.values() if run.outcome in ("failed", "cancelled")]
    if not failed:
        return "Nothing has failed in this thread."
    run = failed[-1]
    what = run.attempt.service or "the e2e tests"
    tests = f" Failing tests: {', '.join(run.failing_tests)}." if run.failing_tests else ""
    return f"{run.attempt.kind} of {what} on {run.attempt.environment}: {run.summary}.{tests}"


def fetched(what: str, result: str) -> str:
    """Show what a reading tool answered."""
    return f"{what}:\n{result}"


def unknown_sha(sha: str, known: Sequence[Commit]) -> str:
    """Say that nobody here knows a SHA, and which ones there are."""
    nearest = ", ".join(f"{short(c.sha)} {c.title}".rstrip() for c in known[-4:]) or "none"
    return f"I know no single commit {sha} here. Known: {nearest}."


def there_already(services: Sequence[str], sha: str) -> str:
    """Say that services run a commit already."""
    verb = "runs" if len(services) == 1 else "run"
    return f"{' and '.join(services)} {verb} {short(sha)} on production already."


def done(shipped: Mapping[str, str], left: Mapping[str, str | None], why: str) -> str:
    """Say what a plan brought to production, and what it left out."""
    parts: list[str] = []
    if shipped:
        parts.append(
            "On production now: " + ", ".join(f"{s} {short(v)}" for s, v in shipped.items())
        )
    if left:
        stays = ", ".join(
            f"{s} stays {f'at {short(v)}' if v else 'as it is'}" for s, v in left.items()
        )
        parts.append(f"{stays}, {why}" if why else stays)
    return ". ".join(parts) + "." if parts else "Nothing was deployed."
