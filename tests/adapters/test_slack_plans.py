"""A plan in Slack: one card for all steps, then one line for each while it is done."""

from typing import Any

from app.core import events as ev
from tests.core.test_plans import DAN, planned, with_own
from tests.story import ALICE, BOB, CARA, NEW, THREAD, Story, card_facts

CARD = "card:c1"
VALUE = f"{THREAD}:c1"
FIRST, SECOND = f"{THREAD}:c1.1", f"{THREAD}:c1.2"


def plan(**second: Any) -> Story:
    """Let a plan wait: the backend, which is bob's and cara's, and dan's frontend."""
    repo = with_own(planned(people={}), "frontend", approvers=(DAN,))
    facts = card_facts(approvers=(DAN,), barred=(), **second)
    backend = Story(repo).request("c1.1").spec
    frontend = Story(repo).request("c1.2", "frontend").spec
    step = ev.PlanStep(spec=frontend, facts=facts)
    told = Story(repo).merged().staged()
    request = told.request("c1.1", facts=card_facts(barred=()), more=(step,))
    return told.then(request.model_copy(update={"call_id": "c1", "spec": backend}))


def approved() -> Story:
    """Approve the plan, each step by one of its own people."""
    return (
        plan()
        .then(ev.ApprovalGranted(call_id="c1", spec_hash="", user=BOB, covers=("backend",)))
        .then(ev.ApprovalGranted(call_id="c1", spec_hash="", user=DAN, covers=("frontend",)))
    )


def begun(*, ended: str = "", **more: Any) -> Story:
    """Begin the first step, and end it if an outcome is given."""
    story = approved().starts("p1", "production", call_id="c1.1")
    return story.ends("p1", ended, **more) if ended else story


# The card.


def test_a_plan_is_one_card_with_every_step_in_its_order() -> None:
    story = plan()
    said = story.says(CARD)
    assert "Deploy backend and frontend to production" in said
    assert "1. deploy *backend* `1111111` → `4af9ec0`" in said
    assert "2. deploy *frontend* `1111111` → `4af9ec0`" in said
    for service in ("backend", "frontend"):
        assert f'argv = ["./deploy.sh", "{service}", "production", "{NEW}"]' in said
    assert story.buttons(CARD) == {
        "approve": VALUE,
        "reject": VALUE,
        "reject_with_feedback": VALUE,
    }


def test_each_steps_people_are_named_and_called() -> None:
    story = plan()
    said = story.says(CARD)
    assert "*backend*: *May approve:* <@U02BOB> and <@U03CARA>" in said
    assert "*frontend*: *May approve:* <@U04DAN>" in said
    assert story.show()[CARD].text == (
        "<@U02BOB>, <@U03CARA> and <@U04DAN>: "
        "approve to deploy backend and frontend to production, `4af9ec0`?"
    )


def test_who_may_approve_several_steps_is_called_once() -> None:
    text = plan(candidates=(ev.Candidate(user=DAN), ev.Candidate(user=CARA))).show()[CARD].text
    assert text.startswith("<@U02BOB>, <@U03CARA> and <@U04DAN>: approve to deploy backend")


def test_a_plan_with_one_risky_step_is_asked_about_twice() -> None:
    blocks = plan(risky="it changes auth.py").show()[CARD].blocks
    [buttons] = [block["elements"] for block in blocks if block["type"] == "actions"]
    assert buttons[0]["confirm"]["title"]["text"] == "Deploy backend and frontend to production?"
    assert buttons[0]["confirm"]["text"]["text"] == "Risky: it changes auth.py."


def test_a_plan_that_has_some_of_its_approvals_says_who_is_still_needed_for_what() -> None:
    story = plan().then(
        ev.ApprovalGranted(call_id="c1", spec_hash="", user=CARA, covers=("backend",))
    )
    said = story.says(CARD)
    assert "✅ Approved by <@U03CARA>" in said
    assert "⏳ frontend still needs 1 approval from <@U04DAN>" in said
    assert "backend still needs" not in said


# While it is done.


def test_what_has_not_begun_is_told_as_such() -> None:
    story = begun()
    said = story.says(CARD)
    assert "🚀 backend" in said or "⏳ backend" in said
    assert "▫️ frontend `1111111` → `4af9ec0`" in said
    assert story.show()[CARD].text == "deploy backend and frontend to production: 0 of 2 done"
    assert story.buttons(CARD) == {}


def test_each_step_gets_its_line_and_nothing_new_is_posted() -> None:
    story = begun(ended="succeeded")
    slots = list(story.show())
    story.starts("p2", "production", service="frontend", call_id="c1.2")
    assert story.show()[CARD].text == "deploy backend and frontend to production: running"
    story.ends("p2")
    said = story.says(CARD)
    assert "✅ backend" in said
    assert "✅ frontend" in said
    assert "approved by <@U02BOB>" in said
    assert list(story.show()) == slots


def test_a_red_step_ends_the_plan_with_its_last_lines() -> None:
    story = begun(ended="failed", summary="exit code 1", tail=("no space left",))
    said = story.says(CARD)
    assert "❌ backend" in said
    assert "▫️ frontend `1111111` → `4af9ec0` · not begun: backend: failed" in said
    assert "no space left" in said


def test_an_unknown_step_asks_what_became_of_it() -> None:
    story = begun(ended="unknown")
    story.now += 60_000
    assert story.buttons(CARD) == {
        "happened": FIRST,
        "did_not_happen": FIRST,
        "rollback": FIRST,
    }
    stated = ev.OutcomeStated(attempt_id="p1", happened=True, user=BOB, spec_hash="")
    assert "<@U02BOB>" in story.then(stated).says(CARD)
    assert SECOND not in str(story.buttons(CARD))


def test_words_hold_the_next_step_and_an_approver_may_go_on_without_them() -> None:
    story = begun().then(ev.HumanSaid(user=ALICE, text="wait, what is this?"))
    assert "⏸️ The next step waits: reading <@U01ALICE>'s message …" in story.says(CARD)
    assert story.buttons(CARD) == {}
    story.then(ev.ModelDown(message="away", retry_at=story.now + 60_000))
    assert story.buttons(CARD) == {"release": VALUE}


def test_a_stop_gives_up_what_has_not_begun() -> None:
    story = begun(ended="succeeded").then(ev.StopRequested(user=CARA))
    assert "▫️ frontend `1111111` → `4af9ec0` · not begun: stopped" in story.says(CARD)
