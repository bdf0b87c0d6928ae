"""The offline planner in threads built from events: what it proposes, remembers and refuses."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import events as ev
from app.core.fold import fold
from app.core.ports import Turn
from app.model import offline_replies as say
from app.model.eval_situations import SITUATIONS
from app.model.eval_thread import OTHER, SHA, WAS, Thread
from app.model.evals import load_cases
from app.model.offline import OfflinePlanner, next_step
from app.model.offline_words import hear
from tools import schemas

FRONTEND = ("deploy_frontend_to_prod", SHA)
BACKEND = ("deploy_backend_to_prod", SHA)


def _turn(thread: Thread) -> Turn:
    state = fold(thread.entries)
    return Turn(state, thread.repo, schemas(state, thread.repo), thread.entries, thread.now)


def _step(thread: Thread) -> tuple[str, dict[str, Any]]:
    step = next_step(_turn(thread))
    return step.tool, dict(step.arguments)


def _proposal(thread: Thread) -> tuple[str, str]:
    tool, arguments = _step(thread)
    return tool, arguments["sha"]


def _situation(name: str, *words: str, services: tuple[str, ...] = ()) -> Thread:
    thread = Thread(services or ("frontend", "backend"))
    SITUATIONS[name](thread, list(words))
    return thread


async def test_it_names_itself() -> None:
    answer = await OfflinePlanner().next_step(_turn(_situation("staging is green")))
    assert (answer.tool, answer.by) == (FRONTEND[0], "offline planner")


@pytest.mark.parametrize(
    "words",
    [
        "why is backend blocked?",
        "Why is the backend still locked?",
        "is it frozen?",
        "who locked the backend?",
        "what's blocking backend",
        "what is locked?",
        "until when is the backend locked",
        "locks",
    ],
)
def test_it_has_code_say_who_keeps_a_service_as_it_is_and_why(words: str) -> None:
    thread = _situation("a card waits for backend, which bob has locked", words)
    of = "backend" if "backend" in words else ""
    assert _step(thread) == ("tell_facts", {"about": "blocked", "of": of})


@pytest.mark.parametrize(
    ("words", "about", "of"),
    [
        ("what is on production?", "production", ""),
        ("what does the backend run?", "production", "backend"),
        ("what version of the frontend runs on production?", "production", "frontend"),
        ("what went out?", "went_out", ""),
        ("What went out today?", "went_out", "today"),
        ("what was deployed to prod on Monday?", "went_out", "monday"),
        ("what have we released this week", "went_out", "this week"),
        ("has anything gone live today?", "went_out", "today"),
        ("today's deploys", "went_out", "today"),
        ("show me the deploys of 2026-11-30", "went_out", "2026-11-30"),
        ("who approved the last one?", "last_approval", ""),
        ("who approved the backend last?", "last_approval", "backend"),
        ("who approved 4af9ec0?", "commit", SHA),
        ("when was 4af9ec0 deployed?", "commit", SHA),
        ("is 4af9ec0 live yet?", "commit", SHA),
        ("what's waiting?", "waiting", ""),
        ("what are we waiting for", "waiting", ""),
    ],
)
def test_it_has_code_answer_questions_about_the_day(words: str, about: str, of: str) -> None:
    for situation in ("a card waits for frontend", "a mention with these words"):
        assert _step(_situation(situation, words)) == ("tell_facts", {"about": about, "of": of})


def test_it_does_not_know_when_an_unknown_commit_went_out() -> None:
    tool, arguments = _step(_situation("a card waits for frontend", "when did fffff11 go out?"))
    assert tool == "reply"
    assert arguments["message"].startswith("I know no single commit fffff11 here.")


def test_the_feedback_of_a_rejection_holds_until_everything_is_shipped() -> None:
    thread = _situation("staging is green")
    assert _proposal(thread) == FRONTEND
    thread.rejected(thread.card(FRONTEND[0]), "can you deploy the backend first?")
    assert _proposal(thread) == BACKEND
    thread.ran(BACKEND[0])
    assert _proposal(thread) == FRONTEND
    thread.ran(FRONTEND[0])
    tool, arguments = _step(thread)
    assert tool == "done_for_now"
    assert "backend 4af9ec0, frontend 4af9ec0" in arguments["message"]


def test_only_one_service_ends_the_plan_after_it() -> None:
    thread = _situation("the card for frontend was rejected with these words", "only the backend")
    assert _proposal(thread) == BACKEND
    thread.ran(BACKEND[0])
    tool, arguments = _step(thread)
    assert tool == "done_for_now"
    assert "frontend stays at 9f8e7d6" in arguments["message"]


def test_an_order_of_three_services_holds_to_the_end() -> None:
    words = "deploy the job runner before api"
    thread = _situation("staging is green", words, services=("web", "api", "job_runner"))
    shipped: list[str] = []
    while (step := _step(thread))[0].startswith("deploy_"):
        shipped.append(step[0])
        thread.ran(step[0])
    assert shipped == ["deploy_job_runner_to_prod", "deploy_api_to_prod", "deploy_web_to_prod"]


def test_what_was_refused_is_not_proposed_again_unasked() -> None:
    thread = _situation("the card for frontend was rejected with these words", "deploy the backend")
    assert _proposal(thread) == BACKEND
    thread.ran(BACKEND[0])
    assert _step(thread)[0] == "done_for_now"
    thread.tested(True)
    thread.said("now the frontend")
    assert _proposal(thread) == FRONTEND


def test_a_later_wish_overrules_an_earlier_one() -> None:
    thread = _situation("a card waits for frontend", "only the backend")
    assert _proposal(thread) == BACKEND
    thread.add(ev.ApprovalSuperseded(call_id="call1", user="U03CARA"))
    thread.card(BACKEND[0])
    thread.said("deploy everything")
    assert _proposal(thread) == FRONTEND


def test_a_wish_that_the_card_already_meets_keeps_the_card() -> None:
    tool, arguments = _step(_situation("a card waits for frontend", "frontend first"))
    assert tool == "reply"
    assert "exactly that" in arguments["message"]


def test_another_known_sha_is_taken_for_every_service() -> None:
    thread = _situation("a card waits for frontend", "deploy 1a2b3c4")
    assert _proposal(thread) == ("deploy_frontend_to_prod", OTHER)
    thread.add(ev.StagingRequested(sha=OTHER, scope="all"))
    thread.add(ev.StagingEnded(sha=OTHER, passed=True, summary="green"))
    thread.fetched()
    assert _proposal(thread) == ("deploy_frontend_to_prod", OTHER)


def test_an_unknown_sha_is_answered_with_the_known_ones() -> None:
    tool, arguments = _step(_situation("a card waits for frontend", "deploy 7777777"))
    assert tool == "reply"
    assert "no single commit 7777777" in arguments["message"]
    assert "1a2b3c4 Rename the cart" in arguments["message"]


def test_a_mention_of_one_service_is_about_that_service_alone() -> None:
    thread = _situation("a mention with these words", "<@U0BOT> deploy backend")
    assert _proposal(thread) == BACKEND
    thread.ran(BACKEND[0])
    assert _step(thread)[0] == "done_for_now"


@pytest.mark.parametrize("words", ["wait 0 minutes", "hold on for 0 hours", "give us 00 min"])
def test_no_time_is_nothing_to_wait_for(words: str) -> None:
    tool, arguments = _step(_situation("a card waits for frontend", words))
    assert (tool, arguments["message"]) == ("reply", say.NO_WAIT)


def test_a_question_is_answered_after_fetching() -> None:
    thread = _situation("a card waits for frontend", "what are the last 3 commits?")
    assert _step(thread) == ("list_git_commits", {"limit": 3})
    thread.add(ev.ToolAnswered(call_id="c9", result="4af9ec0 Show prices"))
    assert _step(thread) == ("reply", {"message": "The newest commits:\n4af9ec0 Show prices"})


def test_a_refused_question_is_answered_with_the_reason() -> None:
    thread = _situation("a card waits for frontend", "last 3 commits")
    thread.add(
        ev.ToolProposed(call_id="c9", tool="list_git_commits", arguments={"limit": 3}, by="x"),
        ev.ToolRefused(call_id="c9", error="no GitHub credentials"),
    )
    tool, arguments = _step(thread)
    assert tool == "reply"
    assert "no GitHub credentials" in arguments["message"]


def test_a_refused_proposal_is_not_repeated() -> None:
    thread = _situation("staging is green")
    tool, arguments = _step(thread)
    thread.add(
        ev.ToolProposed(call_id="c9", tool=tool, arguments=arguments, by="offline planner"),
        ev.ToolRefused(call_id="c9", error="frontend is on hold"),
    )
    tool, arguments = _step(thread)
    assert tool == "request_more_information"
    assert "frontend is on hold" in arguments["question"]


def test_a_failed_deploy_is_a_question_and_every_choice_works() -> None:
    thread = _situation("the deploy of frontend failed")
    tool, arguments = _step(thread)
    assert tool == "request_more_information"
    assert arguments["choices"] == ["try again", "deploy backend", "stop here"]
    thread.add(ev.BotSaid(call_id="q1", text="What?", because="question"))
    thread.said("deploy backend")
    assert _proposal(thread) == BACKEND
    thread.ran(BACKEND[0])
    assert _step(thread)[0] == "done_for_now"


def test_trying_again_is_done_when_asked() -> None:
    assert _proposal(_situation("the deploy of frontend failed", "try again")) == FRONTEND


def test_words_while_a_deploy_runs_are_noted_and_kept() -> None:
    thread = _situation("frontend is being deployed", "skip the backend")
    tool, arguments = _step(thread)
    assert tool == "reply"
    assert "Noted" in arguments["message"]
    thread.add(ev.BotSaid(call_id="r1", text="Noted.", because="reply"))
    thread.add(ev.ToolEnded(attempt_id="attempt1", outcome="succeeded", summary="done"))
    thread.running["frontend"] = SHA
    thread.fetched()
    assert _step(thread)[0] == "done_for_now"


def test_thanks_do_not_end_a_wait() -> None:
    thread = _situation("an hour's wait has begun", "thanks!")
    assert _step(thread)[0] == "ignore"
    thread.add(ev.Ignored(call_id="i1", reason="thanks need no step"))
    assert fold(thread.entries).wait


def test_a_commit_that_was_rolled_back_is_not_proposed() -> None:
    thread = _situation("staging is green")
    held = ev.Running(service="frontend", sha=WAS, source="recorded", hold=SHA)
    fine = ev.Running(service="backend", sha=SHA, source="recorded")
    thread.add(ev.FactsFetched(running=(held, fine)))
    assert _step(thread)[0] == "done_for_now"


def test_a_rollback_goes_back_in_reverse_order_and_ends() -> None:
    thread = _situation("red after everything was shipped")
    tool, arguments = _step(thread)
    assert (tool, arguments["steps"]) == ("propose_rollback", ["backend", "frontend"])
    thread.ran("rollback_backend_in_prod", sha=WAS)
    assert _proposal(thread) == ("rollback_frontend_in_prod", WAS)
    thread.ran("rollback_frontend_in_prod", sha=WAS)
    tool, arguments = _step(thread)
    assert tool == "done_for_now"
    assert "frontend 9f8e7d6" in arguments["message"]


def test_a_rollback_goes_to_what_was_verified_when_nobody_knows_what_ran() -> None:
    thread = _situation("red after everything was shipped")
    for index, entry in enumerate(thread.entries):
        if isinstance(entry.event, ev.ApprovalRequested):
            spec = entry.event.spec.model_copy(update={"production_was": None})
            event = entry.event.model_copy(update={"spec": spec})
            thread.entries[index] = entry.model_copy(update={"event": event})
    assert _step(thread)[1]["steps"] == ["backend", "frontend"]


def test_a_deploy_is_never_made_of_words_about_a_rollback() -> None:
    thread = _situation("finished and green", "just roll back the backend")
    assert _proposal(thread) == ("rollback_backend_in_prod", WAS)


def test_words_that_another_model_understood_are_not_guessed_at() -> None:
    words = "bitte nur das Backend"
    thread = _situation("the card for frontend was rejected with these words", words)
    thread.ran(BACKEND[0])
    assert _step(thread)[0] == "request_more_information"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_choice_that_it_offers_is_understood(situation: str) -> None:
    thread = _situation(situation, "not like this")
    tool, arguments = _step(thread)
    state = fold(thread.entries)
    mode = state.mode
    for choice in arguments.get("choices", ()):
        assert hear(choice, thread.services, mode).kind not in ("unclear", "question")
    given_up = state.changeable is not None  # what people may have meant is not begun meanwhile
    assert tool in (("change_plan",) if given_up else ("request_more_information", "reply"))


def test_the_migration_of_a_commit_is_named_when_asked() -> None:
    thread = _situation("one card may hold several steps, and a migration is due")
    thread.said("is there a migration in this?")
    assert _step(thread)[1]["message"] == "migrate is due for migrations/0042.sql."
    thread = _situation("staging is green", "which jobs are due?")
    assert _step(thread)[1]["message"] == "No job is due."


def test_other_merges_are_named_when_asked() -> None:
    newer = _situation("a card waits for frontend, and a newer merge was tested", "who wrote #14?")
    assert _step(newer)[1]["message"] == (
        "Newer, and tested since: #14 Show prices with tax by dan.\n"
        'The card asks which of them ships: press a button, or say "ship both" or "keep this".'
    )
    alone = _situation("a card waits for frontend", "what else is in this?")
    assert _step(alone)[1]["message"].startswith("This is about one merge alone")


def test_it_only_calls_tools_that_it_was_given() -> None:
    for case in load_cases():
        turn = _turn(case.thread())
        assert next_step(turn).tool in {tool.name for tool in turn.tools}
        assert next_step(turn) == next_step(replace(turn))


SETTINGS = settings(max_examples=300, deadline=None, derandomize=True, database=None)
NEGATIONS = ("not", "don't", "do not", "never", "no", "without asking", "unless", "if")
WORDS = re.findall(
    r"\w+",
    "the backend frontend first only just deploy ship it skip then before after and everything"
    " please now wait can you we roll back 1a2b3c4 to prod again because hey instead stop",
)


@SETTINGS
@given(
    st.lists(st.sampled_from(WORDS), max_size=6),
    st.sampled_from(NEGATIONS),
    st.lists(st.sampled_from(WORDS), max_size=6),
)
def test_a_negation_never_makes_it_propose_what_was_negated(
    before: list[str], negation: str, after: list[str]
) -> None:
    heard = hear(" ".join([*before, negation, *after]), ("frontend", "backend"))
    assert heard.kind in ("unclear", "question", "skip", "stop here", "wait")


@SETTINGS
@given(st.text(max_size=400), st.sampled_from(sorted(SITUATIONS)))
def test_no_text_makes_it_fail_and_unclear_text_proposes_no_effect(
    words: str, situation: str
) -> None:
    thread = _situation(situation, words)
    turn = _turn(thread)
    tool = next_step(turn).tool
    assert tool in {schema.name for schema in turn.tools}
    if turn.state.unread and hear(words, thread.services).kind == "unclear":
        # Of an approved plan nothing more begins before somebody said what they want.
        given_up = {"change_plan"} if turn.state.changeable else set[str]()
        assert tool in {"request_more_information", "reply", "ignore", "wait_for"} | given_up


@SETTINGS
@given(st.lists(st.sampled_from([*WORDS, "lunch", "anyone", "?"]), max_size=6), st.data())
def test_no_negation_beside_a_card_is_let_pass(words: list[str], data: st.DataObject) -> None:
    negation = data.draw(st.sampled_from(("not", "don't", "never", "no", "nein", "pas", "nej")))
    text = " ".join(data.draw(st.permutations([*words, negation])))
    tool, _ = _step(_situation("a card waits for frontend", text))
    assert tool != "ignore"
