"""What the offline planner makes of words that it does not understand, and of an open question."""

from typing import Any

import pytest

from app.core import events as ev
from app.core.fold import fold
from app.core.ports import Turn
from app.model import offline_replies as say
from app.model.eval_situations import SITUATIONS
from app.model.eval_thread import SHA, WAS, Thread
from app.model.offline import NAME, next_step
from app.model.offline_words import hear
from tools import schemas

CARD = "a card waits for frontend"
FRONTEND = "deploy_frontend_to_prod"
BACKEND = "deploy_backend_to_prod"
ASKS = "request_more_information"


def _situation(name: str, *words: str) -> Thread:
    thread = Thread()
    SITUATIONS[name](thread, list(words))
    return thread


def _step(thread: Thread) -> tuple[str, dict[str, Any]]:
    state = fold(thread.entries)
    repo = thread.repo
    step = next_step(Turn(state, repo, schemas(state, repo), thread.entries, thread.now))
    return step.tool, dict(step.arguments)


def _talks(thread: Thread, *words: str, by: str = NAME) -> str:
    """Let a person write, and the planner do what it answers; return the tool."""
    thread.said(*words)
    tool, arguments = _step(thread)
    call_id = f"t{len(thread.entries)}"
    proposed = ev.ToolProposed(call_id=call_id, tool=tool, arguments=arguments, by=by)
    thread.add(proposed, *_done(thread, tool, arguments, call_id))
    return tool


def _done(thread: Thread, tool: str, arguments: dict[str, Any], call_id: str) -> list[ev.Event]:
    if tool == "ignore":
        return [ev.Ignored(call_id=call_id, reason=arguments["reason"])]
    if tool == "reply":
        return [ev.BotSaid(call_id=call_id, text=arguments["message"], because="reply")]
    if tool == "tell_facts":
        return [ev.AnswerTold(call_id=call_id, title="On production:")]
    assert tool == ASKS
    asked = ev.BotSaid(
        call_id=call_id,
        text=arguments["question"],
        because="question",
        choices=tuple(arguments["choices"]),
    )
    return [asked]


def _answered(thread: Thread, words: str, event: ev.Event, by: str) -> None:
    """Let a person write, and a model of that name answer with an event."""
    thread.said(words)
    thread.add(ev.ToolProposed(call_id="m1", tool="reply", arguments={}, by=by), event)


# Words beside a card.


@pytest.mark.parametrize(
    "words",
    [
        "I am off to the dentist",
        "haha, the cat is on the keyboard",
        "<@U02BOB> lunch at 12?",
        "happy birthday dan :cake:",
        "ich hole mir einen Kaffee",
    ],
)
def test_chat_beside_a_card_is_let_pass(words: str) -> None:
    assert _step(_situation(CARD, words))[0] == "ignore"


def test_an_off_topic_question_is_answered_once_and_keeps_the_card() -> None:
    thread = _situation(CARD)
    lunch = "anyone up for lunch at 12?"
    assert _talks(thread, lunch) == "reply"
    assert [_talks(thread, lunch), _talks(thread, "who likes pizza?")] == ["ignore", "ignore"]
    assert fold(thread.entries).pending is not None


def test_after_understood_words_an_off_topic_question_is_answered_again() -> None:
    thread = _situation(CARD)
    answers = [_talks(thread, w) for w in ("pizza anyone?", "what is on production?", "pizza?")]
    assert answers == ["reply", "tell_facts", "reply"]


@pytest.mark.parametrize(
    "words",
    [
        "don't deploy",
        "please don't",
        "I would not do that",
        "nope",
        "nicht deployen",
        "nein",
        "bitte nicht",
        "halt, warte!",
        "arrêtez",
        "arrêt",
        "pas maintenant",
        "espera un poco",
        "nej tack",
        "стоп",
        "やめて",
        "不要",
        "\U0001f6d1",
        ":-1:",
        "d\u200bon\u2019t",
        "\uff4e\uff4f",
        "after lunch",
        "that looks wrong",
        "bob says the front-end is haunted",
        "what about 1a2b3c4",
        "tomorrow maybe",
        "kill it",
        "the checkout is broken",
    ],
)
def test_what_may_be_an_objection_never_stays_beside_a_card(words: str) -> None:
    assert _step(_situation(CARD, words))[0] == ASKS


