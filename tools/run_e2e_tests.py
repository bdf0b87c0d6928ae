"""run_e2e_tests: run an environment's end-to-end tests again, without deploying."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import Event, StagingRequested, VerificationRequested
from tools.tool import Arguments, Desk, Tool, ToolError


class E2EArguments(Arguments):
    environment: Literal["staging", "production"] = Field(description="Where to run them.")


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool, if any environment has tests."""
    if repo.staging.e2e is None and repo.production.e2e is None:
        return []
    description = "Run the end-to-end tests of an environment against what it runs now."
    return [Tool("run_e2e_tests", description, E2EArguments, _run)]


async def _run(desk: Desk, arguments: E2EArguments) -> Sequence[Event]:
    environment = desk.repo.staging if arguments.environment == "staging" else desk.repo.production
    if environment.e2e is None:
        raise ToolError(f"no e2e tests are configured for {arguments.environment}")
    if arguments.environment == "production":
        known = [r.sha for r in desk.state.facts.running if r.sha] if desk.state.facts else []
        if not known and desk.state.sha is None:
            raise ToolError("nobody knows what production runs, so no tests can be chosen")
        return [VerificationRequested(call_id=desk.call_id)]
    sha = desk.state.staging.sha if desk.state.staging else desk.state.sha
    if sha is None:
        raise ToolError("this thread has put nothing on staging")
    return [StagingRequested(sha=sha, scope="e2e")]
