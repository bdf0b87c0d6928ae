"""What a thread does next: a list of rules, asked in order; no I/O, no clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.core import events as ev
from app.core.config import RepoConfig
from app.core.spec import Environment, approval_cause
from app.core.state import MAX_ERRORS, MAX_STEPS, STOPPED, Run, Staging, State

STAGING_LOCK = "staging"
FACTS_FRESH_MS = 10 * 60 * 1000
NEWER_PAUSE_MS = 30_000
TRIES = 2
LOST_TRIES = 5  # of tests or a staging step whose outcome was lost, which says nothing of them


@dataclass(frozen=True, slots=True)
class Append:
    """Append events that follow from the state alone."""

    events: Sequence[ev.Event]


@dataclass(frozen=True, slots=True)
class Start:
    """Start an attempt; `cause` names why, once for each time it may run."""

    kind: Literal["deploy", "rollback", "e2e"]
    environment: Environment
    service: str | None
    sha: str
    cause: str
    locks: tuple[str, ...]
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Observe:
    """Ask the target how an attempt is doing."""

    run: Run


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask the target to end an attempt."""

    run: Run


@dataclass(frozen=True, slots=True)
class LookAtChange:
    """Find out which services the merge is for."""


@dataclass(frozen=True, slots=True)
class FetchFacts:
    """Fetch what the agent will surely need."""


@dataclass(frozen=True, slots=True)
class ResolveShas:
    """Find out what the SHAs in people's words stand for."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskModel:
    """Let the agent say its next step."""


@dataclass(frozen=True, slots=True)
class Repropose:
    """Make a card anew that a person asked for again."""

    call_id: str
    user: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until a time (ms), or until something happens."""

    until: int | None


Action = (
    Append
    | Start
    | Observe
    | Cancel
    | LookAtChange
    | FetchFacts
    | ResolveShas
    | AskModel
    | Repropose
    | Wait
)
Rule = Callable[[State, RepoConfig, int], Action | None]


def decide(state: State, repo: RepoConfig, now: int) -> Action:
    """Return the one next action of a thread."""
    for rule in RULES:
        action = rule(state, repo, now)
        if action is not None:
            return action
    return Wait(_wake_at(state))


def busy(state: State) -> bool:
    """Tell whether the agent may only answer: something runs, is unknown, is stopped or staged."""
    staging = state.staging is not None and state.staging.passed is None
    testing = state.verify_requested or bool(state.effects and state.plan_ended is not None)
    running = state.running or state.unknown or state.approved
    return bool(running or state.stopped_by or staging or testing)


def _stop_running(state: State, repo: RepoConfig, now: int) -> Action | None:
    """Cancel what runs when people stop; the tests of what did reach production go on."""
    run = state.running
    if run is None or state.stopped_by is None or run.cancel_requested:
        return None
    verifies = run.attempt.kind == "e2e" and run.attempt.environment == "production"
    return None if verifies else Cancel(run)


def _answer_meanwhile(state: State, repo: RepoConfig, now: int) -> Action | None:
    waits = state.waits_for_lock or state.waits_for_source or state.waits_for_block
    waiting = state.running or waits
    return _agent(state, repo, now) if waiting and state.unread and not state.newer else None


def _observe(state: State, repo: RepoConfig, now: int) -> Action | None:
    return Observe(state.running) if state.running else None


def _leave_to_newer(state: State, repo: RepoConfig, now: int) -> Action | None:
    """Begin nothing where an event is not understood; a newer version may run beside this one."""
    return Wait(now + NEWER_PAUSE_MS) if state.newer else None


def is_unsorted(state: State, repo: RepoConfig) -> bool:
    """Tell whether it is not known yet which services, and so which channel, a merge is for."""
    return (
        state.origin == "merge" and state.change is None and not state.runs and repo.sorts_changes
    )


def _sort(state: State, repo: RepoConfig, now: int) -> Action | None:
    return LookAtChange() if is_unsorted(state, repo) else None


def _staging(state: State, repo: RepoConfig, now: int) -> Action | None:
    staging = state.staging
    if staging is None or staging.passed is not None:
        return None
    if state.stopped_by:
        return _staging_end(state, staging, False, STOPPED)
    for step in _staging_steps(staging, repo):
        tries = [
            run for run in state.runs_of(staging.attempts) if (run.attempt.service or "e2e") == step
        ]
        last = tries[-1] if tries else None
        if last and last.outcome == "succeeded":
            continue
        again = last is not None and last.outcome == "unknown" and len(tries) < LOST_TRIES
        if last is None or again:
            return _staging_start(state, staging, step, len(tries) + 1)
        return _staging_end(state, staging, False, f"{step}: {last.summary}")
    tested = "e2e tests green" if repo.staging.e2e else "deployed; no e2e tests are configured"
    return _staging_end(state, staging, True, tested)


def _staging_steps(staging: Staging, repo: RepoConfig) -> list[str]:
    services = list(repo.staging.services) if staging.scope == "all" else []
    return [*services, "e2e"] if repo.staging.e2e else services