@pytest.mark.parametrize("words", ["wait", "not yet", "stop here"])
def test_words_that_hold_back_take_the_card_away(words: str) -> None:
    assert _step(_situation(CARD, words))[0] in ("wait_for", "done_for_now", ASKS)


def test_chat_and_an_objection_together_are_an_objection() -> None:
    assert _step(_situation(CARD, "lunch?", "nein, lieber morgen"))[0] == ASKS


def test_chat_does_not_end_a_wait() -> None:
    tool, _ = _step(_situation("an hour's wait has begun", "pizza anyone?"))
    assert tool == "ignore"


def test_chat_during_a_deploy_is_no_question_after_it() -> None:
    thread = _situation("frontend is being deployed")
    assert _talks(thread, "I am off to the dentist") == "ignore"
    thread.add(ev.ToolEnded(attempt_id="attempt1", outcome="succeeded", summary="done"))
    thread.running["frontend"] = SHA
    thread.fetched()
    assert _step(thread)[0] == BACKEND


# An open question.


def test_the_same_question_is_not_asked_twice_in_a_row() -> None:
    thread = _situation(CARD)
    words = "not like this", "I said not like this", "hello?", "no!"
    assert [_talks(thread, w) for w in words] == [ASKS, "reply", "ignore", "ignore"]
    replies = [s.text for s in fold(thread.entries).says if s.because == "reply"]
    assert replies[0].startswith("I still did not understand")
    assert '"stop here"' in replies[0]


def test_after_a_new_card_an_objection_asks_again() -> None:
    thread = _situation(CARD)
    assert _talks(thread, "not like this") == ASKS
    thread.said("backend first")
    thread.card(BACKEND)
    assert _talks(thread, "not like this") == ASKS


def test_an_approval_of_an_open_question_is_no_repeated_question() -> None:
    thread = _situation(CARD)
    _talks(thread, "not like this")
    thread.said("ship it")
    assert _step(thread) == ("reply", {"message": say.HELD})


def test_a_bare_rejection_is_spoken_of_as_people_do() -> None:
    thread = _situation("the card for frontend was rejected without words", "ship it")
    tool, arguments = _step(thread)
    assert tool == ASKS
    assert arguments["question"] == "The frontend was rejected. Shall I propose it again?"
    assert arguments["choices"] == ["again", "deploy backend", "stop here"]


@pytest.mark.parametrize(
    ("answer", "tool"),
    [("again", FRONTEND), ("yes", FRONTEND), ("deploy backend", BACKEND)],
)
def test_every_answer_to_a_rejection_works(answer: str, tool: str) -> None:
    thread = _situation("the card for frontend was rejected without words")
    assert _talks(thread, "ship it") == ASKS
    thread.said(answer)
    assert _step(thread)[0] == tool


@pytest.mark.parametrize(
    ("words", "services"),
    [
        ("revert that", ()),
        ("please roll back to the previous version", ()),
        ("roll back the backend to the last good version", ("backend",)),
        ("take it back to how it was", ()),
    ],
)
def test_the_version_before_is_what_a_rollback_goes_to(
    words: str, services: tuple[str, ...]
) -> None:
    heard = hear(words, ("frontend", "backend"), "deploy")
    assert (heard.kind, heard.services, heard.sha) == ("rollback", services, "")


@pytest.mark.parametrize("words", ["do not revert that", "roll back to main"])
def test_what_may_not_mean_the_version_before_is_asked_about(words: str) -> None:
    assert hear(words, ("frontend", "backend"), "deploy").kind == "unclear"


def test_a_rejected_rollback_can_be_proposed_again() -> None:
    thread = _situation("red after everything was shipped")
    call_id = thread.card("rollback_backend_in_prod", WAS)
    thread.add(ev.ApprovalRejected(call_id=call_id, user="U02BOB"))
    thread.said("ok")
    tool, arguments = _step(thread)
    assert arguments["question"].startswith("The rollback of backend was rejected.")
    assert "again" in arguments["choices"]
    assert hear("again", thread.services, "rollback").kind == "again"
    assert tool == ASKS


