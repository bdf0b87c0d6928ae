"""GitHub down: staging goes on, production waits by itself, and a rollback may go all the same."""

from collections.abc import AsyncIterator

import pytest

from app.core import events as ev
from app.core.ports import Observation
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import Token
from app.slack.messages import render
from tests.adapters.github_stub import Answer, StubGitHub
from tests.core.box import OLD, REPO, SHA, Box

MINUTE = 60_000
HEAD = "3" * 40
DOWN = [
    Answer(500),
    Answer(503, b"<html>"),
    Answer(403, headers={"x-ratelimit-remaining": "0"}),
    Answer(403),
    Answer(429),
    Answer(401),
    Answer(200, b'{"sha": "'),
    Answer(200, ["not", "what", "was", "asked"]),
    Answer(cut=True),
    Answer(silent=True),
]
each_way_down = pytest.mark.parametrize(
    "down", DOWN, ids=lambda a: f"{a.status}{'-cut' if a.cut else '-silent' if a.silent else ''}"
)


class GitHub:
    """A GitHub of which a test says when it is down, and how."""

    def __init__(self, stub: StubGitHub) -> None:
        self.stub = stub
        self.url = stub.url

    def up(self) -> None:
        """Know the branch, and the pull request that alice pushed."""
        commit = {"sha": SHA, "commit": {"message": "Add gift cards"}, "author": {"login": "alice"}}
        ahead = Answer(body={"ahead_by": 1, "behind_by": 0, "commits": [commit]})
        same = Answer(body={"ahead_by": 0, "behind_by": 0, "commits": []})
        refs = {"base": {"sha": OLD}, "head": {"sha": HEAD}}
        repo = f"GET /repos/{REPO}"
        self.stub.on(f"{repo}/commits", Answer(body=[commit]))
        self.stub.on(f"{repo}/commits/{SHA}", Answer(body=commit))
        self.stub.on(f"{repo}/compare/main...{SHA}", same)
        self.stub.on(f"{repo}/compare/{OLD}...{SHA}", ahead)
        self.stub.on(f"{repo}/compare/{OLD}...{HEAD}", ahead)
        self.stub.on(f"{repo}/pulls/12", Answer(body=refs))

    def goes_down(self, answer: Answer, after: int = 0) -> None:
        """Answer everything like this, after so many good answers about the commit."""
        for request, answers in self.stub.answers.items():
            good = answers[:1] * after if request.endswith(SHA) else []
            self.stub.on(request, *good, answer)


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with StubGitHub.run() as stub:
        made = GitHub(stub)
        made.up()
        yield made


@pytest.fixture
async def box(github: GitHub) -> AsyncIterator[Box]:
    client = GitHubClient(github.url, Token("t"), timeout_seconds=0.5)
    made = Box(source=GitHubSource(client, {REPO: "main"}))
    await made.has_old_version()
    yield made
    await client.aclose()


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def status(box: Box) -> str:
    messages = render(await box.state(), box.config, await box.log.now(REPO))
    return messages["status"].text


@each_way_down
async def test_what_was_approved_waits_and_goes_on_by_itself(
    box: Box, github: GitHub, down: Answer
) -> None:
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    github.goes_down(down)
    await box.approves()
    for _ in range(3):
        await box.later(MINUTE)
    assert production(box) == []
    assert (await box.types()).count("source_waited") == 1
    assert "waiting for GitHub, and going on when it answers: GitHub" in await status(box)

    github.up()
    box.model.will("done_for_now", message="done")
    await box.later(MINUTE)
    assert production(box)[0] == "production backend 4af9ec0"
    assert (await box.types()).count("approval_granted") == 1


