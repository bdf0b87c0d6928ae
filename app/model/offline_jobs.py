"""Which jobs the offline planner proposes, and where in the order of a plan."""

from collections.abc import Sequence

from app.core.config import RepoConfig
from app.core.state import State
from app.model.offline_memory import Memory, in_order


def with_jobs(
    services: Sequence[str], repo: RepoConfig, state: State, memory: Memory, sha: str
) -> list[str]:
    """Add the jobs to the services that are to be deployed, which are in order already.

    What is due goes right in front of its service, what people asked for where they want it.
    """
    jobs = [job for job in repo.production.jobs if _is_open(job, state, memory, sha)]
    asked = [job for job in jobs if job in asked_for(memory)]
    due = [job for job in jobs if state.facts and job in state.facts.jobs and job not in asked]
    before = {job: repo.production.jobs[job].before for job in due}
    steps: list[str] = []
    for name in in_order([*asked, *services], memory):
        steps += [job for job, service in before.items() if service == name]
        steps.append(name)
    alone = [job for job, service in before.items() if service is None and services]
    return [*alone, *steps]


def asked_for(memory: Memory) -> set[str]:
    """Return what people named: they want it whether or not a merge has something for it."""
    return {*(memory.only or ()), *memory.first, *memory.last}


def _is_open(job: str, state: State, memory: Memory, sha: str) -> bool:
    return job not in memory.skip and state.ran.get(job) != sha
