"""What a thread's events mean for its repository: its facts and its history, written with them.

Facts: "running/<service>", "ran/<job>", "hold/<service>", "lock/<service>" and
"glass/<thread>:<call>" are JSON; "verified/<service>" is a full SHA, and so is "staging/<service>":
what staging runs, kept under staging's lock, as "green" and "red" are, see `lanes` and `red`.
"versions/<service>" are those that passed the tests, see `versions`, and "e2e/…" the newest runs of
the tests, see `flaky`. "undeployed" is what was asked about last on a schedule; those of merges
under way are told by `lanes`, `rides`, `outgoing` and `urgency`.
The history holds one JSON object for each production effect, passed staging and verification.
"""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.core import awaited, flaky, glass_uses, lanes, locks, outgoing, overrides, red, rides
from app.core import events as ev
from app.core.happened import effect_of, merge_of, place
from app.core.records import Run
from app.core.state import State
from app.core.versions import facts_of as verified_now

NO_FACTS: Mapping[str, str] = MappingProxyType({})
ENDS_A_WAIT = (
    ev.WaitEnded,
    ev.StopRequested,
    ev.ApprovalRequested,
    ev.StagingRequested,
    ev.VerificationRequested,
    ev.RollbackOpened,
    ev.PlanEnded,
    ev.Coalesced,
    ev.Superseded,
    ev.BotSaid,
)


def facts_of(state: State, events: Sequence[ev.Event], now: int) -> dict[str, str | None]:
    """Return what these events bring to the repository's facts; None: deleted."""
    return follow(state, events, NO_FACTS, now)[0]


def follow(
    state: State, events: Sequence[ev.Event], known: Mapping[str, str], now: int
) -> tuple[dict[str, str | None], list[str]]:
    """Return the facts that these events change, and the lines that they put into its history."""
    facts: dict[str, str | None] = {}
    history: list[str] = []
    for event in events:
        facts.update(_tried(state, event, known, now))
        facts.update(_waits(state, event))
        facts.update(_told(state, event))
        facts.update(overrides.facts_of(event, state.thread_id, known, now))
        match event:
            case ev.ToolEnded():
                _effect(state.runs.get(event.attempt_id), event.outcome, state, now, facts, history)
            case ev.OutcomeStated():
                outcome = "succeeded" if event.happened else "failed"
                _effect(state.runs.get(event.attempt_id), outcome, state, now, facts, history)
            case ev.StagingEnded(passed=True, sha=sha, by=None) | ev.StagingOverridden(sha=sha):
                kind = "staged" if isinstance(event, ev.StagingEnded) else "overridden"
                history.append(_line(state, kind, sha, now))
            case ev.VerificationEnded(passed=True, versions=versions):
                facts.update(verified_now(versions, known))
            case ev.HoldPlaced(service=service, bad_sha=bad):
                fact = {"bad_sha": bad, "thread": state.thread_id, "at": now}
                facts[f"hold/{service}"] = json.dumps(fact)
            case ev.HoldReleased(service=service):
                facts[f"hold/{service}"] = None
            case ev.ServiceLocked() as lock:
                facts.update(locks.facts_of(lock, state.thread_id, now))
            case ev.ServiceUnlocked(services=services):
                facts.update({f"lock/{service}": None for service in services})
            case _:
                facts.update(glass_uses.changes(event, state, now))
    return facts, history


def _waits(state: State, event: ev.Event) -> dict[str, str | None]:
    """Return the fact of what the thread waits for, which is gone with what surely ends a wait."""
    wait = state.wait or state.wait_held
    gone = dict.fromkeys(awaited.fact_of(state.thread_id, wait)) if wait else {}
    if isinstance(event, ev.WaitStarted):
        return gone | awaited.fact_of(state.thread_id, event)
    goes_on = isinstance(event, ev.BotSaid) and event.because in ("reply", "note")
    return gone if isinstance(event, ENDS_A_WAIT) and not goes_on else {}


def _tried(
    state: State, event: ev.Event, known: Mapping[str, str], now: int
) -> dict[str, str | None]:
    """Return what is known of staging's services and of the tests, once a run began or ended."""
    if isinstance(event, ev.StagingEnded):
        green = event.passed and event.by is None
        return red.facts_of(state, event, known) | (lanes.green_by(state) if green else {})
    if isinstance(event, ev.ToolStarted):
        return _on_staging(event.attempt, None)
    run = state.runs.get(event.attempt_id) if isinstance(event, ev.ToolEnded) else None
    if not isinstance(event, ev.ToolEnded) or run is None:
        return {}
    if run.attempt.kind != "e2e":
        return _on_staging(run.attempt, run.attempt.sha if event.outcome == "succeeded" else None)
    return flaky.facts_of(run.attempt, event, known, now)


def _on_staging(attempt: ev.Attempt, sha: str | None) -> dict[str, str | None]:
    """Return the fact of what a service runs on staging; None while nobody can say."""
    if attempt.environment != "staging" or attempt.service is None:
        return {}
    return {f"staging/{attempt.service}": sha}


def _told(state: State, event: ev.Event) -> Mapping[str, str | None]:
    """Return the facts for other merges that have to change with an event, and not a step later."""
    match event:
        case ev.ApprovalTookEffect():
            return {lanes.key(state.thread_id): lanes.told(state, "asked")}
        case ev.ApprovalRequested() if _is_first(state, event):
            return {lanes.key(state.thread_id): lanes.told(state, "asked")}
        case ev.ToolStarted(attempt=attempt) if _begins_staging(state, attempt):
            return {lanes.key(state.thread_id): lanes.told(state, "staging")}
        case ev.Coalesced(into=into) | ev.Superseded(into=into):
            return lanes.left(state, into)
        case ev.RidersTold():
            return rides.facts_of(state, event)
        case ev.Carried(pulls=pulls):
            return outgoing.facts_of_late(state, pulls)
        case _:
            return {}


def _is_first(state: State, card: ev.ApprovalRequested) -> bool:
    """Tell whether a merge asks for the first thing that it would change."""
    is_merge = state.origin == "merge" and not card.ahead
    return is_merge and card.spec.kind != "rollback" and not state.effects


def _begins_staging(state: State, attempt: ev.Attempt) -> bool:
    own = state.origin == "merge" and attempt.sha == state.sha and state.series is None
    return own and attempt.environment == "staging"


def _effect(
    run: Run | None,
    outcome: str,
    state: State,
    now: int,
    facts: dict[str, str | None],
    history: list[str],
) -> None:
    if run is None or not run.is_production_effect:  # no run: it could not even be started
        return
    service, sha = run.attempt.service, run.attempt.sha
    if outcome == "succeeded":
        kind = run.attempt.kind
        fact = {"sha": sha, "thread": state.thread_id, "at": now, "kind": kind}
        facts[f"{'ran' if kind == 'job' else 'running'}/{service}"] = json.dumps(fact)
        facts.update(outgoing.facts_of(state, service or "", kind))
    asked = state.asked(run.call_id)
    told = effect_of(state, asked) if asked else {}
    history.append(
        _line(state, run.attempt.kind, sha, now, service=service, outcome=outcome, **told)
    )


def _line(state: State, kind: str, sha: str, now: int, **more: Any) -> str:
    known = state.known.get(sha)
    title = known.title if known else ""
    line = {"kind": kind, "sha": sha, "title": title, "thread": state.thread_id, "at": now}
    told = {"message": place(state), **merge_of(state, sha), **more}
    return json.dumps({**line, **told})
