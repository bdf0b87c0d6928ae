"""What comes next in a thread, where a whole thread in a box does not easily get to."""

from app.core import events as ev
from app.core.actions import Append, FetchFacts, Start, Wait
from app.core.decide import decide
from app.core.lanes import key, stage_of
from app.core.lanes import told as lane_fact
from tests.story import BOB, NEW, OLD, Story

RED = ("t.pay",)


def next_of(told: Story, later: int = 0) -> object:
    state = told.state
    stage = stage_of(state, told.repo)
    facts = {key(state.thread_id): lane_fact(state, stage)} if stage else {}
    return decide(state, told.repo, told.now + later, facts)


def types_of(action: object) -> list[str]:
    assert isinstance(action, Append), action
    return [event.type for event in action.events]


def red(told: Story, *names: str) -> Story:
    for name in names:
        told.starts(name, "production", kind="e2e").ends(name, "failed", failing_tests=RED)
    return told


def rolled_back() -> Story:
    """Ship, find production red, and roll back."""
    told = Story().merged().staged().ships().then(ev.PlanEnded(call_id="e", message="done"))
    red(told, "e-1", "e-2").then(
        ev.VerificationEnded(passed=False, versions={"backend": NEW}, failing_tests=RED),
        ev.RollbackOpened(),
    )
    told.asks("c2", kind="rollback", sha=OLD, was=NEW).approves(call_id="c2")
    told.starts("r-1", "production", kind="rollback", call_id="c2").ends("r-1")
    return told.then(
        ev.HoldPlaced(service="backend", bad_sha=NEW), ev.PlanEnded(call_id="e2", message="done")
    )


def test_red_tests_after_a_rollback_are_for_a_person() -> None:
    action = next_of(red(rolled_back(), "e-3", "e-4"))
    assert types_of(action) == ["verification_ended", "bot_said"]


def test_red_tests_that_somebody_asked_for_call_no_rollback() -> None:
    told = Story().mentioned().then(ev.FactsFetched(running=(running(OLD),)))
    told.then(ev.VerificationRequested(call_id="v"))
    assert isinstance(next_of(told), Start)
    assert types_of(next_of(red(told, "e-1", "e-2"))) == ["verification_ended"]


def test_tests_of_a_production_that_nobody_knows_are_not_started() -> None:
    told = Story().mentioned().then(ev.FactsFetched(running=(running(None),)))
    told.then(ev.VerificationRequested(call_id="v"))
    assert not isinstance(next_of(told), Start)


def running(sha: str | None) -> ev.Running:
    return ev.Running(service="backend", sha=sha, source="recorded" if sha else "unknown")


def test_staging_that_never_got_its_lock_gives_none_back() -> None:
    told = Story().merged().starts("s-1", service="frontend").ends("s-1", "failed", "no")
    assert types_of(next_of(told)) == ["staging_ended"]


def test_staging_that_waits_for_nothing_keeps_its_lock() -> None:
    told = Story().merged()
    attempt = ev.Attempt(
        attempt_id="s-1",
        kind="deploy",
        repo=told.repo.name,
        environment="staging",
        service="frontend",
        sha=NEW,
        deployer="command",
        arguments={},
    )
    started = ev.ToolStarted(attempt=attempt, call_id=None, fence=1, locks=("staging",), send_by=0)
    told.then(started).ends("s-1")
    action = next_of(told)
    assert isinstance(action, Start)
    assert action.service == "backend"


def test_a_wait_ends_when_its_time_is_there() -> None:
    told = (
        Story()
        .mentioned()
        .then(
            ev.FactsFetched(),
            ev.WaitStarted(call_id="w", until=Story().now + 60_000, reason="lunch"),
        )
    )
    assert next_of(told) == Wait(Story().now + 60_000)
    assert types_of(next_of(told, later=60_000)) == ["wait_ended"]


def test_a_model_that_is_down_is_asked_again_at_its_time() -> None:
    told = Story().mentioned().then(ev.FactsFetched())
    told.then(ev.ModelDown(message="no answer", retry_at=told.now + 60_000))
    assert next_of(told) == Wait(told.now - 1000 + 60_000)
    assert not isinstance(next_of(told, later=60_000), Wait)


def test_facts_are_fetched_before_the_model_is_asked() -> None:
    assert next_of(Story().mentioned()) == FetchFacts()


def test_an_event_about_what_nobody_began_is_left_to_a_newer_version() -> None:
    told = Story().merged().then(ev.ToolSent(attempt_id="nobody's"))
    assert told.state.newer == ["tool_sent"]
    assert isinstance(next_of(told), Wait)


def test_a_mention_of_a_commit_begins_no_staging() -> None:
    started = Story().merged().entries[0].event
    assert isinstance(started, ev.ThreadStarted)
    told = Story().then(started.model_copy(update={"origin": "mention", "asked_by": BOB}))
    assert told.state.staging is None
    assert NEW in told.state.known


def test_what_ends_without_having_begun_changes_no_staging() -> None:
    told = Story().mentioned().then(ev.StagingEnded(sha=NEW, passed=True, summary="green"))
    assert told.state.staging is None


def test_a_released_hold_of_another_service_changes_no_card() -> None:
    told = Story().merged().staged().asks().then(ev.HoldReleased(service="frontend", user=BOB))
    assert told.state.cards["c1"].holds_released == {}


def test_a_note_leaves_the_plan_as_it_is() -> None:
    told = Story().merged().staged()
    before = told.state
    told.then(ev.BotSaid(call_id="n", text="by the way", because="note"))
    assert (told.state.turn_due, told.state.steps) == (before.turn_due, before.steps)


def test_a_run_outside_of_staging_and_cards_is_only_noted() -> None:
    told = Story().mentioned().starts("s-1")
    assert told.state.running is not None
    assert told.state.staging is None


def test_a_rollback_of_what_another_thread_shipped_puts_that_on_hold() -> None:
    told = Story().mentioned().asks(kind="rollback", sha=OLD, was=NEW).approves()
    told.starts("r-1", "production", kind="rollback", call_id="c1").ends("r-1")
    assert told.state.holds_due == [("backend", NEW)]


def test_a_released_card_is_held_by_nobody() -> None:
    told = Story().merged().staged().asks().then(ev.HumanSaid(user=BOB, text="why?"))
    assert told.state.held_by == BOB
    told.then(ev.ApprovalReleased(call_id="c1", user=BOB))
    assert told.state.held_by is None