def _staging_start(state: State, staging: Staging, step: str, attempt: int) -> Start:
    cause = f"{state.thread_id}:staging:{staging.number}:{step}:{attempt}"
    kind, service = ("e2e", None) if step == "e2e" else ("deploy", step)
    return Start(kind, "staging", service, staging.sha, cause, (STAGING_LOCK,))


def _staging_end(state: State, staging: Staging, passed: bool, summary: str) -> Append:
    ended = ev.StagingEnded(sha=staging.sha, passed=passed, summary=summary)
    if STAGING_LOCK not in state.locks:
        return Append([ended])
    return Append([ended, ev.LocksReleased(targets=(STAGING_LOCK,))])


def _place_holds(state: State, repo: RepoConfig, now: int) -> Action | None:
    if not state.holds_due:
        return None
    holds = [ev.HoldPlaced(service=service, bad_sha=bad) for service, bad in state.holds_due]
    return Append(holds)


def _verify(state: State, repo: RepoConfig, now: int) -> Action | None:
    ended = state.plan_ended is not None or state.stopped_by is not None or state.lapsed
    due = state.verify_requested or (bool(state.effects) and ended)
    if not due or repo.production.e2e is None or state.unknown or state.pending:
        return None
    check = state.verification
    runs = state.runs_of(check.attempts) if check and check.passed is None else []
    if runs and runs[-1].outcome == "succeeded":
        versions = dict(state.effects)
        return Append([ev.VerificationEnded(passed=True, versions=versions)])
    seen = [run for run in runs if run.outcome != "unknown"]
    if len(seen) < TRIES and len(runs) < LOST_TRIES:
        return _verification_start(state)
    return _verification_red(state, runs[-1])


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


def _verification_red(state: State, last: Run) -> Append:
    red = ev.VerificationEnded(
        passed=False, versions=dict(state.effects), failing_tests=last.failing_tests
    )
    if not state.effects:
        return Append([red])
    if state.mode == "deploy":
        return Append([red, ev.RollbackOpened()])
    text = "Production is still red after the rollback. What should I do?"
    call_id = f"red{state.version}"
    return Append([red, ev.BotSaid(call_id=call_id, text=text, because="question")])


def _release_locks(state: State, repo: RepoConfig, now: int) -> Action | None:
    if not state.locks or state.running or state.approved:
        return None
    keep: set[str] = set()
    unverified = bool(state.effects) and repo.production.e2e is not None
    open_plan = state.plan_ended is None and state.stopped_by is None and not state.lapsed
    if unverified or open_plan:
        keep.update(lock for lock in state.locks if lock != STAGING_LOCK)
    if state.unknown:
        keep.add(f"production/{state.unknown.attempt.service}")
    free = tuple(sorted(state.locks - keep))
    return Append([ev.LocksReleased(targets=free)]) if free else None


def _expire(state: State, repo: RepoConfig, now: int) -> Action | None:
    card = state.pending
    if card is None or now < card.request.spec.expires_at:
        return None
    reason = "nobody decided in time"
    return Append([ev.ApprovalExpired(call_id=card.request.call_id, reason=reason)])


def _execute(state: State, repo: RepoConfig, now: int) -> Action | None:
    card = state.approved
    if card is None or state.stopped_by:
        return None
    spec = card.request.spec
    lock = f"production/{spec.service}"
    cause, call_id = approval_cause(spec), card.request.call_id
    return Start(spec.kind, "production", spec.service, spec.sha, cause, (lock,), call_id)


def _wait_over(state: State, repo: RepoConfig, now: int) -> Action | None:
    if state.wait is None or now < state.wait.until:
        return None
    return Append([ev.WaitEnded(call_id=state.wait.call_id)])


def _agent(state: State, repo: RepoConfig, now: int) -> Action | None:
    if state.ask_again and not busy(state) and not state.pending:
        return Repropose(*state.ask_again)
    if not state.turn_due or (busy(state) and not state.unread):
        return None
    if state.model_down and now < state.model_down.retry_at:
        return None
    if state.steps >= MAX_STEPS or state.errors >= MAX_ERRORS:
        return _stuck(state)
    if state.unresolved:
        return ResolveShas(tuple(state.unresolved))
    if state.facts is None or now - (state.facts_at or 0) > FACTS_FRESH_MS:
        return FetchFacts()
    return AskModel()


def _stuck(state: State) -> Append:
    why = (
        f"I have taken {state.steps} steps since a person last wrote"
        if state.steps >= MAX_STEPS
        else f"I failed {state.errors} times in a row: {state.last_error}"
    )
    text = f"{why}. What should I do?"
    return Append([ev.BotSaid(call_id=f"stuck{state.version}", text=text, because="stuck")])


def _wake_at(state: State) -> int | None:
    times: list[int] = []
    if state.pending:
        times.append(state.pending.request.spec.expires_at)
    if state.wait:
        times.append(state.wait.until)
    if state.model_down and state.turn_due:
        times.append(state.model_down.retry_at)
    return min(times, default=None)


RULES: tuple[Rule, ...] = (
    _stop_running,
    _answer_meanwhile,
    _observe,
    _leave_to_newer,
    _sort,
    _staging,
    _place_holds,
    _verify,
    _release_locks,
    _expire,
    _execute,
    _wait_over,
    _agent,
)
