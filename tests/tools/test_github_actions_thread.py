"""A thread that GitHub Actions deploys: the real worker and door, and a GitHub that plays."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from app.core.config import EnvironmentConfig, TargetConfig
from app.desk import Ports
from app.github.actions import GitHubActions
from app.github.client import GitHubClient
from app.github.credentials import Token
from app.worker import Worker
from tests.adapters.test_workflow_webhook import ran, told
from tests.core.box import SHA, Box
from tests.github.actions import FakeActions, Run, Workflow
from tests.shop import REPO, repo_config
from tools.deployers.github_actions import GitHubActionsDeployer

DISPATCHED: dict[str, Any] = {
    "workflow": "deploy.yml",
    "inputs": {"service": "{service}", "environment": "{environment}"},
}
PUSHED: dict[str, Any] = {"workflow": "staging.yml", "trigger": "push"}


def backend(options: dict[str, Any]) -> EnvironmentConfig:
    target = TargetConfig(deployer="github_actions", options=options)
    return EnvironmentConfig(services={"backend": target})


class Thread(Box):
    """A box whose backend GitHub Actions deploys; nothing looks at a run unless it is told to."""

    def __init__(self, github: FakeActions, client: GitHubClient, staging: dict[str, Any]) -> None:
        places = {"staging": backend(staging), "production": backend(DISPATCHED)}
        super().__init__(repo_config("github_actions", **places))
        self.github = github
        workflows = GitHubActions(client)
        actions = GitHubActionsDeployer(workflows=workflows, clock=github.clock)
        deployers = {"github_actions": actions}
        ports = Ports(self.log, self.model, None, None, deployers)
        self.worker = Worker(ports, {REPO: self.config}, lease_seconds=30)

    async def hears(self, run: Run, delivery: str) -> httpx.Response:
        """Deliver the webhook of a run, and let the worker do all that follows."""
        event = ran(run.title, head_sha=run.head_sha, head_branch=run.branch)
        answer = await told(self.log, event, delivery)
        await self.settles()
        return answer


@asynccontextmanager
async def thread(staging: dict[str, Any] = DISPATCHED) -> AsyncGenerator[Thread]:
    async with FakeActions.run(deploy=Workflow(), staging=Workflow()) as github:
        github.held = True
        client = GitHubClient(github.url, Token("t0ken"), 5)
        try:
            yield Thread(github, client, staging)
        finally:
            await client.aclose()


async def test_a_merge_goes_to_production_by_workflows_and_their_webhooks() -> None:
    async with thread() as t:
        await t.merges()
        t.model.will("deploy_backend_to_prod", sha=SHA, reason="")
        t.model.will("done_for_now", message="That is all.")
        t.github.ends(t.github.runs[0], "success")
        assert (await t.hears(t.github.runs[0], "d-1")).status_code == 202
        assert (await t.card()).request.spec.arguments["inputs"]["sha"] == SHA

        await t.approves()
        t.github.ends(t.github.runs[1], "success")
        await t.hears(t.github.runs[1], "d-2")
        assert (await t.state()).plan_ended == "That is all."
        assert t.github.effects == ["staging backend 4af9ec0", "production backend 4af9ec0"]
        assert sorted(t.github.starts.values()) == [1, 1]


async def test_without_a_webhook_the_next_look_finds_the_end() -> None:
    async with thread() as t:
        await t.merges()
        t.github.ends(t.github.runs[0], "failure", ("deploy", "Push image"))
        await t.later(15_000)
        staging = (await t.state()).staging
        assert staging
        assert staging.passed is False
        assert "failed at deploy / Push image" in staging.summary


async def test_staging_that_deploys_itself_is_watched() -> None:
    async with thread(PUSHED) as t:
        await t.merges()
        run = t.github.pushes("staging.yml", SHA)
        t.github.ends(run, "success")
        t.model.will("done_for_now", message="Only staging.")
        assert (await t.hears(run, "d-1")).status_code == 202
        assert (await t.state()).plan_ended == "Only staging."
        assert t.github.starts == {}
