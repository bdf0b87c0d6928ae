"""What each button and each sentence does to a thread; every refusal with its sentence."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.core import clicks, thread_clicks
from app.core import events as ev
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.policy import Person
from app.core.thread_clicks import said
from tests.fake_calendar import freeze
from tests.story import ALICE, BOB, CARA, NEW, OLD, START, THREAD, Story, card_facts, repo_config

HELD = {"hold/backend": f'{{"bad_sha": "{OLD}", "thread": "t", "at": 0}}'}
DOWN = ev.ModelDown(message="no answer", retry_at=0)
LOCKED = ev.BlockWaited(block=ev.Block(service="backend", user=ALICE, reason="", since=0))


def story(**more: Any) -> Story:
    """Let a change that nobody here wrote wait for approval."""
    repo = repo_config(people={})
    return Story(repo).merged().staged().asks(facts=card_facts(barred=(), **more))


def click(
    told: Story, user: str = CARA, call_id: str = "c1", facts: dict[str, str] | None = None
) -> Click:
    """Let somebody click at the end of a story."""
    return Click(told.state, told.repo, Person(user), call_id, told.now, facts or {})


def events(decision: Decision) -> list[ev.Event]:
    """Return what was accepted."""
    assert isinstance(decision, Accepted), decision
    return list(decision.events)


def sentence(decision: Decision) -> str:
    """Return why it was refused."""
    assert isinstance(decision, Refused), decision
    return decision.sentence


def hears(told: Story, text: str = "wait, why?") -> Story:
    """Let alice write in the thread."""
    return told.then(ev.HumanSaid(user=ALICE, text=text))


# Approve.


def test_approve_names_the_hash() -> None:
    told = story()
    card = told.state.cards["c1"]
    granted = ev.ApprovalGranted(
        call_id="c1", spec_hash=card.request.spec_hash, user=CARA, covers=("backend",)
    )
    assert events(clicks.approve(click(told))) == [granted]


def test_approve_is_for_approvers() -> None:
    assert sentence(clicks.approve(click(story(), ALICE))).startswith("You are not an approver")


def test_a_locked_service_is_not_approved() -> None:
    told = story().locks("backend", reason="load <test>")
    answer = sentence(clicks.approve(click(told, facts=told.facts)))
    assert answer.startswith("backend is locked by <@U01ALICE> since <!date^")
    assert ": load &lt;test&gt;\n" in answer
    assert answer.endswith(
        "Nothing begins on it meanwhile, also no rollback. Whoever locked it, or an approver, ends "
        "that with `unlock backend`. Approve it when that is over."
    )


def test_a_lock_that_is_over_or_anothers_is_no_matter() -> None:
    for told in (story().locks("backend").unlocks("backend"), story().locks("frontend")):
        assert events(clicks.approve(click(told, facts=told.facts)))


def test_a_frozen_service_is_not_approved_but_its_rollback_is() -> None:
    weekend = freeze(START, START + 10**9)
    told = Story(repo_config(people={}, freeze=(weekend,))).merged().staged()
    facts = card_facts(barred=())
    answer = sentence(clicks.approve(click(told.asks(facts=facts))))
    assert answer.startswith("backend is frozen since <!date^")
    assert answer.endswith(
        ": weekend\nNothing is deployed in a freeze; a rollback would be possible. "
        "Approve it when that is over."
    )
    back = Story(told.repo).merged().staged().asks(facts=facts, kind="rollback")
    assert events(clicks.approve(click(back)))


def test_a_thread_that_only_locked_has_nothing_to_stop() -> None:
    told = Story().began_by_command().locks("backend")
    assert "nothing to stop" in sentence(thread_clicks.stop(click(told)))


def test_a_second_approval_hears_who_was_first() -> None:
    told = story().approves(BOB)
    assert sentence(clicks.approve(click(told))).startswith("Too late: <@U02BOB> approved this")


def test_a_late_approval_hears_who_rejected_it() -> None:
    told = story().then(ev.ApprovalRejected(call_id="c1", user=BOB))
    answer = sentence(clicks.approve(click(told)))
    assert answer.startswith("Too late: <@U02BOB> rejected this already, <!date^1800000")


def test_a_late_approval_hears_that_the_card_expired() -> None:
    told = story().then(ev.ApprovalExpired(call_id="c1", reason="nobody decided in time"))
    answer = sentence(clicks.approve(click(told)))
    assert "expired" in answer
    assert "(nobody decided in time). Ask for it again." in answer


def test_a_card_expires_by_the_logs_clock() -> None:
    told = story()
    late = replace(click(told), now=told.state.cards["c1"].request.spec.expires_at)
    assert sentence(clicks.approve(late)).startswith("Too late: this card expired")


def test_a_late_approval_hears_that_the_thread_was_stopped() -> None:
    told = story().then(ev.StopRequested(user=ALICE))
    assert sentence(clicks.approve(click(told))).startswith("Too late: <@U01ALICE> stopped this")


def test_a_late_approval_hears_that_the_plan_changed() -> None:
    told = story().then(ev.ApprovalSuperseded(call_id="c1", user=ALICE))
    answer = sentence(clicks.approve(click(told)))
    assert answer.startswith("Too late: <@U01ALICE>'s message changed the plan")


def test_a_held_card_is_not_approved() -> None:
    answer = sentence(clicks.approve(click(hears(story()))))
    assert answer == (
        "I am reading <@U01ALICE>'s message. Wait for my answer: it may change the plan."
    )


def test_a_card_held_by_a_silent_model_says_so() -> None:
    answer = sentence(clicks.approve(click(hears(story()).then(DOWN))))
    assert "The model is away" in answer
    assert "*Release*" in answer


def test_a_target_on_hold_is_not_approved() -> None:
    assert sentence(clicks.approve(click(story(), facts=HELD))) == (
        "backend is on hold since 1111111 was rolled back. An approver has to release it first."
    )


def test_new_rules_need_a_new_card() -> None:
    told = story()
    told.repo = repo_config(people={}, approvals_needed=2)
    assert "rules for approvals have changed" in sentence(clicks.approve(click(told)))


def test_changed_bytes_are_not_approved() -> None:
    told = story()
    state = told.state
    request = state.cards["c1"].request
    spec = request.spec.model_copy(update={"sha": OLD})
    state.cards["c1"].request = request.model_copy(update={"spec": spec})
    assert "not what this card shows" in sentence(clicks.approve(replace(click(told), state=state)))


def test_a_card_of_another_thread_is_not_approved() -> None:
    told = story()
    state = told.state
    state.channel = "C09OTHER"
    assert sentence(clicks.approve(replace(click(told), state=state))) == (
        "This card belongs to another thread."
    )


def test_an_unknown_card_is_said_to_be_unknown() -> None:
    assert sentence(clicks.approve(click(story(), call_id="c9"))) == (
        "I do not know this card any more."
    )


# Reject.


def test_a_bare_reject_asks_what_else() -> None:
    rejected, asked = events(clicks.reject(click(story(), ALICE)))
    assert rejected == ev.ApprovalRejected(call_id="c1", user=ALICE)
    assert isinstance(asked, ev.BotSaid)
    assert (asked.text, asked.because) == ("What should I do instead?", "question")


def test_a_reject_with_words_carries_them() -> None:
    told = replace(click(story()), text="backend first")
    (rejected,) = events(clicks.reject(told))
    assert rejected == ev.ApprovalRejected(call_id="c1", user=CARA, text="backend first")


def test_a_bare_reject_does_not_drop_unread_words() -> None:
    assert len(events(clicks.reject(click(hears(story()))))) == 1


def test_who_approved_already_hears_what_became_of_it() -> None:
    told = story().approves(CARA)
    assert again(told) == "You approved this already; it is under way."
    waits = again(story().approves(CARA).then(LOCKED))
    assert waits == "You approved this already; it begins by itself as soon as it can."
    over = told.starts("p1", "production", call_id="c1").ends("p1")
    assert again(over).startswith("You approved this already, <!date^")


def again(told: Story) -> str:
    """Return what cara hears who approves once more."""
    return sentence(clicks.approve(click(told)))


def test_a_late_reject_hears_who_approved() -> None:
    assert sentence(clicks.reject(click(story().approves(BOB)))).startswith(
        "Too late: <@U02BOB> approved"
    )


# Release.


def test_an_approver_releases_a_card_from_a_silent_model() -> None:
    told = hears(story()).then(DOWN)
    assert events(clicks.release(click(told))) == [ev.ApprovalReleased(call_id="c1", user=CARA)]


def test_a_working_model_is_waited_for() -> None:
    assert "released with my answer" in sentence(clicks.release(click(hears(story()))))


def test_an_approver_releases_a_hold() -> None:
    decision = clicks.release(click(story(), facts=HELD))
    assert events(decision) == [ev.HoldReleased(service="backend", user=CARA)]


def test_the_bad_commit_itself_stays_on_hold() -> None:
    held = {"hold/backend": HELD["hold/backend"].replace(OLD, NEW)}
    assert "this very commit" in sentence(clicks.release(click(story(), facts=held)))


def test_only_approvers_release() -> None:
    answer = sentence(clicks.release(click(story(), ALICE, facts=HELD)))
    assert answer.startswith("You are not an approver")


def test_a_card_that_nothing_holds_is_said_to_be_free() -> None:
    assert sentence(clicks.release(click(story()))) == "Nothing holds this card any more."


# Ask again.


def test_an_expired_card_is_asked_for_again() -> None:
    told = story().then(ev.ApprovalExpired(call_id="c1", reason="late"))
    assert events(clicks.ask_again(click(told, ALICE))) == [ev.AskedAgain(call_id="c1", user=ALICE)]


def test_asking_again_continues_a_stopped_thread() -> None:
    told = story().then(ev.StopRequested(user=BOB))
    assert [e.type for e in events(clicks.ask_again(click(told)))] == ["continued", "asked_again"]


def test_asking_twice_hears_who_was_first() -> None:
    told = story().then(
        ev.ApprovalExpired(call_id="c1", reason="late"), ev.AskedAgain(call_id="c1", user=BOB)
    )
    assert sentence(clicks.ask_again(click(told))) == "<@U02BOB> asked for it already."


def test_an_open_card_is_not_asked_for_again() -> None:
    assert "still open" in sentence(clicks.ask_again(click(story())))


def test_a_rejected_card_is_not_asked_for_again() -> None:
    told = story().then(ev.ApprovalRejected(call_id="c1", user=BOB))
    assert "rejected this" in sentence(clicks.ask_again(click(told)))


def test_asking_again_waits_for_another_card() -> None:
    told = story().then(ev.ApprovalExpired(call_id="c1", reason="late")).asks("c2")
    assert "Another card waits" in sentence(clicks.ask_again(click(told)))


# Stop, retry, roll back, choose.


def test_anyone_stops() -> None:
    assert events(thread_clicks.stop(click(story(), ALICE, ""))) == [ev.StopRequested(user=ALICE)]


def test_a_second_stop_hears_who_was_first() -> None:
    told = story().then(ev.StopRequested(user=BOB))
    assert sentence(thread_clicks.stop(click(told))) == "<@U02BOB> stopped this thread already."


def test_a_finished_thread_has_nothing_to_stop() -> None:
    told = Story().merged().staged().then(ev.PlanEnded(call_id="c2", message="done"))
    assert "nothing to stop" in sentence(thread_clicks.stop(click(told)))


def failed_at(step: str) -> Story:
    """Fail staging at its deploy or at its tests."""
    told = Story().merged().starts("s1", service="frontend")
    if step == "e2e":
        told.ends("s1").starts("s2", kind="e2e").ends("s2", "failed")
    else:
        told.ends("s1", "failed")
    return told.then(ev.StagingEnded(sha=NEW, passed=False, summary="red"))


def test_all_of_staging_is_retried() -> None:
    asked = replace(click(failed_at("deploy")), text="all")
    (again,) = events(thread_clicks.retry(asked))
    assert again == ev.StagingRequested(sha=NEW, scope="all", user=CARA)


def test_only_the_e2e_tests_are_retried() -> None:
    asked = replace(click(failed_at("e2e")), text="e2e")
    (again,) = events(thread_clicks.retry(asked))
    assert again == ev.StagingRequested(sha=NEW, scope="e2e", user=CARA)


def test_tests_that_were_not_reached_are_not_retried_alone() -> None:
    asked = replace(click(failed_at("deploy")), text="e2e")
    assert "were not reached" in sentence(thread_clicks.retry(asked))


def test_a_retry_continues_a_stopped_thread() -> None:
    stopped = ev.StagingEnded(sha="4af9ec0", passed=False, summary="stopped")
    told = Story().merged().then(ev.StopRequested(user=BOB), stopped)
    assert [e.type for e in events(thread_clicks.retry(click(told)))] == ["continued"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Story().merged(), "Staging is already running again."),
        (Story().merged().staged(), "Staging has passed for 4af9ec0"),
        (Story().mentioned(), "has not been through staging"),
    ],
)
def test_a_retry_needs_a_failure(told: Story, why: str) -> None:
    assert why in sentence(thread_clicks.retry(click(told)))


def shipped() -> Story:
    """Ship the backend and end the plan."""
    told = Story(repo_config(people={})).merged().staged().ships()
    return told.then(ev.PlanEnded(call_id="c2", message="done"))


def test_anyone_calls_the_rollback_agent() -> None:
    assert events(thread_clicks.rollback(click(shipped(), ALICE))) == [
        ev.RollbackOpened(user=ALICE)
    ]


def test_a_second_rollback_is_already_under_way() -> None:
    told = shipped().then(ev.RollbackOpened(user=BOB))
    assert (
        sentence(thread_clicks.rollback(click(told))) == "The rollback is already being prepared."
    )


def test_a_thread_that_shipped_nothing_rolls_nothing_back() -> None:
    assert "nothing on production" in sentence(thread_clicks.rollback(click(story())))


def test_a_rollback_waits_for_what_runs() -> None:
    told = shipped().starts("e1", "production", kind="e2e")
    assert sentence(thread_clicks.rollback(click(told))) == (
        "Wait: e2e of the e2e tests is running on production."
    )


def asked() -> Story:
    """Ask a question with two choices."""
    question = ev.BotSaid(
        call_id="q1", text="Which?", because="question", choices=("backend", "frontend")
    )
    return Story().mentioned().then(question)


def test_a_choice_is_said() -> None:
    chosen = replace(click(asked(), ALICE, "q1"), text="1")
    assert events(thread_clicks.choose(chosen)) == [ev.HumanSaid(user=ALICE, text="frontend")]


def test_an_answered_question_takes_no_second_choice() -> None:
    chosen = replace(click(hears(asked()), ALICE, "q1"), text="1")
    assert "answered already" in sentence(thread_clicks.choose(chosen))


def test_an_unknown_choice_is_refused() -> None:
    chosen = replace(click(asked(), ALICE, "q1"), text="7")
    assert sentence(thread_clicks.choose(chosen)) == "I do not know this question any more."


# Effects of which nobody knows.


def unknown() -> Story:
    """Lose the outcome of a deploy."""
    told = story().approves(BOB).starts("p1", "production", call_id="c1")
    return told.ends("p1", "unknown")


@pytest.mark.parametrize(
    ("decide", "truth"), [(thread_clicks.happened, True), (thread_clicks.did_not_happen, False)]
)
def test_an_approver_states_what_happened(decide: Callable[[Click], Decision], truth: bool) -> None:
    later = replace(click(unknown()), now=unknown().now + 120_000)
    shown = later.state.cards["c1"].request.spec_hash
    stated = ev.OutcomeStated(attempt_id="p1", happened=truth, user=CARA, spec_hash=shown)
    assert events(decide(later)) == [stated]


def test_only_approvers_state_what_happened() -> None:
    assert "not an approver" in sentence(thread_clicks.happened(click(unknown(), ALICE)))


def test_what_may_still_arrive_is_not_said_to_have_failed() -> None:
    assert "may still be on its way until <!date" in sentence(
        thread_clicks.did_not_happen(click(unknown()))
    )


def test_a_known_outcome_is_told() -> None:
    told = unknown().then(ev.OutcomeStated(attempt_id="p1", happened=True, user=BOB))
    assert sentence(thread_clicks.happened(click(told))) == (
        "Its outcome is known: it happened, says <@U02BOB>."
    )


# Words.


def test_stop_is_done_by_code() -> None:
    assert events(said(story().state, ALICE, "Stop!", "1.1")) == [ev.StopRequested(user=ALICE)]


def test_continue_takes_up_a_stopped_thread() -> None:
    told = story().then(ev.StopRequested(user=BOB))
    assert events(said(told.state, ALICE, "continue", "1.1")) == [ev.Continued(user=ALICE)]


def test_continue_in_a_running_thread_is_for_the_agent() -> None:
    assert events(said(story().state, ALICE, "continue", "1.1"))[0].type == "human_said"


@pytest.mark.parametrize("text", ["ship it", "approved", "LGTM!"])
def test_words_that_approve_point_at_the_button(text: str) -> None:
    assert "Only the button approves" in sentence(said(story().state, BOB, text, "1.1"))


def test_yes_answers_an_open_question() -> None:
    told = story().then(ev.BotSaid(call_id="q1", text="Sure?", because="question"))
    assert events(said(told.state, BOB, "yes", "1.1"))[0].type == "human_said"


def test_everything_else_is_for_the_agent() -> None:
    words = ev.HumanSaid(user=ALICE, text="why frontend first?", ts="1.1")
    assert events(said(story().state, ALICE, "why frontend first?", "1.1")) == [words]


def test_the_services_of_a_card_name_whose_approvers_are_asked() -> None:
    assert clicks.services_of(story().state, "c1") == ("backend",)
    assert clicks.services_of(story().state, "c9") == ()
    assert story().state.thread_id == THREAD