# Where only words can be answered.


def _stopped() -> Thread:
    thread = _situation(CARD)
    thread.add(ev.StopRequested(user="U03CARA"))
    return thread


def test_after_a_stop_it_does_not_speak_of_what_is_running() -> None:
    thread = _stopped()
    thread.said("cancel that")
    tool, arguments = _step(thread)
    assert tool == "reply"
    assert "running" not in arguments["message"]
    assert '"continue"' in arguments["message"]


def test_a_wish_after_a_stop_is_kept_for_when_somebody_continues() -> None:
    thread = _stopped()
    assert _talks(thread, "backend first") == "reply"
    assert "running" not in fold(thread.entries).says[-1].text
    thread.add(ev.Continued(user="U03CARA"))
    assert _step(thread)[0] == BACKEND


def test_continue_takes_up_the_plan_whatever_was_not_understood_before() -> None:
    thread = _stopped()
    assert _talks(thread, "cancel that") == "reply"
    thread.add(ev.Continued(user="U03CARA"))
    thread.fetched()
    assert _step(thread)[0] == FRONTEND


def test_during_a_deploy_it_promises_to_ask_and_does() -> None:
    thread = _situation("frontend is being deployed")
    assert _talks(thread, "cancel that") == "reply"
    assert "when what is running now has ended" in fold(thread.entries).says[-1].text
    thread.add(ev.ToolEnded(attempt_id="attempt1", outcome="succeeded", summary="done"))
    thread.fetched()
    assert _step(thread)[0] == ASKS


def test_during_the_last_tests_it_promises_nothing() -> None:
    thread = _situation("everything was shipped")
    thread.add(ev.PlanEnded(call_id="done1", message="Done."))
    thread.said("not like this")
    tool, arguments = _step(thread)
    assert tool == "reply"
    assert "I ask again" not in arguments["message"]


# Reasons on cards.


def test_the_reason_of_a_card_repeats_nothing() -> None:
    _, arguments = _step(_situation("staging is green"))
    assert arguments["reason"] == ""
    _, arguments = _step(_situation(CARD, "backend first"))
    assert arguments["reason"] == "As asked for in this thread: backend first."


def test_a_rollback_by_button_with_green_tests_says_who_asked() -> None:
    thread = _situation("finished and green")
    thread.add(ev.RollbackOpened(user="U03CARA"))
    _, arguments = _step(thread)
    assert arguments["reason"] == "Asked for with the Roll back button."


def test_a_rollback_of_red_tests_names_them() -> None:
    _, arguments = _step(_situation("red after everything was shipped"))
    assert arguments["reason"].startswith("Failing on production: test_checkout")


def test_a_rollback_of_red_tests_without_names_says_that_they_are_red() -> None:
    thread = _situation("everything was shipped")
    thread.add(ev.VerificationEnded(passed=False, versions={}), ev.RollbackOpened())
    thread.fetched()
    _, arguments = _step(thread)
    assert arguments["reason"] == "Production tests are red."


# Standing in for a model.


@pytest.mark.parametrize(
    "event",
    [
        ev.BotSaid(call_id="m1", text="Verstanden.", because="reply"),
        ev.Ignored(call_id="m1", reason="chat"),
    ],
)
def test_words_that_a_model_answered_do_not_count_as_not_understood(event: ev.Event) -> None:
    thread = _situation("backend was shipped first")
    _answered(thread, "wer schaut nachher nicht aufs Frontend?", event, "gpt")
    assert _step(thread)[0] == FRONTEND


def test_a_plan_that_a_model_made_of_words_is_asked_about_and_not_guessed_at() -> None:
    thread = _situation(CARD, "bitte nur das Backend")
    thread.add(ev.ApprovalSuperseded(call_id="call1", user="U03CARA"))
    thread.ran(BACKEND)
    tool, arguments = _step(thread)
    assert tool == ASKS
    assert "understand" not in arguments["question"]
