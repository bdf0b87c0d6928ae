"""The tests of production, after what reached it, and what follows from red ones."""

from collections.abc import Sequence

from app.core import events as ev
from app.core import flaky, ledger
from app.core.actions import Action, Append, Here, Start
from app.core.records import Run
from app.core.rules.staging import LOST_TRIES
from app.core.state import State

TRIES = 2


def place_holds(state: State, here: Here) -> Action | None:
    """Keep what was rolled back from coming again by itself."""
    if not state.holds_due:
        return None
    holds = [ev.HoldPlaced(service=service, bad_sha=bad) for service, bad in state.holds_due]
    return Append(holds)


def verify(state: State, here: Here) -> Action | None:
    """Test production once the plan has ended that changed it."""
    ended = state.plan_ended is not None or state.stopped_by is not None or state.lapsed
    due = state.verify_requested or (bool(state.effects) and ended)
    if not due or here.repo.production.e2e is None or state.unknown or state.pending:
        return None
    check = state.verification
    runs = state.runs_of(check.attempts) if check and check.passed is None else []
    if runs and runs[-1].outcome == "succeeded":
        return Append([ev.VerificationEnded(passed=True, versions=_tested(state, here))])
    seen = [run for run in runs if run.outcome != "unknown"]
    if len(seen) < TRIES and len(runs) < LOST_TRIES:
        return _verification_start(state)
    return _verification_red(state, runs, here)


def _tested(state: State, here: Here) -> dict[str, str]:
    """Return what the tests were about: what was shipped since the last ones.

    Tests that people asked for are about what this thread shipped before, where it still runs.
    """
    still = {
        service: sha
        for service, sha in state.shipped.items()
        if ledger.production(here.facts, service) == sha
    }
    return _versions(state) or still


def _versions(state: State) -> dict[str, str]:
    """Return what came to production since the last tests; of a job nothing runs."""
    return {name: sha for name, sha in state.effects.items() if name not in state.ran}


def _verification_start(state: State) -> Start | None:
    effects = [run for run in state.runs.values() if run.is_production_effect]
    shipped = [run.attempt.sha for run in effects if run.outcome == "succeeded"]
    sha = shipped[-1] if shipped else _production_sha(state)
    if sha is None:
        return None
    cause = f"{state.thread_id}:production:e2e:{len(state.runs)}"  # each has a run of its own
    return Start("e2e", "production", None, sha, cause, ())


def _production_sha(state: State) -> str | None:
    running = state.facts.running if state.facts else ()
    return next((r.sha for r in running if r.sha), state.sha)


def _verification_red(state: State, runs: Sequence[Run], here: Here) -> Append:
    tried = [run.attempt.attempt_id for run in runs]
    failing = runs[-1].failing_tests
    red = ev.VerificationEnded(
        passed=False,
        versions=_versions(state),
        failing_tests=failing,
        before=flaky.failed_before(here.facts, "production", failing, tried),
    )
    if not state.effects:
        return Append([red])
    if state.mode == "deploy":
        return Append([red, ev.RollbackOpened()])
    text = "Production is still red after the rollback. What should I do?"
    call_id = f"red{state.version}"
    return Append([red, ev.BotSaid(call_id=call_id, text=text, because="question")])
