"""What a host that runs workflows can be asked and told; knows nothing of what they deploy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Trigger = Literal["workflow_dispatch", "push"]


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run as its host shows it; times are in seconds since the epoch.

    `name` is the run's own title, `head_sha` the commit that the workflow's file is of.
    `started` begins anew when the run is run again, `updated` is its end once it is completed.
    """

    run_id: int
    name: str
    event: str
    branch: str
    head_sha: str
    status: str
    conclusion: str | None
    url: str
    started: float
    updated: float


# https://docs.github.com/en/rest/actions/workflow-runs
_CONCLUSIONS = frozenset(
    {
        *("success", "failure", "cancelled", "skipped", "neutral", "stale"),
        *("timed_out", "action_required", "startup_failure"),
    }
)


def conclusion_of(told: str | None) -> str:
    """Say how a run ended, in words that are ours."""
    return told.replace("_", " ") if told in _CONCLUSIONS else "in a way that I do not know"


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A step of a job; `conclusion` is empty until it has ended."""

    name: str
    status: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class WorkflowJob:
    """A job of a run; `conclusion` is empty until it has ended."""

    name: str
    status: str
    conclusion: str
    steps: tuple[WorkflowStep, ...] = ()


class Workflows(Protocol):
    """Runs of workflows of a repository. All methods raise `SourceUnavailable` without an answer.

    What may be asked again later is never told from a refusal by more than its sentence.
    """

    async def dispatch(
        self, repo: str, workflow: str, ref: str, inputs: Mapping[str, str]
    ) -> int | None:
        """Start a run, once; return its id, None from a host that does not say.

        Raise `NotStarted` where it is certain that nothing began. After anything else raised, it
        may have begun.
        """
        ...

    async def run(self, repo: str, run_id: int) -> WorkflowRun | None:
        """Return a run, None if there is none (any more, or yet)."""
        ...

    async def runs(
        self,
        repo: str,
        workflow: str,
        event: Trigger,
        *,
        successful: bool = False,
        head_sha: str = "",
        since: float | None = None,
    ) -> list[WorkflowRun]:
        """Return a workflow's newest 100 runs of a kind, newest first; a new one may be missing.

        With `since` (seconds since the epoch), all that were begun from then on, and maybe more.
        """
        ...

    async def jobs(self, repo: str, run_id: int) -> list[WorkflowJob]:
        """Return the jobs of a run's newest try, at most 100; their names are harmless."""
        ...

    async def cancel(self, repo: str, run_id: int) -> bool:
        """Ask for a run to end; False where it cannot be."""
        ...
