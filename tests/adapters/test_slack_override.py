"""Overriding red tests in Slack: the button, the form, the reason."""

import json
from collections.abc import AsyncGenerator

import pytest

from app.core import events as ev
from tests import payloads
from tests.adapters.slack_desk import Desk
from tests.shop import ALICE, BOB, CARA
from tests.story import NEW, THREAD, Story, repo_config
from tests.waiting import until

VALUE = f"{THREAD}:{NEW}-1"
WHY = "the sandbox is down <!channel> & *loud*"


def story() -> Story:
    told = Story().merged().starts("s", kind="e2e")
    told.ends("s", "failed", "1 test failed", failing_tests=("<!here> pays",))
    return told.then(ev.StagingEnded(sha=NEW, passed=False, summary="e2e: 1 test failed"))


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with Desk.run(repo_config(people={"alice": ALICE})) as desk:
        await desk.tells(story())
        yield desk


async def submits(desk: Desk, text: str, user: str = BOB) -> str:
    answer = await desk.submits(text, user, value=VALUE, callback_id="override", field="reason")
    assert answer.status_code == 200
    return answer.text


def test_the_red_message_offers_it() -> None:
    assert story().buttons("alert:staging:1") == {
        "retry": f"{THREAD}:all",
        "retry_e2e": f"{THREAD}:e2e",
        "override": VALUE,
    }


def test_the_red_message_names_the_tests_once_also_when_they_are_overridden() -> None:
    told = story()
    assert told.says("alert:staging:1").count("&lt;!here&gt; pays") == 1
    told.then(ev.StagingOverridden(sha=NEW, user=BOB, reason=WHY, failing_tests=("<!here> pays",)))
    said = told.says("alert:staging:1")
    assert said.count("&lt;!here&gt; pays") == 1
    assert "overridden by <@U02BOB>" in said


async def test_the_form_names_what_is_red_and_what_it_means(desk: Desk) -> None:
    await desk.clicks("override", user=BOB, value=VALUE)
    await until(lambda: desk.slack.count("views.open") == 1)
    view = json.loads(desk.slack.fields("views.open")[0]["view"])
    assert (view["callback_id"], view["private_metadata"]) == ("override", VALUE)
    said = payloads.words("", view["blocks"])
    assert "*Staging* `4af9ec0` · failing: `&lt;!here&gt; pays`" in said
    assert "Your name and reason stay on each of its cards" in said


async def test_a_form_for_who_may_not_is_not_opened(desk: Desk) -> None:
    await desk.clicks("override", user=ALICE, value=VALUE)
    assert (await desk.whisper()).startswith("It takes an approver of acme/shop to override")
    assert desk.slack.count("views.open") == 0


async def test_the_reason_is_recorded(desk: Desk) -> None:
    assert await submits(desk, WHY) == ""
    assert await desk.newest() == ev.StagingOverridden(
        sha=NEW, user=BOB, reason=WHY, failing_tests=("<!here> pays",)
    )


async def test_a_short_reason_is_answered_in_the_form(desk: Desk) -> None:
    assert json.loads(await submits(desk, " flaky ")) == {
        "response_action": "errors",
        "errors": {"reason": "Say why the red tests do not count, in at least 10 characters."},
    }


async def test_the_second_one_is_told_who_was_first(desk: Desk) -> None:
    await submits(desk, WHY)
    await submits(desk, "mine was first, really", CARA)
    said = await desk.whisper()
    assert said.startswith("<@U02BOB> overrode these tests already.")
    assert said.endswith("Your words were not passed on: “mine was first, really”")
