"""What a click hears that comes at the wrong moment."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.core import clicks, thread_clicks
from app.core import events as ev
from app.core.clicks import Click, Decision
from tests.core.test_clicks import HELD, click, hears, sentence, shipped, story, unknown
from tests.story import ALICE, NEW, Story, repo_config


@pytest.mark.parametrize("decide", [clicks.release, clicks.ask_again])
def test_a_card_that_is_not_there(decide: Callable[[Click], Decision]) -> None:
    assert "do not know" in sentence(decide(click(story(), call_id="c9")))


def test_a_retry_while_something_runs() -> None:
    told = Story().merged().starts("s-1").ends("s-1", "failed")
    told.then(ev.StagingEnded(sha=NEW, passed=False, summary="red")).starts("s-2")
    assert sentence(thread_clicks.retry(click(told))).startswith(
        "Wait: deploy of backend is running"
    )


def test_a_rollback_of_what_nobody_knows_is_for_approvers() -> None:
    assert "not an approver" in sentence(thread_clicks.rollback(click(unknown(), ALICE)))


def test_a_card_beside_an_event_of_a_newer_version() -> None:
    told = story().then(ev.UnknownEvent(type="from_the_future"))
    assert "newer version" in sentence(clicks.approve(click(told)))


def test_a_card_held_by_words_that_meant_nothing() -> None:
    told = hears(story()).then(ev.BotSaid(call_id="b", text="What?", because="stuck"))
    assert "I could make nothing of <@U01ALICE>'s message" in sentence(clicks.approve(click(told)))


def test_asking_again_beside_an_unknown_outcome() -> None:
    told = Story(repo_config(people={})).merged().staged().asks("c1", "frontend")
    told.then(ev.ApprovalExpired(call_id="c1", reason="late")).asks("c2").approves(call_id="c2")
    told.starts("p-1", "production", call_id="c2").ends("p-1", "unknown")
    said = sentence(clicks.ask_again(click(told, call_id="c1")))
    assert said == "Say first what became of backend: nobody knows."


def test_a_rollback_while_staging_is_tested_again() -> None:
    told = shipped().then(ev.StagingRequested(sha=NEW, scope="all"))
    assert sentence(thread_clicks.rollback(click(told))) == "Wait: staging is running."


@pytest.mark.parametrize("decide", [thread_clicks.happened, thread_clicks.did_not_happen])
def test_an_effect_that_is_not_there(decide: Callable[[Click], Decision]) -> None:
    assert sentence(decide(click(story()))) == "I do not know this effect any more."


def test_an_effect_that_still_runs() -> None:
    told = story().approves().starts("p1", "production", call_id="c1")
    assert sentence(thread_clicks.happened(click(told))).startswith("It is still running")


def test_a_held_card_is_approved_by_nobody_until_it_is_released() -> None:
    held = replace(click(story()), facts=HELD)
    assert "has to release it first" in sentence(clicks.approve(held))
