"""Whatever GitHub's API answers: facts, or one sentence that they cannot be had."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from app.core.errors import NotStarted, SourceUnavailable
from app.core.events import Attempt
from app.github.actions import GitHubActions
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import Token
from tests.adapters.github_stub import Answer, StubGitHub
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation
from tests.shop import REPO
from tools.deployers.github_actions import GitHubActionsDeployer

SHA, BASE = "4af9ec0" + "0" * 33, "1111111" + "0" * 33
COMMIT: dict[str, Any] = {
    "sha": SHA,
    "commit": {"message": "Add gift cards\n\nAll.", "author": {"name": "Alice"}},
    "author": {"login": "alice"},
    "committer": {"login": "web-flow"},
}
COMPARISON: dict[str, Any] = {"ahead_by": 0, "behind_by": 0, "commits": [COMMIT]}
PULL: dict[str, Any] = {"base": {"sha": BASE}, "head": {"sha": SHA}}
GENUINE: dict[str, Any] = {
    "": {"full_name": REPO},
    f"/commits/{SHA}": COMMIT,
    "/commits": [COMMIT],
    f"/compare/main...{SHA}": COMPARISON,
    f"/compare/{BASE}...{SHA}": COMPARISON | {"ahead_by": 1},
    "/pulls/12": PULL,
    "/pulls/12/files": [{"filename": "web/b.ts", "previous_filename": "web/a.ts"}],
}
RUN: dict[str, Any] = {
    "id": 5001,
    "display_title": f"Deploy backend → production: {SHA} ({'3f' * 16})",
    "event": "workflow_dispatch",
    "head_branch": "main",
    "head_sha": SHA,
    "status": "in_progress",
    "conclusion": None,
    "html_url": f"https://github.com/{REPO}/actions/runs/5001",
    "created_at": "2027-01-15T08:00:00Z",
    "run_started_at": "2027-01-15T08:00:00Z",
    "updated_at": "2027-01-15T08:01:00Z",
}
STEP: dict[str, Any] = {"name": "Push image", "status": "in_progress", "conclusion": None}
WORKFLOWS = "/actions/workflows/deploy.yml"
ACTIONS: dict[str, Any] = {
    f"{WORKFLOWS}/runs": {"workflow_runs": [RUN]},
    "/actions/runs": {"workflow_runs": [RUN]},
    "/actions/runs/5001": RUN,
    "/actions/runs/5001/jobs": {"jobs": [{**STEP, "name": "deploy", "steps": [STEP]}]},
    "/tags": [{"name": "v1.0", "commit": {"sha": SHA}}],
}
DISPATCHES: dict[str, Any] = {
    f"{WORKFLOWS}/dispatches": {"workflow_run_id": 5001},
    "/actions/runs/5001/cancel": {},
}
STATUSES = (200, 200, 200, 200, 200, 201, 204, 301, 304, 401, 403, 404, 422, 429, 500, 502)


def answer(genuine: object, case: Mutation) -> Answer:
    """Return an answer, mostly good in its status and mostly wrong in its body."""
    body = case.value(genuine) if case.random() < 0.7 else genuine
    return Answer(case.choice(STATUSES) if case.random() < 0.2 else 200, body)


async def test_answers_of_the_api() -> None:
    async with StubGitHub.run() as stub:
        client = GitHubClient(stub.url, Token("ghs_test"))
        source = GitHubSource(client, {REPO: "main"})
        deployer = GitHubActionsDeployer(workflows=GitHubActions(client))
        options = {"workflow": "deploy.yml", "refuses_known_attempts": True}
        arguments = deployer.arguments(options, "backend", "production", SHA)
        attempt = Attempt(
            attempt_id="3f" * 16,
            kind="deploy",
            repo=REPO,
            environment="production",
            service="backend",
            sha=SHA,
            deployer="github_actions",
            arguments=arguments,
        )
        questions: list[Callable[[], Awaitable[object]]] = [
            lambda: source.commit(REPO, SHA),
            lambda: source.commits(REPO, "main", 20),
            lambda: source.compare(REPO, BASE, SHA),
            lambda: source.pushers(REPO, 12),
            lambda: source.files(REPO, 12),
            lambda: source.check(REPO),
            lambda: source.tags(REPO, 20),
            lambda: source.workflow_runs(REPO, 20),
            lambda: deployer.start(attempt),
            lambda: deployer.observe(attempt, "5001"),
            lambda: deployer.observe(attempt, ""),
            lambda: deployer.cancel(attempt, "5001"),
            lambda: deployer.current(options, REPO, "backend", "production"),
        ]
        with Campaign("github api") as campaign:
            for case in campaign:
                for path, genuine in (GENUINE | ACTIONS).items():
                    stub.on(f"GET /repos/{REPO}{path}", answer(genuine, case))
                stub.seen.clear()
                for path, genuine in DISPATCHES.items():
                    stub.on(f"POST /repos/{REPO}{path}", answer(genuine, case))
                with contextlib.suppress(SourceUnavailable, NotStarted):
                    await case.choice(questions)()
        await client.aclose()
