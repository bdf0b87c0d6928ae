"""Services are the unit: a merge is for those whose files it changes, and asks their people."""

import pytest

from app.core import events as ev
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.facts import NO_FILES
from app.model.offline import OfflinePlanner
from app.slack.messages import render
from tests import payloads
from tests.core.box import OLD, SHA, Box
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, repo_config

NEWER = "b" * 40
WEB = "C03WEB"


def shop() -> RepoConfig:
    """Configure a frontend of cara's team, with a channel of its own, and a backend of bob's."""
    target = TargetConfig(deployer="command", options={})
    frontend = target.model_copy(
        update={"paths": ("web/**",), "channel": WEB, "approvers": (CARA,)}
    )
    backend = target.model_copy(update={"paths": ("api/**",), "approvers": (BOB,)})
    services = {"frontend": frontend, "backend": backend}
    return repo_config(production=EnvironmentConfig(e2e=target, services=services))


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([OLD, SHA, NEWER])


@pytest.fixture
def box(source: FakeSource) -> Box:
    return Box(shop(), model=OfflinePlanner(), source=source)


async def shown(box: Box) -> dict[str, str]:
    """Return what every message of the thread says."""
    messages = render(await box.state(), box.config, await box.log.now("acme/shop"))
    return {slot: payloads.words(m.text, m.blocks) for slot, m in messages.items()}


def shipped(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_only_what_a_merge_touches_is_proposed_and_the_rest_is_said(
    box: Box, source: FakeSource
) -> None:
    source.changed = ["api/app.py", "README.md"]
    await box.merges()
    card = await box.card()
    assert card.request.spec.service == "backend"
    assert card.request.facts.approvers == (BOB,)
    said = (await shown(box))[f"card:{card.request.call_id}"]
    assert "*Left out:* frontend: this merge changes nothing of it" in said
    await box.approves(BOB)
    assert shipped(box) == ["production backend 4af9ec0", "production e2e 4af9ec0"]
    ended = (await box.state()).plan_ended
    assert ended is not None
    assert "frontend" not in ended  # the card said what is left out


async def test_what_is_left_out_is_no_choice_of_a_question_either(
    box: Box, source: FakeSource
) -> None:
    source.changed = ["api/app.py"]
    await box.merges()
    await box.rejects("not yet")
    await box.later(24 * 3_600_000)
    question = (await box.state()).question
    assert question is not None
    assert question.choices == ("again", "stop here")


async def test_a_card_that_was_put_off_comes_again_when_its_time_is_there(
    box: Box, source: FakeSource
) -> None:
    source.changed = ["api/app.py"]
    await box.merges()
    await box.rejects("wait 20 minutes")
    assert (await box.state()).pending is None
    await box.later(21 * 60_000)
    request = (await box.card()).request
    assert (request.spec.service, request.plan) == ("backend", 2)
    await box.approves(BOB)
    assert shipped(box)[0] == "production backend 4af9ec0"


async def test_a_change_of_one_team_is_in_the_teams_channel(box: Box, source: FakeSource) -> None:
    source.changed = ["web/index.html"]
    await box.merges()
    card = await box.card()
    assert (card.request.spec.service, card.request.spec.channel) == ("frontend", WEB)
    assert (await box.state()).channel == WEB


@pytest.mark.parametrize("changed", [["api/app.py"], ["api/app.py", "web/index.html"]])
async def test_any_other_change_is_in_the_repositorys_channel(
    box: Box, source: FakeSource, changed: list[str]
) -> None:
    source.changed = changed
    await box.merges()
    assert (await box.state()).channel == "C01DEPLOYS"


async def test_nothing_is_posted_before_it_is_known_whom_it_concerns(box: Box) -> None:
    await box.starts()
    assert await shown(box) == {}


@pytest.mark.parametrize("changed", [["README.md"], []], ids=["of no service", "empty"])
async def test_a_merge_that_touches_no_service_says_and_does_nothing(
    box: Box, source: FakeSource, changed: list[str]
) -> None:
    source.changed = changed
    await box.merges()
    assert await shown(box) == {}
    assert box.deployer.effects == []
    assert await box.types() == ["thread_started", "change_seen"]


async def test_people_can_ask_for_what_is_left_out(box: Box, source: FakeSource) -> None:
    source.changed = ["api/app.py"]
    await box.merges()
    await box.says("deploy the frontend first")
    card = await box.card()
    assert card.request.spec.service == "frontend"
    assert card.request.facts.approvers == (CARA,)


async def test_the_model_cannot_propose_unasked_what_is_left_out(source: FakeSource) -> None:
    box = Box(shop(), source=source)
    source.changed = ["api/app.py"]
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    refused = [e.event for e in await box.log.read(box.thread_id) if e.event.type == "tool_refused"]
    assert isinstance(refused[0], ev.ToolRefused)
    assert "changes nothing of frontend" in refused[0].error
    assert (await box.card()).request.spec.service == "backend"


async def test_a_newer_merge_of_one_team_leaves_anothers_card_alone(
    box: Box, source: FakeSource
) -> None:
    source.changed = ["web/index.html"]
    await box.merges(SHA)
    older, card = box.thread_id, await box.card()
    source.changed = ["api/app.py"]
    await box.merges(NEWER)
    assert (await box.card()).request.spec.service == "backend"
    await box.approves(BOB)
    box.thread_id = older
    assert (await box.card()).request == card.request
    await box.approves(CARA)
    assert shipped(box) == [
        "production backend bbbbbbb",
        "production e2e bbbbbbb",
        "production frontend 4af9ec0",
        "production e2e 4af9ec0",
    ]


async def test_with_github_away_all_services_count_and_the_card_says_so(
    box: Box, source: FakeSource
) -> None:
    source.away = True
    await box.merges()
    change = (await box.state()).change
    assert change is not None
    assert (change.touched, change.channel) == (("frontend", "backend"), "C01DEPLOYS")
    source.away = False
    await box.later(600_000)
    said = (await shown(box))[f"card:{(await box.card()).request.call_id}"]
    assert "*Not checked:* which services this touches: GitHub does not answer" in said


async def test_files_that_github_does_not_list_are_a_change_of_everything(
    box: Box, source: FakeSource
) -> None:
    source.changed = None
    await box.merges()
    change = (await box.state()).change
    assert change is not None
    assert change.touched == ("frontend", "backend")
    assert change.unchecked == NO_FILES
    said = (await shown(box))[f"card:{(await box.card()).request.call_id}"]
    assert "*Not checked:* which files changed, since GitHub does not list them all" in said


async def test_without_paths_nobody_asks_for_files(source: FakeSource) -> None:
    box = Box(model=OfflinePlanner(), source=source)
    await box.merges()
    assert "change_seen" not in await box.types()
    assert (await box.card()).request.spec.service == "frontend"
