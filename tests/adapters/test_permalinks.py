"""Where the workspace is: asked of Slack once, kept as a fact of each repository."""

from collections.abc import AsyncGenerator

import pytest

from app.core.ports import ThreadLog
from app.slack.permalinks import FACT, Permalinks
from app.slack.web import SlackSilent, SlackWeb
from tests.adapters.slack_desk import SlackStub
from tests.fakes import FakeLog
from tests.shop import REPO


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStub]:
    async with SlackStub.run() as stub:
        yield stub


def permalinks(slack: SlackStub, log: ThreadLog) -> Permalinks:
    return Permalinks(log, SlackWeb("xoxb-test", slack.url), [REPO, "acme/app"])


async def test_the_address_is_noted_for_every_repository(slack: SlackStub) -> None:
    log = FakeLog()
    await permalinks(slack, log).run()
    for repo in (REPO, "acme/app"):
        assert (await log.facts(repo))[FACT] == "https://a.slack.com/"


async def test_a_silent_slack_is_asked_again(slack: SlackStub) -> None:
    slack.failing.add("auth.test")
    with pytest.raises(SlackSilent):
        await permalinks(slack, FakeLog()).note()


@pytest.mark.parametrize("said", ["", "javascript:x", "https://a.slack.com/|x", "https://a/b/"])
async def test_what_is_no_address_is_not_noted(slack: SlackStub, said: str) -> None:
    slack.workspace = said
    log = FakeLog()
    await permalinks(slack, log).note()
    assert FACT not in await log.facts(REPO)
