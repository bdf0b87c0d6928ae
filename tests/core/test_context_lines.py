"""How each thing that happened, and each fact, reads to the model."""

from typing import Any

import pytest

from app.core import events as ev
from app.core.context import render
from tests.story import ALICE, BOB, CARA, NEW, OLD, Story, pull_request, repo_config

SHORT_NEW, SHORT_OLD = NEW[:7], OLD[:7]
FILES = ev.Files(names=tuple(f"db/{n}.sql" for n in range(1, 11)), total=12)


def text_of(told: Story) -> str:
    return render(told.state, told.entries, told.repo, told.now)


def running(**more: Any) -> ev.FactsFetched:
    one = ev.Running(service="backend", sha=OLD, source="recorded", **more)
    return ev.FactsFetched(running=(one,))


def failed(**more: Any) -> Story:
    return Story().merged().starts("s-1").ends("s-1", "failed", "exit code 1", **more)


def unknown() -> Story:
    told = Story().merged().staged().asks().approves()
    return told.starts("p-1", "production", call_id="c1").ends("p-1", "unknown", "no answer")


NEWER = ev.Pull(
    thread_id="acme/shop/0123456789",
    sha=OLD,
    number=13,
    title="Tax",
    url="https://github.com/acme/shop/pull/13",
    author="bob",
    at=0,
)


