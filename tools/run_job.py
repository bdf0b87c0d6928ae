"""run_<job>_in_prod: propose to run a job in production for a SHA, by a card."""

from collections.abc import Sequence
from functools import partial

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import Event
from tools.deploy import propose, tool_of
from tools.tool import Arguments, Desk, Tool


class JobArguments(Arguments):
    sha: str = Field(description="The commit to run it for, one of the SHAs given above.")
    reason: str = Field(
        description="One line for the approver: why this, why now.", max_length=2000
    )


def tools(repo: RepoConfig) -> list[Tool]:
    """Return one tool for each job, in the configured order."""
    return [
        Tool(
            name=tool_of("job", job),
            description=f"Propose to run the job {job} in production; a person approves it first.",
            arguments=JobArguments,
            act=partial(_run, job),
            modes=("deploy",),
        )
        for job in repo.production.jobs
    ]


async def _run(job: str, desk: Desk, arguments: JobArguments) -> Sequence[Event]:
    return await propose(desk, [job], arguments.sha, arguments.reason)
