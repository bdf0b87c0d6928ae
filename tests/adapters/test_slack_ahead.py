"""Approving while staging runs, as it looks in Slack, and what its buttons and words do."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.core import events as ev
from app.core import lanes
from app.core.config import RepoConfig
from app.core.spec import plan_hash
from app.slack.messages import next_change
from tests import payloads
from tests.adapters.slack_desk import Desk
from tests.core.test_plans import DAN, planned, with_own
from tests.story import ALICE, BOB, CARA, NEW, THREAD, Story, card_facts, repo_config
from tests.waiting import until

VALUE = f"{THREAD}:c1"
CARD = "card:c1"
APPROVE = "approve_when_green"


def offered(**more: Any) -> Story:
    """Let the services be on staging, and the tests run."""
    story = Story(more.pop("repo", None) or repo_config()).merged()
    story.starts("s-frontend", service="frontend").ends("s-frontend")
    return story.prepares(**more).starts("s-e2e", kind="e2e")


def plan(repo: RepoConfig | None = None) -> Story:
    """Let the frontend be dan's, and the backend bob's and cara's."""
    rules = with_own(planned(people={}), "frontend", approvers=(DAN,))
    of_dan = card_facts(approvers=(DAN,), barred=())
    frontend = Story(repo or rules).request("c1.2", "frontend", facts=of_dan)
    step = ev.PlanStep(spec=frontend.spec, facts=of_dan)
    return offered(repo=repo or rules, more=(step,), facts=card_facts(barred=()))


def turns(story: Story, passed: bool = True) -> Story:
    """Let the tests on staging end."""
    story.ends("s-e2e", "succeeded" if passed else "failed")
    return story.then(ev.StagingEnded(sha=NEW, passed=passed, summary="e2e: 42 tests"))


# The status.


def test_the_status_shows_exactly_what_a_click_would_approve() -> None:
    story = offered()
    said = story.says("status")
    assert "*When staging is green:* deploy backend to production · `1111111`" in said
    assert f'deploy_backend_to_prod(sha="{NEW}")' in said
    assert f'argv = ["./deploy.sh", "backend", "production", "{NEW}"]' in said
    prepared = story.state.prepared
    assert prepared
    assert prepared.request
    assert f"run `{plan_hash(prepared.request.specs)[:8]}`" in said
    assert "*Going in:* 1 commit · <https://github.com/acme/shop/compare/" in said
    assert story.buttons("status") == {APPROVE: VALUE, "stop": THREAD}
    assert list(story.show()) == ["status", "progress:staging:1"]


def test_an_offer_calls_nobody() -> None:
    said = offered().says("status")
    assert "<@" not in said
    assert "*May approve:* bob and `U03CARA`" in said


def test_each_step_of_an_offer_says_who_may_approve_it() -> None:
    said = plan().says("status")
    assert "*May approve backend:* `U02BOB` and `U03CARA`" in said
    assert "*May approve frontend:* `U04DAN`" in said


def test_an_offer_says_what_a_card_would_say() -> None:
    facts = card_facts(needed=2, risky="it changes auth.py", unchecked=("the last pusher",))
    story = offered(facts=facts)
    said = story.says("status")
    assert "2 approvals needed" in said
    assert "*Risky:* it changes auth.py" in said
    assert "*Not checked:* the last pusher" in said
    [confirm] = [
        button["confirm"]["text"]["text"]
        for block in story.show()["status"].blocks
        if block["type"] == "actions"
        for button in block["elements"]
        if "confirm" in button
    ]
    assert confirm == "Risky: it changes auth.py."


@pytest.mark.parametrize("passed", [True, False])
def test_an_offer_is_gone_with_the_run_of_staging(passed: bool) -> None:
    story = turns(offered(), passed)
    assert APPROVE not in story.buttons("status")
    assert "When staging is green" not in story.says("status")


def test_an_offer_is_gone_when_somebody_writes() -> None:
    story = offered().then(ev.HumanSaid(user=ALICE, text="backend first"))
    assert story.buttons("status") == {"stop": THREAD}


def test_an_offer_is_there_only_while_nothing_is_locked() -> None:
    story = offered()
    locked_until = story.now + 60_000
    story.locks("backend", until=locked_until)
    assert story.buttons("status") == {"stop": THREAD}
    assert next_change(story.state, story.repo, story.now, story.facts) == locked_until
    story.now = locked_until
    assert APPROVE in story.buttons("status")


# The card.


def test_the_card_says_when_it_runs_and_can_be_taken_back() -> None:
    story = offered().approves_ahead()
    said = story.says(CARD)
    assert (
        "*Runs when staging of `4af9ec0` is green*, not before; if it is red, this lapses." in said
    )
    assert f'argv = ["./deploy.sh", "backend", "production", "{NEW}"]' in said
    assert "approved by bob" in said
    assert story.buttons(CARD) == {"reject": VALUE, "reject_with_feedback": VALUE}
    assert "<@" not in said
    assert story.buttons("status") == {"stop": THREAD}
    assert "✅ deploy backend to production, `4af9ec0`, when staging is green" in story.says(
        "status"
    )


def test_those_whose_approval_is_missing_are_called_and_nobody_else() -> None:
    story = plan()
    request = story.state.prepared and story.state.prepared.request
    assert request
    granted = ev.ApprovalGranted(call_id="c1", spec_hash="", user=BOB, covers=("backend",))
    story.then(request, granted)
    message, said = story.show()[CARD], story.says(CARD)
    assert message.text == (
        "<@U04DAN>: approve to deploy backend and frontend to production when staging is green?"
    )
    assert "⏳ frontend still needs 1 approval from <@U04DAN>" in said
    assert BOB not in said.replace(f"`{BOB}`", "")
    assert story.buttons(CARD)[APPROVE] == VALUE
    assert "🔔 1 approval missing: deploy backend and frontend" in story.says("status")