HAPPENED: dict[str, tuple[Story, str]] = {
    "tests of a newer merge that count": (
        Story().merged().then(ev.StagingEnded(sha=NEW, passed=True, summary="ok", by=NEWER)),
        f"staging passed for {SHORT_NEW} with the newer #13",
    ),
    "tests that were red before": (
        Story()
        .merged()
        .then(ev.StagingEnded(sha=NEW, passed=False, summary="red", red_before=(NEWER,))),
        f"staging FAILED for {SHORT_NEW}, as before it #13",
    ),
    "nothing more to be said of what goes along": (
        Story().merged().staged().asks().then(ev.SaidMeanwhile(call_id="c1")),
        "the card shows what stands of merges that go out with it: nothing",
    ),
    "urgency that was passed on": (
        Story().merged().then(ev.UrgencyPassed(into=NEWER)),
        "code told #13",
    ),
    "a stop": (Story().merged().then(ev.StopRequested(user=ALICE)), f"@{ALICE} stopped everything"),
    "a thread taken up": (
        Story().merged().then(ev.StopRequested(user=ALICE), ev.Continued(user=BOB)),
        f"@{BOB} took the thread up again",
    ),
    "a merge of one service": (
        Story().merged().then(ev.ChangeSeen(touched=("backend",), channel="C01DEPLOYS")),
        "the merge touches backend\n",
    ),
    "all of staging": (
        failed().then(ev.StagingRequested(sha=NEW, scope="all", user=BOB)),
        f"staging was asked to run everything for {SHORT_NEW}",
    ),
    "the tests of staging": (
        failed().then(ev.StagingRequested(sha=NEW, scope="e2e", user=BOB)),
        f"staging was asked to run the e2e tests for {SHORT_NEW}",
    ),
    "failing tests": (failed(failing_tests=("pay",)), "failing tests «pay»"),
    "the last lines": (failed(tail=("a", "b")), "FAILED: «exit code 1»; last lines «a | b»"),
    "no last lines": (failed(), "on staging FAILED: «exit code 1»\n"),
    "a wait for GitHub": (
        Story().merged().staged().then(ev.SourceWaited(message="GitHub is away")),
        "nothing new may start on production until GitHub answers: «GitHub is away»",
    ),
    "an outcome that a person knows": (
        unknown().then(ev.OutcomeStated(attempt_id="p-1", happened=True, user=BOB)),
        f"@{BOB} says of the unknown run: it happened",
    ),
    "an outcome that a person denies": (
        unknown().then(ev.OutcomeStated(attempt_id="p-1", happened=False, user=BOB)),
        f"@{BOB} says of the unknown run: it did not",
    ),
    "red staging": (
        failed().then(ev.StagingEnded(sha=NEW, passed=False, summary="red")),
        f"staging FAILED for {SHORT_NEW}",
    ),
    "green production": (
        Story().merged().then(ev.VerificationEnded(passed=True, versions={})),
        "production e2e tests passed",
    ),
    "red production": (
        Story()
        .merged()
        .then(ev.VerificationEnded(passed=False, versions={}, failing_tests=("t",))),
        "production e2e tests FAILED, twice: «t»",
    ),
    "a hold": (
        Story().merged().then(ev.HoldPlaced(service="backend", bad_sha=NEW)),
        f"backend is on hold: {SHORT_NEW} is bad",
    ),
    "a released hold": (
        Story().merged().staged().asks().then(ev.HoldReleased(service="backend", user=BOB)),
        f"@{BOB} released the hold of backend",
    ),
    "a wait": (
        Story().merged().then(ev.WaitStarted(call_id="w", until=0, reason="lunch")),
        "you wait: «lunch»",
    ),
    "the end of a wait": (
        Story().merged().then(ev.WaitEnded(call_id="w")),
        "the wait is over",
    ),
    "the end of a plan": (
        Story().merged().then(ev.PlanEnded(call_id="e", message="all done")),
        "you ended the plan: «all done»",
    ),
    "a rollback that a person opened": (
        Story().merged().then(ev.RollbackOpened(user=BOB)),
        f"a rollback was opened by @{BOB}",
    ),
    "a question with choices": (
        Story()
        .merged()
        .then(ev.BotSaid(call_id="q", text="which?", because="question", choices=("a", "b"))),
        "you asked «which?», choices: «a / b»",
    ),
    "words that change nothing": (
        Story().merged().staged().asks().then(ev.PlanKept(user=ALICE)),
        f"@{ALICE}'s words change nothing after all: it goes on as it was",
    ),
    "a card": (
        Story().merged().staged().asks(),
        f"card: deploy_backend_to_prod({SHORT_NEW}), plan 1",
    ),
    "an approval": (
        Story().merged().staged().asks().approves(),
        f"@{BOB} approved the card deploy_backend_to_prod({SHORT_NEW})",
    ),
    "a bare rejection": (
        Story().merged().staged().asks().then(ev.ApprovalRejected(call_id="c1", user=BOB)),
        f"@{BOB} REJECTED the card deploy_backend_to_prod({SHORT_NEW}) without words",
    ),
    "an expired card": (
        Story().merged().staged().asks().then(ev.ApprovalExpired(call_id="c1", reason="too late")),
        f"the card deploy_backend_to_prod({SHORT_NEW}) expired: «too late»",
    ),
    "a replaced card": (
        Story().merged().staged().asks().then(ev.ApprovalSuperseded(call_id="c1", user=ALICE)),
        f"was replaced after @{ALICE}'s message",
    ),
    "a card asked for again": (
        Story()
        .merged()
        .staged()
        .asks()
        .then(
            ev.ApprovalExpired(call_id="c1", reason="too late"),
            ev.AskedAgain(call_id="c1", user=BOB),
        ),
        f"@{BOB} asked for the card deploy_backend_to_prod({SHORT_NEW}) again",
    ),
    "a reminder": (
        Story().merged().staged().asks().then(ev.ApproversReminded(call_id="c1", whom=(BOB, CARA))),
        f"@{BOB}, @{CARA} were called about the card deploy_backend_to_prod({SHORT_NEW}): reminder",
    ),
    "a broken glass": (
        Story()
        .merged()
        .staged()
        .asks()
        .then(
            ev.GlassBroken(
                call_id="c1", spec_hash="", user=BOB, reason="shop is down", lifts=("freeze",)
            )
        ),
        f"@{BOB} BROKE THE GLASS for the card deploy_backend_to_prod({SHORT_NEW}): «shop is down»",
    ),
    "a plan that was given up": (
        Story()
        .merged()
        .staged()
        .asks()
        .approves()
        .then(ev.StepRefused(call_id="c1", reason="production has changed")),
        "the rest of the plan from backend on was given up: «production has changed»",
    ),
    "what code answered": (
        Story()
        .mentioned()
        .then(
            ev.AnswerTold(
                call_id="a",
                title="Went out today: 1",
                lines=((ev.Piece(text="backend 4af9ec0"), ev.Piece(text=" by bob")),),
            )
        ),
        "code answered «Went out today: 1 | backend 4af9ec0 by bob»",
    ),
}


@pytest.mark.parametrize(("told", "line"), HAPPENED.values(), ids=HAPPENED.keys())
def test_what_happened(told: Story, line: str) -> None:
    assert line in text_of(told)


