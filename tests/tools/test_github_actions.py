"""The `github_actions` deployer on a GitHub whose every answer is as GitHub describes it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.core.errors import NotStarted, SourceUnavailable
from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment
from app.core.workflows import WorkflowRun
from app.github.actions import GitHubActions
from app.github.client import GitHubClient
from app.github.credentials import App, Token
from tests.github.actions import REFUSING, FakeActions, Run, Trouble, Workflow
from tests.shop import REPO
from tools.deployers import github_actions_outcome as outcome
from tools.deployers.github_actions import GitHubActionsDeployer

SHA = "4af9ec0" + "0" * 33
OLD = "0ddba11" + "0" * 33
ID = "3f2a9c8b7d6e5f4a3b2c1d0e9f8a7b6c"
OTHER_ID = "f" * 32
INPUTS = {"service": "{service}", "environment": "{environment}"}
OPTIONS: dict[str, Any] = {"workflow": "deploy.yml", "inputs": INPUTS}
KEYED = {**OPTIONS, "refuses_known_attempts": True}
PUSHED = {"workflow": "staging.yml", "trigger": "push"}
PLACE: tuple[str, str, Environment] = (REPO, "backend", "production")
URL = f"https://github.com/{REPO}/actions/runs"


class Rig:
    """A deployer, and the GitHub that it deploys by."""

    def __init__(self, github: FakeActions, deployer: GitHubActionsDeployer) -> None:
        self.github = github
        self.deployer = deployer

    def attempt(
        self,
        options: dict[str, Any] = OPTIONS,
        attempt_id: str = ID,
        sha: str = SHA,
        environment: Environment = "production",
        service: str = "backend",
    ) -> Attempt:
        """Return an attempt at a service, by default the backend."""
        return Attempt(
            attempt_id=attempt_id,
            kind="deploy",
            repo=REPO,
            environment=environment,
            service=service,
            sha=sha,
            deployer="github_actions",
            arguments=self.deployer.arguments(options, service, environment, sha),
        )

    async def holds(self, options: dict[str, Any] = OPTIONS) -> tuple[Attempt, str, Run]:
        """Start an attempt whose run does not end by itself."""
        self.github.held = True
        attempt = self.attempt(options)
        reference = await self.deployer.start(attempt)
        return attempt, reference, self.github.runs[-1]

    async def deploys(self, attempt_id: str, sha: str, service: str = "backend") -> None:
        """Deploy, and see it through."""
        attempt = self.attempt(attempt_id=attempt_id, sha=sha, service=service)
        seen = await self.deployer.observe(attempt, await self.deployer.start(attempt))
        assert seen.status == "succeeded"

    def again(self) -> GitHubActionsDeployer:
        """Return a deployer that has just come up."""
        return rebuilt(self.github, self._workflows())

    def _workflows(self) -> GitHubActions:
        workflows = self.deployer._workflows  # pyright: ignore[reportPrivateUsage]
        assert isinstance(workflows, GitHubActions)
        return workflows


def rebuilt(github: FakeActions, workflows: GitHubActions | None) -> GitHubActionsDeployer:
    return GitHubActionsDeployer(workflows=workflows, clock=github.clock)


@asynccontextmanager
async def rig(**workflows: Workflow) -> AsyncGenerator[Rig]:
    given = workflows or {"deploy": Workflow()}
    async with FakeActions.run(**given) as github:
        client = GitHubClient(github.url, Token("t0ken"), 30)
        try:
            yield Rig(github, rebuilt(github, GitHubActions(client)))
        finally:
            await client.aclose()


async def test_a_deploy_is_started_once_and_seen_to_its_end() -> None:
    async with rig() as r:
        attempt = r.attempt()
        reference = await r.deployer.start(attempt)
        seen = await r.deployer.observe(attempt, reference)
        assert reference == "5001"
        assert (seen.status, seen.summary) == ("succeeded", f"the run succeeded: {URL}/5001")
        assert r.github.effects == ["production backend 4af9ec0"]
        assert r.github.starts == {ID: 1}
        assert r.github.runs[0].inputs == {
            "sha": SHA,
            "attempt_id": ID,
            "service": "backend",
            "environment": "production",
        }


async def test_a_run_is_followed_step_by_step() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.line) == ("running", "waits for a runner")
        r.github.steps(run, "deploy", "Push image")
        r.github.passes(100)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.line, seen.again_seconds) == (
            "running",
            "deploy / Push image",
            5,
        )


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("requested", "waits to be begun"),
        ("pending", "waits for another run of its group"),
        ("waiting", "waits for what the environment's rules on GitHub ask for"),
        ("in_progress", "in progress"),
        ("some_new_state", "some new state"),
    ],
)
async def test_whatever_has_not_ended_runs(status: str, says: str) -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        run.status = status
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.line) == ("running", says)


@pytest.mark.parametrize(
    ("conclusion", "status", "says"),
    [
        ("failure", "failed", "the run ended as failure"),
        ("timed_out", "failed", "the run ended as timed_out"),
        ("startup_failure", "failed", "the run ended as startup_failure"),
        ("cancelled", "cancelled", "the run was cancelled"),
        ("skipped", "failed", "every job of the run was skipped"),
        ("stale", "unknown", "GitHub says that the run ended as 'stale'"),
        ("neutral", "unknown", "GitHub says that the run ended as 'neutral'"),
        ("some_new_end", "unknown", "GitHub says that the run ended as 'some_new_end'"),
    ],
)
async def test_every_end_of_a_run_is_an_outcome(conclusion: str, status: str, says: str) -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.passes(60)
        r.github.ends(run, conclusion)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.summary) == (status, f"{says}: {URL}/5001")
        assert seen.seconds == 60


async def test_a_run_that_somebody_has_to_let_run_has_not_ended() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.ends(run, "action_required")
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.line) == (
            "running",
            "waits for somebody to let it run on GitHub",
        )


async def test_a_red_run_names_the_jobs_and_steps_that_failed() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        reds = [("deploy", "Push image"), ("smoke", "Ask <!channel>"), ("a", "1"), ("b", "2")]
        r.github.ends(run, "failure", *reds)
        seen = await r.deployer.observe(attempt, reference)
        said = "failed at deploy / Push image, smoke / Ask <!channel>, a / 1 and 1 more"
        assert seen.summary == f"{said}: {URL}/5001"


async def test_names_from_github_are_harmless_and_cut() -> None:
    secret = "ghp_" + "a1B2" * 9
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.ends(run, "failure", (f"\x1b[31m{secret}\u202e\nx", "y" * 999))
        summary = (await r.deployer.observe(attempt, reference)).summary
        assert "failed at [secret] x / yyy" in summary
        assert len(summary) < 200
        assert summary.endswith(f"{URL}/5001")


# What is lost on the way.


async def test_a_lost_reply_is_never_sent_again_and_its_run_is_found_by_its_name() -> None:
    async with rig() as r:
        attempt = r.attempt()
        r.github.troubles = [Trouble(is_done=True)]
        with pytest.raises(SourceUnavailable):
            await r.deployer.start(attempt)
        assert (await r.deployer.observe(attempt, "")).status == "succeeded"
        assert r.github.starts == {ID: 1}


@pytest.mark.parametrize("status", [408, 500, 502, 504])
async def test_an_error_of_the_server_may_have_begun_a_run(status: int) -> None:
    async with rig() as r:
        r.github.troubles = [Trouble(status, is_done=True)]
        with pytest.raises(SourceUnavailable):
            await r.deployer.start(r.attempt())
        assert len(r.github.runs) == 1


async def test_a_run_that_is_not_listed_yet_is_waited_for() -> None:
    async with rig() as r:
        attempt, r.github.lag = r.attempt(), 2
        r.github.troubles = [Trouble(is_done=True)]
        with pytest.raises(SourceUnavailable):
            await r.deployer.start(attempt)
        seen = [await r.deployer.observe(attempt, "") for _ in range(3)]
        assert [each.status for each in seen] == ["running", "running", "succeeded"]
        assert seen[0].line == "GitHub does not list its run yet"


@pytest.mark.parametrize(("seconds", "status"), [(29, "running"), (30, "missing")])
async def test_what_is_never_listed_is_missing_only_when_github_had_its_time(
    seconds: float, status: str
) -> None:
    async with rig() as r:
        attempt = r.attempt()
        assert (await r.deployer.observe(attempt, "")).status == "running"
        r.github.passes(seconds)
        assert (await r.deployer.observe(attempt, "")).status == status


async def test_one_that_has_just_come_up_waits_as_long_again() -> None:
    async with rig() as r:
        attempt = r.attempt()
        await r.deployer.observe(attempt, "")
        r.github.passes(60)
        assert (await r.again().observe(attempt, "")).status == "running"


async def test_the_newest_run_is_never_taken_for_the_attempts() -> None:
    async with rig() as r:
        await r.deploys(OTHER_ID, SHA)
        attempt = r.attempt()
        await r.deployer.observe(attempt, "")
        r.github.passes(60)
        assert (await r.deployer.observe(attempt, "")).status == "missing"


async def test_an_id_counts_only_as_a_whole_word_of_a_name() -> None:
    async with rig() as r:
        await r.deploys(f"{ID}0", SHA)
        seen = await r.deployer.observe(r.attempt(), "")
        assert seen.line == "GitHub does not list its run yet"


async def test_a_keyed_attempt_is_not_started_again_however_many_runs_came_between() -> None:
    async with rig(deploy=Workflow(refuses=True)) as r:
        attempt = r.attempt(KEYED)
        await r.deployer.start(attempt)
        for _ in range(100):
            r.github.begins("deploy.yml", "Deploy something else")
        assert await r.again().start(attempt) == "5001"
        assert r.github.starts == {ID: 1}


async def test_runs_are_listed_back_to_when_no_attempt_can_be_older() -> None:
    async with rig() as r:
        for _ in range(150):
            r.github.begins("deploy.yml", "Deploy something else")
        r.github.passes(4 * 24 * 3600)
        for _ in range(100):
            r.github.begins("deploy.yml", "Deploy something else")
        r.github.asked.clear()
        await r.deployer.observe(r.attempt(), "")
        assert len(r.github.asked) == 2


async def test_among_more_runs_than_github_lists_nobody_can_say_that_one_is_missing() -> None:
    async with rig() as r:
        for _ in range(1000):
            r.github.begins("deploy.yml", "Deploy something else")
        r.github.passes(60)
        seen = await r.deployer.observe(r.attempt(), "")
        assert (seen.status, seen.line) == (
            "running",
            "GitHub does not list all runs of deploy.yml: there are too many.",
        )
        with pytest.raises(SourceUnavailable):
            await r.deployer.start(r.attempt(KEYED))
        assert not r.github.starts


async def test_two_runs_with_one_id_are_unknown() -> None:
    async with rig() as r:
        attempt = r.attempt()
        await r.deployer.start(attempt)
        await r.deployer.start(attempt)
        seen = await r.deployer.observe(attempt, "")
        assert seen.status == "unknown"
        assert seen.summary == "several runs carry this attempt's id: 5002, 5001"


async def test_a_run_that_was_deleted_is_unknown() -> None:
    async with rig() as r:
        attempt, reference, _ = await r.holds()
        r.github.runs.clear()
        assert (await r.deployer.observe(attempt, reference)).status == "running"
        r.github.passes(30)
        seen = await r.deployer.observe(attempt, reference)
        assert seen == Observation("unknown", "GitHub has no run 5001 of deploy.yml any more")


async def test_nothing_began_where_nobody_was_there() -> None:
    async with FakeActions.run() as github:
        client = GitHubClient("http://127.0.0.1:1", Token("t0ken"))
        deployer = rebuilt(github, GitHubActions(client))
        with pytest.raises(NotStarted, match="not started: GitHub cannot be reached"):
            await deployer.start(Rig(github, deployer).attempt())
        await client.aclose()


async def test_nothing_began_without_a_token_for_it() -> None:
    async with FakeActions.run() as github:
        client = GitHubClient(github.url, App("123", "no key"))
        deployer = rebuilt(github, GitHubActions(client))
        with pytest.raises(NotStarted, match="GITHUB_APP_PRIVATE_KEY is no RSA key"):
            await deployer.start(Rig(github, deployer).attempt())
        assert github.asked == []
        await client.aclose()


# What GitHub refuses.


@pytest.mark.parametrize(
    ("workflow", "says"),
    [
        (Workflow(is_dispatched=False), "deploy.yml on 'main' has no workflow_dispatch trigger"),
        (Workflow(refs=("trunk",)), f"{REPO} has no branch or tag 'main': set `ref`"),
        (Workflow(takes=()), "does not take these inputs. GitHub says: 'Unexpected inputs"),
        (Workflow(requires=("sha", "region")), "inputs provided: .*attempt_id"),
        (Workflow(takes=("service", "environment", "x"), requires=("sha", "attempt_id", "y")), "y"),
        (Workflow(is_disabled=True), "deploy.yml is disabled on GitHub: enable it"),
    ],
)
async def test_what_github_refuses_did_not_begin_and_says_what_to_do(
    workflow: Workflow, says: str
) -> None:
    async with rig(deploy=workflow) as r:
        with pytest.raises(NotStarted, match=says):
            await r.deployer.start(r.attempt())
        assert r.github.runs == []


async def test_a_workflow_that_is_not_there_did_not_begin() -> None:
    async with rig(other=Workflow()) as r:
        with pytest.raises(NotStarted, match=f"finds no workflow 'deploy.yml' in {REPO}"):
            await r.deployer.start(r.attempt())


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (Trouble(401, "Bad credentials"), "does not accept the credentials"),
        (Trouble(403, "Resource not accessible"), "need Actions, read and write. .*accessible'"),
        (Trouble(403, "no", {"x-ratelimit-remaining": "0"}), "rate limit is used up"),
        (Trouble(429, "slow down"), "rate limit is used up"),
        (Trouble(403, "You have exceeded a secondary rate limit"), "let these credentials"),
        (Trouble(301, "Moved Permanently"), "has moved"),
        (Trouble(410, "Gone"), "status 410"),
    ],
)
async def test_any_other_refusal_is_a_sentence(trouble: Trouble, says: str) -> None:
    async with rig() as r:
        r.github.troubles = [trouble]
        with pytest.raises(NotStarted, match=says):
            await r.deployer.start(r.attempt())


# A GitHub that does not answer.


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(),
        Trouble(503),
        Trouble(429, "slow down"),
        Trouble(403, "no", {"x-ratelimit-remaining": "0"}),
        Trouble(401, "Bad credentials"),
        Trouble(404, "Not Found"),
        Trouble(200, "what is this"),
    ],
)
async def test_while_github_does_not_answer_what_ran_still_runs(trouble: Trouble) -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.away = trouble
        for _ in range(3):
            seen = await r.deployer.observe(attempt, reference)
            r.github.passes(600)
            assert seen.status == "running"
        r.github.away = None
        r.github.ends(run, "success")
        assert (await r.deployer.observe(attempt, reference)).status == "succeeded"


async def test_no_answer_for_longer_than_the_attempt_may_take_is_unknown() -> None:
    async with rig() as r:
        attempt, reference, _ = await r.holds()
        r.github.away = Trouble(503)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.line, seen.again_seconds) == ("GitHub answered with status 503.", 30)
        r.github.passes(30 * 60 + 1)
        seen = await r.deployer.observe(attempt, reference)
        said = "GitHub could not be asked for 30m: GitHub answered with status 503."
        assert seen == Observation("unknown", said)


async def test_an_answer_in_between_begins_the_time_without_one_anew() -> None:
    async with rig() as r:
        attempt, reference, _ = await r.holds({**OPTIONS, "timeout": "1h"})
        for _ in range(3):
            r.github.away = Trouble(503)
            await r.deployer.observe(attempt, reference)
            r.github.passes(1000)
            r.github.away = None
            assert (await r.deployer.observe(attempt, reference)).status == "running"


# Servers of an older version.


async def test_an_older_server_is_asked_with_its_version_and_its_run_found_by_name() -> None:
    async with rig() as r:
        r.github.old = True
        attempt = r.attempt()
        reference = await r.deployer.start(attempt)
        assert reference == "by name"
        assert (await r.deployer.observe(attempt, reference)).status == "succeeded"
        assert r.github.starts == {ID: 1}


async def test_an_older_server_is_told_the_newer_version_only_once() -> None:
    async with rig() as r:
        r.github.old = True
        attempt = r.attempt()
        for _ in range(3):
            await r.deployer.observe(attempt, "")
        assert len(r.github.asked) == 4


async def test_an_older_servers_run_without_the_id_in_its_name_is_unknown() -> None:
    async with rig(deploy=Workflow(title="Deploy")) as r:
        r.github.old = True
        attempt = r.attempt()
        reference = await r.deployer.start(attempt)
        assert (await r.deployer.observe(attempt, reference)).status == "running"
        r.github.passes(30)
        seen = await r.deployer.observe(attempt, reference)
        assert seen.status == "unknown"
        assert "run-name of deploy.yml has to contain the input 'attempt_id'" in seen.summary


@pytest.mark.parametrize("service", ["deploy", "to", "sha", "production", "attempt_id"])
async def test_an_older_servers_run_is_found_by_its_id_alone_whatever_services_are_called(
    service: str,
) -> None:
    async with rig() as r:
        r.github.old = r.github.held = True
        ours, other = r.attempt(service=service), r.attempt(attempt_id=OTHER_ID)
        for attempt in (ours, other):
            assert await r.deployer.start(attempt) == "by name"
        r.github.ends(r.github.runs[1], "failure")
        assert (await r.deployer.observe(ours, "by name")).status == "running"
        assert (await r.deployer.observe(other, "by name")).status == "failed"


# Workflows that refuse an attempt that they know.


@pytest.mark.parametrize(("options", "kind"), [(OPTIONS, "queryable"), (KEYED, "keyed")])
async def test_the_class_follows_from_what_the_workflow_does(
    options: dict[str, Any], kind: str
) -> None:
    async with rig() as r:
        assert r.deployer.recovery(r.attempt(options).arguments) == kind


async def test_a_keyed_attempt_that_is_there_is_not_started_again() -> None:
    async with rig(deploy=Workflow(refuses=True)) as r:
        attempt = r.attempt(KEYED)
        assert await r.deployer.start(attempt) == await r.again().start(attempt) == "5001"
        assert r.github.starts == {ID: 1}


async def test_a_second_run_that_was_refused_is_not_the_attempts_outcome() -> None:
    async with rig(deploy=Workflow(refuses=True)) as r:
        attempt, r.github.lag = r.attempt(KEYED), 1
        await r.deployer.start(attempt)
        reference = await r.again().start(attempt)
        assert reference == "5002"
        assert REFUSING in str(r.github.runs[1].jobs)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.summary) == ("succeeded", f"the run succeeded: {URL}/5001")
        assert r.github.effects == ["production backend 4af9ec0"]


async def test_a_keyed_run_that_is_red_itself_is_red() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds(KEYED)
        r.github.ends(run, "failure", ("deploy", "Push image"))
        assert (await r.deployer.observe(attempt, reference)).status == "failed"


async def test_a_keyed_attempt_is_not_sent_while_nobody_can_say_whether_it_is_there() -> None:
    async with rig() as r:
        r.github.away = Trouble(503)
        with pytest.raises(SourceUnavailable):
            await r.deployer.start(r.attempt(KEYED))
        assert r.github.runs == []


# Ending what runs.


async def test_a_run_is_cancelled() -> None:
    async with rig() as r:
        attempt, reference, _ = await r.holds()
        assert await r.deployer.cancel(attempt, reference)
        assert r.github.cancels == [5001]


async def test_a_run_that_has_ended_cannot_be_cancelled() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.ends(run, "success")
        assert not await r.deployer.cancel(attempt, reference)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_run_that_these_credentials_may_not_cancel_cannot_be(status: int) -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.refused_cancels = status
        assert not await r.deployer.cancel(attempt, reference)
        assert run.status == "queued"


async def test_a_run_that_is_not_listed_yet_may_still_be_cancelled() -> None:
    async with rig() as r:
        attempt = r.attempt()
        with pytest.raises(SourceUnavailable, match="not list its run yet"):
            await r.deployer.cancel(attempt, "")
        r.github.passes(30)
        assert not await r.deployer.cancel(attempt, "")


async def test_without_an_answer_it_is_not_known_whether_it_can_be_cancelled() -> None:
    async with rig() as r:
        attempt, reference, _ = await r.holds()
        r.github.away = Trouble(503)
        with pytest.raises(SourceUnavailable):
            await r.deployer.cancel(attempt, reference)


async def test_a_run_over_its_time_is_ended_and_was_too_slow() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds({**OPTIONS, "timeout": "10m"})
        r.github.passes(601)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.line) == (
            "running",
            "over its limit of 10m: GitHub was asked to end it",
        )
        assert r.github.cancels == [5001]
        r.github.ends(run, "cancelled")
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.summary) == (
            "failed",
            f"it took longer than 10m and was cancelled: {URL}/5001",
        )


async def test_a_run_that_nobody_may_end_is_said_to_go_on_and_then_unknown() -> None:
    async with rig() as r:
        attempt, reference, _ = await r.holds({**OPTIONS, "timeout": "10m"})
        r.github.refused_cancels = 403
        r.github.passes(601)
        seen = await r.deployer.observe(attempt, reference)
        assert seen.line == "over its limit of 10m: these credentials may not end it"
        r.github.passes(600)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.summary) == (
            "unknown",
            f"it still runs, long after its limit of 10m: {URL}/5001",
        )


async def test_a_red_run_whose_jobs_are_gone_is_red() -> None:
    async with rig() as r:
        attempt, reference, run = await r.holds()
        r.github.ends(run, "failure")
        r.github.troubles = [None, Trouble(404, "Not Found")]
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.summary) == ("failed", f"the run ended as failure: {URL}/5001")


# What deploys itself.


async def test_what_begins_by_a_push_is_only_watched() -> None:
    async with rig(staging=Workflow()) as r:
        attempt = r.attempt(PUSHED, environment="staging")
        reference = await r.deployer.start(attempt)
        seen = await r.deployer.observe(attempt, reference)
        assert (seen.status, seen.line) == ("running", "waits for staging.yml to begin by itself")
        r.github.pushes("staging.yml", OLD)
        r.github.pushes("staging.yml", SHA, branch="other")
        assert (await r.deployer.observe(attempt, reference)).status == "running"
        run = r.github.pushes("staging.yml", SHA)
        r.github.ends(run, "success")
        assert (await r.deployer.observe(attempt, reference)).status == "succeeded"
        assert r.github.starts == {}
        assert r.deployer.recovery(attempt.arguments) == "keyed"


async def test_what_never_begins_by_itself_is_red_in_the_end() -> None:
    async with rig(staging=Workflow()) as r:
        attempt = r.attempt(PUSHED, environment="staging")
        await r.deployer.observe(attempt, "by push")
        r.github.passes(30 * 60)
        seen = await r.deployer.observe(attempt, "by push")
        said = "no run of staging.yml for 4af9ec0 on main within 30m"
        assert seen == Observation("failed", said)


async def test_what_began_by_itself_is_neither_cancelled_nor_timed() -> None:
    async with rig(staging=Workflow()) as r:
        attempt = r.attempt(PUSHED, environment="staging")
        r.github.pushes("staging.yml", SHA)
        r.github.passes(3600)
        assert (await r.deployer.observe(attempt, "by push")).status == "running"
        assert not await r.deployer.cancel(attempt, "by push")
        assert r.github.cancels == []


# What runs now.


async def test_current_is_what_the_newest_green_run_there_deployed() -> None:
    async with rig() as r:
        assert await r.deployer.current(OPTIONS, *PLACE) is None
        await r.deploys(ID, OLD)
        r.github.passes(60)
        await r.deploys(OTHER_ID, SHA)
        assert await r.again().current(OPTIONS, *PLACE) == SHA
        assert await r.again().current(OPTIONS, REPO, "frontend", "production") is None
        assert await r.again().current(OPTIONS, REPO, "backend", "staging") is None


@pytest.mark.parametrize("service", ["deploy", "to", "environment", "backend_2"])
async def test_current_takes_no_run_of_another_service_for_one_that_is_called_like_a_word(
    service: str,
) -> None:
    async with rig() as r:
        await r.deploys(ID, OLD, service)
        r.github.passes(60)
        await r.deploys(OTHER_ID, SHA)
        assert await r.again().current(OPTIONS, REPO, service, "production") == OLD
        assert await r.again().current(OPTIONS, *PLACE) == SHA


async def test_of_a_service_that_is_called_like_an_environment_no_name_says_anything() -> None:
    async with rig() as r:
        await r.deploys(ID, OLD, "staging")
        assert await r.again().current(OPTIONS, REPO, "staging", "production") is None
        assert await r.again().current(OPTIONS, REPO, "production", "staging") is None


async def test_of_two_runs_that_began_in_one_second_the_later_one_is_current() -> None:
    async with rig() as r:
        await r.deploys(ID, OLD)
        await r.deploys(OTHER_ID, SHA)
        assert await r.again().current(OPTIONS, *PLACE) == SHA


async def test_current_goes_by_when_a_run_was_run_again() -> None:
    async with rig() as r:
        await r.deploys(ID, OLD)
        r.github.passes(60)
        await r.deploys(OTHER_ID, SHA)
        r.github.passes(60)
        r.github.runs[0].created = r.github.now
        assert await r.again().current(OPTIONS, *PLACE) == OLD


async def test_current_knows_what_it_has_just_seen_though_no_list_has_it_yet() -> None:
    async with rig() as r:
        await r.deploys(ID, OLD)
        r.github.passes(60)
        r.github.lag = 1
        await r.deploys(OTHER_ID, SHA)
        assert await r.deployer.current(OPTIONS, *PLACE) == SHA


@pytest.mark.parametrize(
    "title",
    [
        "Deploy",
        "Deploy {sha}",
        "Deploy {service} {environment}",
        "Deploy {service} to {environment}: {sha} ({attempt_id})",
        "Deploy {service} → {environment}: {sha} or 4444444444444444444444444444444444444444",
    ],
)
async def test_without_the_words_in_its_name_a_run_says_nothing(title: str) -> None:
    async with rig(deploy=Workflow(title=title)) as r:
        await r.deploys(ID, SHA)
        assert await r.deployer.current(OPTIONS, *PLACE) is None


async def test_current_of_what_deploys_itself_is_the_commit_that_was_pushed() -> None:
    async with rig(staging=Workflow()) as r:
        place: tuple[str, str, Environment] = (REPO, "backend", "staging")
        assert await r.deployer.current(PUSHED, *place) is None
        r.github.ends(r.github.pushes("staging.yml", OLD), "success")
        r.github.ends(r.github.pushes("staging.yml", SHA), "failure")
        r.github.ends(r.github.pushes("staging.yml", SHA, branch="x"), "success")
        assert await r.deployer.current(PUSHED, *place) == OLD


async def test_current_without_an_answer_is_not_none() -> None:
    async with rig() as r:
        r.github.away = Trouble(503)
        with pytest.raises(SourceUnavailable):
            await r.deployer.current(OPTIONS, *PLACE)


# Without credentials.


async def test_without_credentials_nothing_is_done_and_start_up_says_so() -> None:
    deployer = GitHubActionsDeployer(workflows=None)
    [(key, sentence)] = deployer.problems(OPTIONS, "backend", "production")
    assert (key, sentence[:18]) == ("deployer", "needs GITHUB_TOKEN")
    attempt = Rig(FakeActions(), deployer).attempt()
    with pytest.raises(NotStarted, match="needs GITHUB_TOKEN"):
        await deployer.start(attempt)
    assert (await deployer.observe(attempt, "")).status == "unknown"
    assert not await deployer.cancel(attempt, "")
    assert await deployer.current(OPTIONS, *PLACE) is None


# The keys.


@pytest.mark.parametrize(
    ("options", "key", "says"),
    [
        ({}, "workflow", "missing"),
        ({"workflow": "../deploy.yml"}, "workflow", "no name of a file"),
        ({"workflow": ".github/workflows/d.yml"}, "workflow", "no name of a file"),
        ({"workflow": "deploy"}, "workflow", "no name of a file"),
        ({"workflow": 5}, "workflow", "has to be a string"),
        ({"ref": SHA}, "ref", "the SHA is an input"),
        ({"ref": "a b"}, "ref", "no name of a branch"),
        ({"ref": "a..b"}, "ref", "no name of a branch"),
        ({"ref": ""}, "ref", "no name of a branch"),
        ({"inputs": {"sha": "x"}}, "inputs.sha", "fills this input itself"),
        ({"inputs": {"attempt_id": "x"}}, "inputs.attempt_id", "fills this input itself"),
        ({"inputs": {"a": "at {sha}"}}, "inputs.a", "is no placeholder"),
        ({"inputs": {"a": "{attempt_dir}"}}, "inputs.a", "is no placeholder"),
        ({"inputs": {"a": 5}}, "inputs.a", "has to be a string"),
        ({"inputs": {"a b": "x"}}, "inputs.a b.[key]", "no name of an input"),
        ({"inputs": {f"i{n}": "" for n in range(24)}}, "inputs", "GitHub takes 25 inputs"),
        ({"sha_input": "version", "attempt_input": "version"}, "attempt_input", "an input each"),
        ({"timeout": "25h"}, "timeout", "longer than 24h"),
        ({"timeout": "10"}, "timeout", "no duration"),
        ({"trigger": "schedule"}, "trigger", "'dispatch' or 'push'"),
        ({"refuses_known_attempts": "yes"}, "refuses_known_attempts", "true or false"),
        ({"trigger": "push", "inputs": {}}, "inputs", "nothing is sent"),
        ({"trigger": "push", "sha_input": "s"}, "sha_input", "nothing is sent"),
        ({"trigger": "push", "attempt_input": "s"}, "attempt_input", "nothing is sent"),
        ({"trigger": "push", "refuses_known_attempts": False}, "refuses_known_attempts", "nothing"),
        ({"argv": ["true"]}, "argv", "unknown key"),
    ],
)
def test_every_problem_of_the_options_is_named(
    options: dict[str, Any], key: str, says: str
) -> None:
    given = {"workflow": "deploy.yml", **options} if options else {}
    deployer = rebuilt(FakeActions(), GitHubActions(GitHubClient("http://x", Token("t"))))
    [(found_key, sentence)] = deployer.problems(given, "backend", "staging")
    assert found_key == key
    assert says in sentence


def test_production_never_begins_by_itself() -> None:
    deployer = rebuilt(FakeActions(), GitHubActions(GitHubClient("http://x", Token("t"))))
    found = deployer.problems(PUSHED, "backend", "production")
    said = "production never begins by itself: nobody would have approved it"
    assert found == [("trigger", said)]
    with pytest.raises(ValueError, match="never begins by itself"):
        deployer.arguments(PUSHED, "backend", "production", SHA)


def test_tests_have_no_service() -> None:
    deployer = rebuilt(FakeActions(), GitHubActions(GitHubClient("http://x", Token("t"))))
    assert deployer.problems(OPTIONS, None, "staging") == [
        ("inputs", "e2e tests have no {service}")
    ]


@pytest.mark.parametrize("sha", ["4af9ec0", SHA.upper(), "main", SHA + "\n", ""])
def test_only_a_full_sha_becomes_an_argument(sha: str) -> None:
    with pytest.raises(ValueError, match="no full SHA"):
        GitHubActionsDeployer(workflows=None).arguments(OPTIONS, "backend", "staging", sha)


def test_the_arguments_are_exact() -> None:
    options = {"workflow": "d.yaml", "ref": "release/1.x", "sha_input": "version", "timeout": "1h"}
    options |= {"inputs": {"where": "{environment}", "what": "{service}", "fast": "true"}}
    arguments = GitHubActionsDeployer(workflows=None).arguments(options, "backend", "staging", SHA)
    assert arguments == {
        "workflow": "d.yaml",
        "ref": "release/1.x",
        "timeout": 3600,
        "trigger": "dispatch",
        "inputs": {"where": "staging", "what": "backend", "fast": "true", "version": SHA},
        "attempt_input": "attempt_id",
        "refuses_known_attempts": False,
    }


@pytest.mark.parametrize(
    ("name", "sha"),
    [
        (f"Deploy backend → production: {SHA} ({ID})", SHA),
        (f"backend-production {SHA}", SHA),
        (f"#12 BACKEND 2 backend production {SHA}", SHA),
        (f"Deploy backend to production: {SHA} ({ID})", None),
        (f"Deploy backend → production: {SHA} {OLD}", None),
        (f"Deploy backend_x → production: {SHA}", None),
        (f"Deploy backend → production: {SHA[:7]}", None),
    ],
)
def test_a_runs_name_says_what_it_deployed(name: str, sha: str | None) -> None:
    run = WorkflowRun(1, name, "workflow_dispatch", "main", "", "completed", "success", "", 0, 0)
    assert outcome.deployed(run, "backend", "production") == sha