@each_way_down
async def test_after_staging_the_plan_waits_and_goes_on_by_itself(
    box: Box, github: GitHub, down: Answer
) -> None:
    github.goes_down(down)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    for _ in range(3):
        await box.later(MINUTE)
    assert box.deployer.effects == [f"staging {s} 4af9ec0" for s in ("frontend", "backend", "e2e")]
    assert (await box.types()).count("source_waited") == 1
    assert "waiting for GitHub" in await status(box)
    assert len(box.model.turns) == 1, "the model is not asked while GitHub is away"

    github.up()
    await box.later(MINUTE)
    assert (await box.card()).request.spec.sha == SHA
    assert len(box.model.turns) == 1


async def test_an_hour_without_github_adds_little_to_a_thread(box: Box, github: GitHub) -> None:
    github.goes_down(Answer(500))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    before = len(await box.types())
    for _ in range(60):
        await box.later(MINUTE)
    assert len(await box.types()) - before <= 6, "facts that are old are fetched again"
    assert len(box.model.turns) == 1


async def test_words_are_answered_while_the_plan_waits(box: Box, github: GitHub) -> None:
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    github.goes_down(Answer(502))
    await box.approves()
    box.model.will("reply", message="GitHub is away, so it waits.")
    await box.says("why does nothing happen?")
    state = await box.state()
    assert state.says[-1].text == "GitHub is away, so it waits."
    assert state.unread == []
    assert production(box) == []


async def test_what_people_ask_for_is_refused_with_the_reason(box: Box, github: GitHub) -> None:
    github.goes_down(Answer(502))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    box.model.will("reply", message="Not now.")
    await box.says("frontend first please")
    refused = [e.event for e in await box.log.read(box.thread_id)]
    [refusal] = [e for e in refused if isinstance(e, ev.ToolRefused)]
    assert refusal.error == (
        "GitHub answered with status 502; until it can be asked, nothing new may start"
    )


async def test_an_approval_that_runs_out_meanwhile_is_not_used(box: Box, github: GitHub) -> None:
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    card = await box.card()
    github.goes_down(Answer(500))
    await box.approves()
    await box.later(25 * 60 * MINUTE)
    github.up()
    await box.later(MINUTE)
    settled = (await box.state()).cards[card.request.call_id]
    assert settled.status == "expired"
    assert settled.text == (
        "its approval ran out while it waited, so it is made anew: GitHub answered with status 500"
    )
    assert (await box.card()).approvals == []
    assert production(box) == []


async def test_what_waits_for_github_can_be_stopped(box: Box, github: GitHub) -> None:
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    github.goes_down(Answer(500))
    await box.approves()
    await box.does(ev.StopRequested(user="U01ALICE"))
    github.up()
    await box.later(10 * MINUTE)
    assert production(box) == []
    assert (await box.state()).waits_for_source is None


async def test_github_going_down_between_the_two_looks_starts_nothing(
    box: Box, github: GitHub
) -> None:
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    github.goes_down(Answer(500), after=1)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.approves()
    assert production(box) == []
    [run] = [run for run in (await box.state()).runs.values() if run.is_production_effect]
    assert (run.outcome, run.summary) == (
        "failed",
        "not started: GitHub answered with status 500.",
    )
    assert "waiting for GitHub" in await status(box)

    github.up()
    await box.later(MINUTE)
    assert (await box.card()).status == "pending"


async def test_who_pushed_has_to_be_known_before_there_is_a_card(box: Box, github: GitHub) -> None:
    github.stub.on(f"GET /repos/{REPO}/pulls/12", Answer(500))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    assert (await box.state()).cards == {}
    assert "waiting for GitHub" in await status(box)


@each_way_down
async def test_a_verified_version_can_be_brought_back(
    box: Box, github: GitHub, down: Answer
) -> None:
    red = Observation(status="failed", summary="exit code 1")
    box.deployer.prepare("production e2e", red, red)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="backend only")
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="red")
    await box.approves()
    github.goes_down(down)
    box.model.will("done_for_now", message="back")
    await box.approves()
    assert production(box)[-2:] == ["production backend 0ddba11", "production e2e 0ddba11"]
