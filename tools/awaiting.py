"""Looks whether what a thread waits for has happened: a workflow's run, or another thread's end."""

from dataclasses import dataclass

from app.core import awaited, lanes
from app.core.config import RepoConfig
from app.core.endings import ending, waits_for_thread
from app.core.events import WaitStarted
from app.core.fold import fold
from app.core.ports import Look, Source, ThreadLog
from app.core.state import State
from app.core.workflows import WorkflowRun, conclusion_of

RUNS_READ = 20


@dataclass(frozen=True, slots=True)
class Happened:
    """What was waited for is there; `told` is what it came to, nothing of it from outside."""

    told: str
    url: str = ""


async def happened(
    wait: WaitStarted, repo: RepoConfig, log: ThreadLog, source: Source | None
) -> Happened | None:
    """Look for what is waited for; None if it is not there yet, or nobody can say.

    Raise `SourceUnavailable` where GitHub has to be asked and does not answer.
    """
    thread_id = awaited.thread_of(wait)
    if thread_id:
        return thread_through(fold(await log.read(thread_id)), repo)
    return await _run_through(source, repo.name, wait)


def thread_through(other: State, repo: RepoConfig) -> Happened | None:
    """Tell how a thread ended, None while it goes on."""
    told = ending(other, repo)
    url = other.pull_request.url if other.pull_request else ""
    return Happened(told, url) if told else None


def run_through(run: WorkflowRun | None) -> Happened | None:
    """Tell how a run ended, None while it goes on."""
    if run is None or run.status != "completed":
        return None
    return Happened(conclusion_of(run.conclusion), run.url)


async def _run_through(source: Source | None, repo: str, wait: WaitStarted) -> Happened | None:
    if source is None:
        return None
    kind, _, name = wait.event.partition("/")
    if kind == "run":
        return run_through(await source.workflow_run(repo, int(name)))
    newest = await source.workflow_runs(repo, RUNS_READ, name)
    ends = (run_through(run) for run in reversed(newest) if run.run_id > wait.after)
    return next((end for end in ends if end), None)


async def leads_to(log: ThreadLog, thread_id: str, goal: str) -> list[str]:
    """Return the threads from one to another that it waits for, itself or by others; else nothing.

    A thread waits for another by a wait, for a target that the other has locked, or as the newer
    merge of the same services.
    """
    asked: list[str] = []
    current: str | None = thread_id
    while current and current not in asked:
        if current == goal:
            return asked
        asked.append(current)
        current = _waits_for(await log.look(current))
    return []


def _waits_for(here: Look) -> str | None:
    state = fold(here.entries)
    older = lanes.waits_for(state, here.facts)
    return waits_for_thread(state) or next((merge.thread_id for merge in older), None)
