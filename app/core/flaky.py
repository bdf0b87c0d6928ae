"""Which tests fail now and then: the newest e2e runs of an environment, kept as facts.

Each run has a fact of its own, "e2e/<environment>/<attempt id>", so no thread overwrites another's.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.core.events import Attempt, FailedBefore, ToolEnded
from app.core.spec import Environment

KEPT = 20
MAX_TESTS = 30
MAX_NAME = 120
TOLD = 10


@dataclass(frozen=True, slots=True)
class E2ERun:
    """A run that ended green (`failed` is empty) or red.

    `failed` is None where a red run named no tests, or so many that no single one is to blame.
    """

    attempt_id: str
    sha: str
    at: int
    failed: tuple[str, ...] | None


def facts_of(
    attempt: Attempt, ended: ToolEnded, known: Mapping[str, str], now: int
) -> dict[str, str | None]:
    """Return the fact of a run that ended, and forget what is older than the newest `KEPT`.

    What was cancelled or lost says nothing of the tests.
    """
    if ended.outcome not in ("succeeded", "failed"):
        return {}
    names = [name[:MAX_NAME] for name in ended.failing_tests]
    known_red = names if 0 < len(names) <= MAX_TESTS else None
    failed = [] if ended.outcome == "succeeded" else known_red
    fact = {"sha": attempt.sha, "at": now, "failed": failed}
    own = _key(attempt.environment, attempt.attempt_id)
    others = [key for key in _keys(known, attempt.environment) if key != own]
    forgotten = others[: max(0, len(others) - KEPT)]
    return {own: json.dumps(fact), **dict.fromkeys(forgotten)}


def runs(facts: Mapping[str, str], environment: Environment) -> list[E2ERun]:
    """Return the runs that are kept, oldest first."""
    return [_run(key, facts[key]) for key in _keys(facts, environment)]


def plainly(told: FailedBefore, test: str) -> str:
    """Say what a red test, named so, did in the runs before."""
    if not told.failed:
        return f"{test} did not fail in the {told.runs} runs before"
    times = f"{test} failed {told.failed} of the last {told.runs}"
    if told.is_flaky:
        return f"{times}, {'each time ' if told.failed > 1 else ''}green on re-run"
    return f"{times}, and was green on re-run {told.green} times"


def failed_before(
    facts: Mapping[str, str],
    environment: Environment,
    failing: Sequence[str],
    but: Collection[str],
) -> tuple[FailedBefore, ...]:
    """Say of tests that fail now how often they did, in the newest runs `but` the attempts of now.

    A failure counts as green again if the very next run of the same commit was green.
    """
    past = [run for run in runs(facts, environment) if run.attempt_id not in but][-KEPT:]
    named = [run for run in past if run.failed is not None]
    return tuple(_told(name, named, past) for name in failing[:TOLD])


def _told(name: str, named: Sequence[E2ERun], past: Sequence[E2ERun]) -> FailedBefore:
    failures = [run for run in named if name[:MAX_NAME] in (run.failed or ())]
    green = sum(_is_green_again(run, past) for run in failures)
    return FailedBefore(test=name, failed=len(failures), green=green, runs=len(named))


def _is_green_again(red: E2ERun, past: Sequence[E2ERun]) -> bool:
    later = past[past.index(red) + 1 :]
    again = next((run for run in later if run.sha == red.sha), None)
    return again is not None and again.failed == ()


def _keys(facts: Mapping[str, str], environment: Environment) -> list[str]:
    prefix = _key(environment, "")
    found = [(json.loads(facts[key])["at"], key) for key in facts if key.startswith(prefix)]
    return [key for _, key in sorted(found)]


def _key(environment: Environment, attempt_id: str) -> str:
    return f"e2e/{environment}/{attempt_id}"


def _run(key: str, fact: str) -> E2ERun:
    told = json.loads(fact)
    failed = None if told["failed"] is None else tuple(told["failed"])
    return E2ERun(key.rpartition("/")[2], told["sha"], told["at"], failed)
