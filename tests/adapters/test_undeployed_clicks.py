"""The answers to the question about undeployed changes, as Slack delivers them."""

from collections.abc import AsyncGenerator

import pytest

from app.core import events as ev
from app.core.ports import Write
from tests.adapters.slack_desk import Desk
from tests.adapters.test_undeployed_messages import story
from tests.shop import ALICE, BOB, REPO, repo_config
from tests.story import THREAD


@pytest.fixture
async def slack_desk() -> AsyncGenerator[Desk]:
    async with Desk.run(repo_config()) as desk:
        yield desk


async def asked(desk: Desk) -> None:
    told = story()
    await desk.tells(told)
    await desk.log.append(Write(f"{REPO}/0", [], facts=told.facts, silent=True))


async def test_anyone_may_answer_and_the_second_is_told(slack_desk: Desk) -> None:
    await asked(slack_desk)
    await slack_desk.clicks("not_now", THREAD, ALICE)
    assert await slack_desk.newest() == ev.UndeployedAnswered(user=ALICE, deploy=False)
    await slack_desk.clicks("deploy_undeployed", THREAD, BOB)
    assert "Not now, says <@U01ALICE>." in await slack_desk.whisper()


async def test_deploy_begins_as_words_would(slack_desk: Desk) -> None:
    await asked(slack_desk)
    await slack_desk.clicks("deploy_undeployed", THREAD, BOB)
    events = await slack_desk.events_of()
    assert events[-2:] == [
        ev.UndeployedAnswered(user=BOB, deploy=True),
        ev.HumanSaid(user=BOB, text="deploy backend 4af9ec000000"),
    ]
