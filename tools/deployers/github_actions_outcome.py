"""What a run's state means for a deploy, in words; asks nobody."""

import re
from collections.abc import Sequence
from typing import Literal, get_args

from app.core.ports import Observation
from app.core.spec import Environment
from app.core.untrusted import cut
from app.core.workflows import WorkflowJob, WorkflowRun

_RED = ("failure", "timed_out", "startup_failure")
_NAMED_AT_MOST = 3
_SAID_LENGTH = 110  # so that the link to the run is shown whole
_FASTEST_SECONDS = 2.0
_SLOWEST_SECONDS = 15.0
_SHA = re.compile(r"[0-9a-f]{40}")
_ID = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENVIRONMENTS = get_args(Environment)
_WAITS = {
    "queued": "waits for a runner",
    "requested": "waits to be begun",
    "pending": "waits for another run of its group",
    "waiting": "waits for what the environment's rules on GitHub ask for",
    "completed": "waits for somebody to let it run on GitHub",
}


def limit(seconds: int) -> str:
    """Write a time limit as the configuration does."""
    unit, name = next(u for u in ((3600, "h"), (60, "m"), (1, "s")) if seconds % u[0] == 0)
    return f"{seconds // unit}{name}"


def is_over(run: WorkflowRun) -> bool:
    """Tell whether a run has come to its end; one that somebody has to let run has not."""
    return run.status == "completed" and run.conclusion != "action_required"


def running(
    run: WorkflowRun, jobs: Sequence[WorkflowJob], now: float, ending: str = ""
) -> Observation:
    """Say how a run goes on; `ending` says why it is to end, if it is."""
    line = ending or _at(jobs) or _WAITS.get(run.status, run.status.replace("_", " "))
    return Observation("running", line=line, again_seconds=again_seconds(now - run.started))


def again_seconds(elapsed: float) -> float:
    """Return when it is worth asking again: often in the beginning, GitHub counts requests."""
    return max(_FASTEST_SECONDS, min(elapsed / 20, _SLOWEST_SECONDS))


def ended(run: WorkflowRun, jobs: Sequence[WorkflowJob], timeout: int) -> Observation:
    """Say how a run ended; what is not known to be one of its ends is unknown."""
    took = max(0.0, run.updated - run.started)
    status, said = _end(run, jobs, took >= timeout, timeout)
    return Observation(status, f"{cut(said, _SAID_LENGTH)}: {run.url}", seconds=took)


def _end(
    run: WorkflowRun, jobs: Sequence[WorkflowJob], is_late: bool, timeout: int
) -> tuple[Literal["succeeded", "failed", "cancelled", "unknown"], str]:
    match run.conclusion:
        case "success":
            return "succeeded", "the run succeeded"
        case "cancelled" if is_late:
            return "failed", f"it took longer than {limit(timeout)} and was cancelled"
        case "cancelled":
            return "cancelled", "the run was cancelled"
        case "skipped":
            return "failed", "every job of the run was skipped"
        case conclusion if conclusion in _RED:
            return "failed", _reds(jobs) or f"the run ended as {conclusion}"
        case conclusion:
            return "unknown", f"GitHub says that the run ended as {conclusion or 'nothing'!r}"


def _reds(jobs: Sequence[WorkflowJob]) -> str:
    names: list[str] = []
    for job in jobs:
        if job.conclusion in _RED:
            red = next((step.name for step in job.steps if step.conclusion in _RED), "")
            names.append(f"{job.name} / {red}" if red else job.name)
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"failed at {', '.join(names[:_NAMED_AT_MOST])}{more}" if names else ""


def _at(jobs: Sequence[WorkflowJob]) -> str:
    """Return the step that runs now, of the first job that runs."""
    for job in jobs:
        if job.status == "in_progress":
            step = next((step.name for step in job.steps if step.status == "in_progress"), "")
            return f"{job.name} / {step}" if step else job.name
    return ""


def words(name: str) -> set[str]:
    """Return the words of a run's name, in which ids, SHAs and services stand."""
    return set(re.findall(r"[0-9A-Za-z_]+", name))


def deployed(run: WorkflowRun, service: str, environment: str) -> str | None:
    """Return the SHA that a run deployed there, None if its name does not say so, and only so.

    Any further word that a service could have as its name makes a name ambiguous, and so does a
    service that is called as an environment is: no other service's run may be taken for this one's.
    """
    said = words(run.name)
    shas = [word for word in said if _SHA.fullmatch(word)]
    names = {word for word in said if _NAME.fullmatch(word) and not _ID.fullmatch(word)}
    if len(shas) != 1 or service in _ENVIRONMENTS:
        return None
    return shas[0] if names - {shas[0]} == {service, environment} else None
