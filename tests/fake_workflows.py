"""A host that runs workflows in memory: each run goes on until it is told to end."""

from collections.abc import Mapping
from dataclasses import replace

from app.core.workflows import Trigger, WorkflowJob, WorkflowRun

FIRST_ID = 5001
STARTED = 1_800_000_000.0


class FakeWorkflows:
    """Implements `Workflows` for one repository; `known` are its runs, by id."""

    def __init__(self) -> None:
        self.known: dict[int, WorkflowRun] = {}

    def has(self, run_id: int, name: str = "", event: str = "workflow_dispatch") -> None:
        """Let a run go on under this id."""
        url = f"https://github.com/acme/shop/actions/runs/{run_id}"
        self.known[run_id] = WorkflowRun(
            *(run_id, name, event, "main", "", "in_progress", None, url, STARTED, STARTED)
        )

    def ends(self, run_id: int, conclusion: str = "success") -> None:
        """End a run."""
        ended = replace(self.known[run_id], status="completed", conclusion=conclusion)
        self.known[run_id] = ended

    async def dispatch(
        self, repo: str, workflow: str, ref: str, inputs: Mapping[str, str]
    ) -> int | None:
        run_id = FIRST_ID + len(self.known)
        self.has(run_id, f"Deploy {inputs['sha']} ({inputs['attempt_id']})")
        return run_id

    async def run(self, repo: str, run_id: int) -> WorkflowRun | None:
        return self.known.get(run_id)

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
        newest = sorted(self.known.values(), key=lambda run: run.run_id, reverse=True)
        return [run for run in newest if not successful or run.conclusion == "success"]

    async def jobs(self, repo: str, run_id: int) -> list[WorkflowJob]:
        return []

    async def cancel(self, repo: str, run_id: int) -> bool:
        self.ends(run_id, "cancelled")
        return True