FACTS: dict[str, tuple[Story, str]] = {
    "before facts": (Story().merged(), "what runs on production: not fetched yet"),
    "a merge of one service": (
        Story().merged().then(ev.ChangeSeen(touched=("backend",), channel="C01DEPLOYS")),
        "this merge touches: backend; leave out the others unless people ask",
    ),
    "staging runs": (Story().merged(), f"staging is running for {SHORT_NEW}"),
    "no order of one's own": (Story().mentioned(), f"Do what people of {repo_config().name} ask"),
    "a verified version": (
        Story().mentioned().then(running(verified_sha=OLD)),
        f"production runs backend {SHORT_OLD} (recorded), verified\n",
    ),
    "another verified version": (
        Story().mentioned().then(running(verified_sha=NEW)),
        f"last verified {SHORT_NEW}",
    ),
    "no verified version": (
        Story().mentioned().then(running()),
        f"production runs backend {SHORT_OLD} (recorded)\n",
    ),
    "a service on hold": (
        Story().mentioned().then(running(hold="bad change")),
        "ON HOLD: «bad change»",
    ),
    "a commit whose author nobody knows": (
        Story().mentioned().then(ev.FactsFetched(commits=(ev.Commit(sha=NEW, title="Fix"),))),
        f"- {SHORT_NEW} «Fix»",
    ),
    "an open question": (
        Story().merged().then(ev.BotSaid(call_id="q", text="which?", because="question")),
        "your open question: «which?»",
    ),
    "a running step": (
        Story().merged().starts("s-1"),
        f"running: deploy of backend {SHORT_NEW} on staging",
    ),
    "an unknown run": (
        unknown(),
        "nobody knows whether the last run of backend happened; a person has to say",
    ),
    "a shipped version": (
        Story().merged().staged().ships(),
        f"before it, backend ran {SHORT_OLD}",
    ),
    "work for a job": (
        Story().mentioned().then(ev.FactsFetched(jobs={"migrate": FILES})),
        "the job migrate is due for 12 files: «db/1.sql, db/2.sql, db/3.sql»",
    ),
    "a job that ran": (
        Story().merged().staged().ships(service="migrate", kind="job"),
        f"this thread ran the job migrate in production for {SHORT_NEW}",
    ),
}


@pytest.mark.parametrize(("told", "line"), FACTS.values(), ids=FACTS.keys())
def test_facts(told: Story, line: str) -> None:
    assert line in text_of(told)


def test_a_question_about_words_that_hold_a_card_says_what_answers_it() -> None:
    told = Story().merged().staged().asks()
    told.then(ev.HumanSaid(user=ALICE, text="that test is flaky", ts="1.1"))
    told.then(ev.BotSaid(call_id="q", text="Stop it?", because="question", choices=("stop",)))
    assert told.state.in_doubt
    assert "your open question: «Stop it?»" in text_of(told)
    assert "if the words want the card as it is, call its tool again" in text_of(told)


def test_older_lists_are_named_and_not_shown_again() -> None:
    told = Story().merged()
    for number in range(3):
        told.then(ev.ToolAnswered(call_id=f"l{number}", result=f"result {number}"))
    text = text_of(told)
    assert "you fetched «result 2»" in text
    assert "you fetched «result 1»" in text
    assert "a list was fetched" in text
    assert "result 0" not in text


def test_facts_that_do_not_fit_are_said_to_be_left_out() -> None:
    services = tuple(
        ev.Running(service=f"service_{n}", sha=OLD, source="recorded", hold="because " * 40)
        for n in range(60)
    )
    assert "(more left out)" in text_of(Story().mentioned().then(ev.FactsFetched(running=services)))


def test_the_text_of_the_pull_request_is_shown() -> None:
    change = pull_request().model_copy(update={"body": "Because slow."})
    told = Story().merged()
    told.entries[0] = ev.Entry(
        at=told.now,
        write="w",
        event=told.entries[0].event.model_copy(update={"pull_request": change}),
    )
    assert "Its text: «Because slow.»" in text_of(told)


def test_many_unread_messages_are_counted() -> None:
    told = Story().mentioned()
    for number in range(6):
        told.then(ev.HumanSaid(user=ALICE, text=f"message {number}"))
    assert "(3 earlier unanswered messages)" in text_of(told)
