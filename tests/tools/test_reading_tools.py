"""The tools that read, and the one that runs tests, as the agent calls them in a thread."""

import pytest

from app.core.events import ToolAnswered
from app.core.workflows import WorkflowRun
from tests.core.box import OLD, SHA, Box
from tests.fake_source import FakeSource


async def answer(box: Box) -> str:
    """Return what the newest reading tool answered."""
    entries = await box.log.read(box.thread_id)
    answers = [entry.event for entry in entries if isinstance(entry.event, ToolAnswered)]
    assert answers, "no tool answered"
    return answers[-1].result


async def test_deployments_are_listed_from_what_happened() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("list_deployments", service="backend")
    box.model.will("done_for_now", message="that is all")
    await box.approves()
    listed = f"backend {SHA[:7]} deploy succeeded, 0s ago: Add gift cards"
    assert await answer(box) == listed
    box.model.will("list_deployments", service="all")
    box.model.will("reply", message="that is all")
    await box.says("and of all?")
    assert await answer(box) == listed


async def test_deployments_of_an_unknown_service_are_refused_with_the_known_ones() -> None:
    box = Box()
    box.model.will("list_deployments", service="payments")
    box.model.will("reply", message="There is no such service.")
    await box.mentions("what went out of payments?")
    error = (await box.state()).last_error
    assert error == "'payments' is no service; there are: frontend, backend, all"


async def test_listed_commits_are_known_from_then_on() -> None:
    box = Box(source=FakeSource([OLD, SHA]))
    box.model.will("list_git_commits", limit=5)
    box.model.will("reply", message="Two.")
    await box.mentions("what are the last 5 commits?")
    assert [line[:7] for line in (await answer(box)).splitlines()] == [SHA[:7], OLD[:7]]
    assert set((await box.state()).known) == {SHA, OLD}


async def test_without_credentials_commits_cannot_be_listed() -> None:
    box = Box()
    box.model.will("list_git_commits", limit=5)
    box.model.will("reply", message="I cannot see them.")
    await box.mentions("what are the last 5 commits?")
    assert "no GitHub credentials" in (await box.state()).last_error


async def test_listed_tags_name_commits_that_are_known_from_then_on() -> None:
    box = Box(source=FakeSource([OLD, SHA], tagged=[("v2.0", SHA), ("v1.9", OLD)]))
    box.model.will("list_git_tags", limit=5)
    box.model.will("reply", message="Two.")
    await box.mentions("which releases are there?")
    assert await answer(box) == f"{SHA[:7]} v2.0\n{OLD[:7]} v1.9"
    assert set((await box.state()).known) == {SHA, OLD}


async def test_a_tag_does_not_rename_a_commit_that_is_known() -> None:
    box = Box(source=FakeSource([OLD, SHA], tagged=[("v2.0", SHA)]))
    box.model.will("list_git_tags", limit=5)
    await box.merges()
    assert (await box.state()).known[SHA].title == "Add gift cards"


async def test_listed_runs_say_how_they_ended() -> None:
    runs = [
        WorkflowRun(2, "CI «now»", "push", "main", SHA, "in_progress", None, "", 0, 0),
        WorkflowRun(
            1, "Deploy", "workflow_dispatch", "main", OLD, "completed", "failure", "", 0, 0
        ),
    ]
    box = Box(source=FakeSource([OLD, SHA], ran=runs))
    box.model.will("list_workflow_runs", limit=5)
    box.model.will("reply", message="One runs.")
    await box.mentions("what runs on GitHub?")
    first, second = (await answer(box)).splitlines()
    assert first.startswith("run 2 in progress, push, main 4af9ec0, ")
    assert first.endswith(": CI «now»")
    assert second.startswith("run 1 failure, workflow_dispatch, main 0ddba11, ")
    assert SHA not in (await box.state()).known


@pytest.mark.parametrize(
    ("tool", "what"), [("list_git_tags", "tags"), ("list_workflow_runs", "workflow runs")]
)
async def test_without_credentials_nothing_on_github_can_be_listed(tool: str, what: str) -> None:
    box = Box()
    box.model.will(tool, limit=5)
    box.model.will("reply", message="I cannot see them.")
    await box.mentions("what is there?")
    error = (await box.state()).last_error
    assert error == f"there are no GitHub credentials, so {what} cannot be listed"


async def test_production_tests_can_be_asked_for_without_a_deploy() -> None:
    box = Box()
    await box.has_old_version()
    box.model.will("run_e2e_tests", environment="production")
    box.model.will("done_for_now", message="green")
    await box.mentions("is production fine?")
    assert box.deployer.effects == ["production e2e 0ddba11"]
    assert (await box.state()).plan_ended == "green"


async def test_tests_of_a_production_that_nobody_knows_are_refused() -> None:
    box = Box()
    box.model.will("run_e2e_tests", environment="production")
    box.model.will("reply", message="I do not know what runs.")
    await box.mentions("is production fine?")
    assert "nobody knows what production runs" in (await box.state()).last_error
    assert box.deployer.effects == []