def test_nobody_is_called_where_nobody_else_could_approve() -> None:
    story = offered(facts=card_facts(approvers=(BOB,), needed=2)).approves_ahead()
    assert (
        story.show()[CARD].text == "Approve to deploy backend to production when staging is green?"
    )


def test_once_it_is_green_it_is_a_card_as_any_other() -> None:
    story = turns(offered(facts=card_facts(needed=2)).approves_ahead())
    story.then(ev.ApprovalTookEffect(call_id="c1"))
    assert "approve" in story.buttons(CARD)
    said = story.says(CARD)
    assert "*Staging:* e2e: 42 tests" in said
    assert "✅ Approved by <@U02BOB>" in said
    assert "⏳ backend still needs 1 approval from <@U03CARA>" in said


def test_words_hold_it_and_an_approver_can_release_it_where_nobody_reads_them() -> None:
    story = offered().approves_ahead().then(ev.HumanSaid(user=ALICE, text="what is in it?"))
    assert "⏸️ Reading alice's message …" in story.says(CARD)
    assert "⏸️ reading alice's message" in story.says("status")
    assert "release" not in story.buttons(CARD)
    story.then(ev.ModelDown(message="away", retry_at=story.now + 60_000))
    assert "An approver can release this without it." in story.says(CARD)
    assert story.buttons(CARD)["release"] == VALUE


def test_a_green_one_says_which_older_merge_it_waits_for() -> None:
    story = turns(offered().approves_ahead())
    assert "⏳ staging is green: it begins now" in story.says(CARD)
    older = Story().merged("Older").state
    older.thread_id, older.started_at = "acme/shop/9999999999", 1
    own = lanes.told(story.state, "tested")
    story.facts = {
        lanes.key(THREAD): own,
        lanes.key(older.thread_id): lanes.told(older, "asked"),
    }
    assert "out of the way: its card is decided first" in story.says(CARD)
    assert "out of the way: its card is decided first" in story.says("status")


def test_one_that_lapsed_says_why_and_is_not_asked_for_again() -> None:
    story = turns(offered().approves_ahead(), passed=False)
    story.then(ev.ApprovalExpired(call_id="c1", reason="staging of 4af9ec0 is red"))
    assert "staging of 4af9ec0 is red (nobody rejected it)" in story.says(CARD)
    assert story.buttons(CARD) == {}


# Buttons and words.


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    repo = repo_config(people={})
    async with Desk.run(repo) as desk:
        await desk.tells(offered(repo=repo, facts=card_facts(barred=())))
        yield desk


async def test_a_click_puts_up_the_card_and_approves_it(desk: Desk) -> None:
    await desk.clicks("approve_when_green", VALUE, CARA)
    *_, requested, granted = await desk.events_of()
    assert isinstance(requested, ev.ApprovalRequested)
    assert granted == ev.ApprovalGranted(
        call_id="c1", spec_hash=requested.spec_hash, user=CARA, covers=("backend",)
    )
    await desk.clicks("approve_when_green", VALUE, BOB)
    assert (await desk.whisper()).startswith("Too late: <@U03CARA> approved this already")


async def test_who_may_not_is_told_so(desk: Desk) -> None:
    await desk.clicks("approve_when_green", VALUE, ALICE)
    assert await desk.whisper() == (
        "You are not an approver of backend. These are: <@U02BOB>, <@U03CARA>."
    )
    assert (await desk.newest()).type == "tool_started"


async def test_a_click_on_what_is_not_offered_is_answered(desk: Desk) -> None:
    await desk.clicks("approve_when_green", f"{THREAD}:other", CARA)
    assert await desk.whisper() == "Staging runs anew: look at the message once more."


async def test_reject_takes_it_back(desk: Desk) -> None:
    await desk.clicks("approve_when_green", VALUE, CARA)
    await desk.clicks("reject", VALUE, ALICE)
    *_, rejected, asked = await desk.events_of()
    assert rejected == ev.ApprovalRejected(call_id="c1", user=ALICE)
    assert isinstance(asked, ev.BotSaid)


async def test_it_is_taken_back_with_feedback(desk: Desk) -> None:
    await desk.clicks("approve_when_green", VALUE, CARA)
    await desk.clicks("reject_with_feedback", VALUE, ALICE)
    await until(lambda: desk.slack.count("views.open") == 1)
    [opened] = desk.slack.fields("views.open")
    assert json.loads(opened["view"])["callback_id"] == "feedback"
    await desk.submits("not on a Friday", ALICE)
    assert await desk.newest() == ev.ApprovalRejected(
        call_id="c1", user=ALICE, text="not on a Friday"
    )


async def test_a_no_in_words_takes_it_back(desk: Desk) -> None:
    await desk.clicks("approve_when_green", VALUE, CARA)
    await desk.says("no wait", ALICE, thread_ts="1.1")
    assert await desk.newest() == ev.ApprovalRejected(call_id="c1", user=ALICE, text="no wait")


async def test_words_approve_nothing_ahead(desk: Desk) -> None:
    await desk.says("approve it once staging is green", CARA, thread_ts="1.1")
    assert await desk.whisper() == (
        "Words never approve, also not ahead: only a button does. "
        "Press *Approve when staging is green* on the status message of this thread."
    )
    assert (await desk.newest()).type == "tool_started"


def test_slack_takes_an_offer_of_ten_steps() -> None:
    steps = tuple(
        ev.PlanStep(spec=Story().request(f"c1.{n}", "backend").spec, facts=card_facts())
        for n in range(2, 11)
    )
    for message in offered(more=steps).approves_ahead().show().values():
        payloads.check(message.text, message.blocks)
