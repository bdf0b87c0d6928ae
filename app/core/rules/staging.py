"""Staging: which services a merge is for, each deployed in order, then the tests."""

from app.core import events as ev
from app.core import flaky, red
from app.core.actions import Action, Append, Here, LookAtChange, Start
from app.core.records import STOPPED, Run, Staging
from app.core.state import State
from app.core.unsorted import is_unsorted

STAGING_LOCK = "staging"
LOST_TRIES = 5  # of tests or a staging step whose outcome was lost, which says nothing of them


def sort(state: State, here: Here) -> Action | None:
    """Find out first whom a merge is for."""
    return LookAtChange() if is_unsorted(state, here.repo) else None


def run_staging(state: State, here: Here) -> Action | None:
    """Deploy to staging and test it, one step at a time."""
    staging = state.staging
    if staging is None or staging.passed is not None:
        return None
    if state.stopped_by:
        return _staging_end(state, staging, False, STOPPED)
    for step in _staging_steps(state, staging, here):
        tries = _tries(state, staging, step)
        last = tries[-1] if tries else None
        if last and last.outcome == "succeeded":
            continue
        again = last is not None and last.outcome == "unknown" and len(tries) < LOST_TRIES
        if last is None or again:
            return _staging_start(state, staging, step)
        before = flaky.failed_before(here.facts, "staging", last.failing_tests, staging.attempts)
        known_red = red.before(state, here.facts)
        return _staging_end(state, staging, False, f"{step}: {last.summary}", before, known_red)
    tested = "e2e tests green" if here.repo.staging.e2e else "deployed; no e2e tests are configured"
    return _staging_end(state, staging, True, tested)


def _staging_steps(state: State, staging: Staging, here: Here) -> list[str]:
    """Return the services to deploy, then the tests.

    Tests alone would be about whatever staging has got from another thread since, so what is not
    there any more is deployed again.
    """
    own = {run.attempt.service for run in state.runs_of(staging.attempts)}
    services = [
        service
        for service in here.repo.staging.services
        if staging.scope == "all"
        or service in own
        or here.facts.get(f"staging/{service}") != staging.sha
    ]
    return [*services, "e2e"] if here.repo.staging.e2e else services


def _tries(state: State, staging: Staging, step: str) -> list[Run]:
    """Return the runs of a step; tests count from the last deploy on."""
    runs = state.runs_of(staging.attempts)
    deploys = [n for n, run in enumerate(runs, 1) if run.attempt.kind != "e2e"]
    since = deploys[-1] if deploys and step == "e2e" else 0
    return [run for run in runs[since:] if (run.attempt.service or "e2e") == step]


def _staging_start(state: State, staging: Staging, step: str) -> Start:
    kind, service = ("e2e", None) if step == "e2e" else ("deploy", step)
    runs = state.runs_of(staging.attempts)
    attempt = 1 + sum(run.attempt.service == service for run in runs)
    cause = f"{state.thread_id}:staging:{staging.number}:{step}:{attempt}"
    return Start(kind, "staging", service, staging.sha, cause, (STAGING_LOCK,))


def _staging_end(
    state: State,
    staging: Staging,
    passed: bool,
    summary: str,
    before: tuple[ev.FailedBefore, ...] = (),
    red_before: tuple[ev.Pull, ...] = (),
) -> Append:
    ended = ev.StagingEnded(
        sha=staging.sha, passed=passed, summary=summary, before=before, red_before=red_before
    )
    if STAGING_LOCK not in state.locks:
        return Append([ended])
    return Append([ended, ev.LocksReleased(targets=(STAGING_LOCK,))])
