"""What the status says of staging: what runs there for this merge, or what came of it."""

from collections.abc import Mapping

from app.core.config import RepoConfig
from app.core.records import Staging
from app.core.state import State
from app.slack import text
from app.slack.messages import lanes, runs
from app.slack.messages.override import override_line
from app.slack.messages.settled import waiting_for
from app.slack.messages.staging import last_failed


def staging_line(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    """Say what happens or happened on staging, as the status does."""
    staging = state.staging
    if staging is None:
        return ""
    return f"*Staging*  {_staging_now(state, repo, staging, facts)}"


def _staging_now(state: State, repo: RepoConfig, staging: Staging, facts: Mapping[str, str]) -> str:
    if staging.passed is None:
        return _staging_open(state, repo, staging, facts)
    since = text.when(staging.ended_at or staging.started_at)
    if staging.by:
        return f"✅ passed with {lanes.titled(staging.by)}, which has it · {since}"
    if staging.passed:
        untested = "" if repo.staging.e2e else " (no tests configured)"
        return f"✅ passed{untested} · {since}"
    if staging.override:
        return override_line(staging.override)
    if staging.stopped:
        return f"⏹️ stopped · {since}"
    run = last_failed(state, staging)
    names = runs.failing_tests(run.failing_tests) if run else ""
    failing = f"\nFailing: {names}" if names else ""
    return f"❌ failed: {text.inline(staging.summary, 250)} · {since}{failing}"


def _staging_open(
    state: State, repo: RepoConfig, staging: Staging, facts: Mapping[str, str]
) -> str:
    run = state.running
    if state.waits_for_lock:
        return f"⏳ {waiting_for(state.waits_for_lock, facts)}"
    if run is None:
        return f"⏳ starting · since {text.when(staging.started_at)}"
    since = f" · since {text.when(run.started_at)}"
    if run.attempt.service is None:
        return f"🧪 testing{since}"
    done = sum(state.runs[a].attempt.service is not None for a in staging.attempts)
    count = f" ({done} of {len(repo.staging.services)})" if staging.scope == "all" else ""
    return f"🚀 deploying {text.inline(run.attempt.service, 60)}{count}{since}"
