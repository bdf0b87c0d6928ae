"""A run through staging: its story in the thread, and the one message that calls its author."""

from collections.abc import Mapping

from app.core import overriding
from app.core.config import RepoConfig
from app.core.offered import can_retry
from app.core.records import Run, Staging
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import lanes, people, runs
from app.slack.messages.flaky import known_flaky
from app.slack.messages.override import override_button, override_line


def staging_progress(state: State, repo: RepoConfig, staging: Staging) -> Message:
    """Tell what one run through staging did and does, a line for each service and the tests."""
    attempts = state.runs_of(staging.attempts)
    again = f" · run {staging.number}" if staging.number > 1 else ""
    title = f"*Staging* {text.short(staging.sha)}{again}"
    done = {run.attempt.service for run in attempts}
    lines = [runs.story(run, _name(run)) for run in attempts]
    if staging.passed is None:
        lines += [f"▫️ {name}" for name in _still_to_come(repo, staging, done)]
    running = any(run.outcome is None for run in attempts)
    return Message(
        text=f"Staging {staging.sha[:7]}: {_in_short(attempts, staging)}",
        blocks=(blocks.section("\n".join([title, *lines])),),
        edit_every_seconds=3 if running else 0,
    )


def staging_failed(
    state: State, repo: RepoConfig, staging: Staging, facts: Mapping[str, str]
) -> Message | None:
    """Call the author when staging failed, with the reasons and the way on; None if it did not."""
    if staging.passed is not False or staging.stopped or staging.sha in _series(state):
        return None
    whom = people.owner(state, repo)
    said = f"staging failed for {text.short(staging.sha)}: {text.inline(staging.summary, 300)}"
    parts: list[Block] = [blocks.section(f"❌ {whom + ': ' if whom else ''}{said}")]
    failed = last_failed(state, staging)
    lines = [_why_red(staging, failed), known_flaky(failed) if failed else ""]
    if why := "\n".join(filter(None, lines)):
        parts.append(blocks.section(why))
    parts += runs.tail(failed) if failed else []
    parts += lanes.red_together(state, repo, staging)
    if can_retry(state, repo, staging):
        offered = overriding.is_offered(state, staging, facts)
        override = [override_button(state, staging)] if offered else []
        parts.append(blocks.actions([*retry_buttons(state, staging), *override]))
    text_now = f"{whom + ' ' if whom else ''}{said}"
    return Message(text_now, tuple(parts), passed=staging is not state.staging)


def _why_red(staging: Staging, failed: Run | None) -> str:
    """Name the failing tests, once: whoever overrode them is told with their names."""
    if staging.override:
        return override_line(staging.override)
    names = runs.failing_tests(failed.failing_tests) if failed else ""
    return f"Failing: {names}" if names else ""


def _series(state: State) -> set[str]:
    """Return what is tested one by one, whose end is told in a question of its own."""
    return {pull.sha for pull in state.carried.values()}


def retry_buttons(state: State, staging: Staging) -> list[Block]:
    """Return the buttons that run staging again; its tests alone only if they were reached."""
    everything = blocks.button("Retry all", "retry", f"{state.thread_id}:all")
    failed = last_failed(state, staging)
    if failed is None or failed.attempt.kind != "e2e":
        return [everything]
    return [everything, blocks.button("Retry e2e", "retry_e2e", f"{state.thread_id}:e2e")]


def last_failed(state: State, staging: Staging) -> Run | None:
    """Return the run that made staging fail."""
    ended = [
        run for run in state.runs_of(staging.attempts) if run.outcome not in (None, "succeeded")
    ]
    return ended[-1] if ended else None


def _name(run: Run) -> str:
    return text.inline(run.attempt.service, 60) if run.attempt.service else "e2e tests"


def _still_to_come(repo: RepoConfig, staging: Staging, done: set[str | None]) -> list[str]:
    services = repo.staging.services if staging.scope == "all" else ()
    names = [name for name in services if name not in done]
    return [*names, "e2e tests"] if repo.staging.e2e and None not in done else names


def _in_short(attempts: list[Run], staging: Staging) -> str:
    if staging.passed is not None:
        return "passed" if staging.passed else text.inline(staging.summary or "failed", 100)
    run = attempts[-1]
    return f"{_name(run)} {run.outcome or 'running'}"
