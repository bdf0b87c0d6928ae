"""What waits, for people and for its turn: told from threads and facts, in one readable message."""

import pytest

from app.core import events as ev
from app.core import what_waits
from app.core.answers import SHOWN, Answer
from app.model.offline import OfflinePlanner
from tests import payloads
from tests.core.box import OLD
from tests.core.town import (
    ONE,
    RUNS,
    SHAS,
    THREE,
    TWO,
    Town,
    ends_staging,
    holds_staging,
    teams,
    town,
)
from tests.fake_calendar import freeze
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB, CARA
from tests.story import START, Story, repo_config

PR = "https://github.com/acme/shop/pull/12"
MERGE = ev.Pull(
    thread_id="acme/shop/fedcba9876", sha="b" * 40, number=12, title="Tax", url=PR, author="", at=0
)
HOUR = 3_600_000
NOTHING = ["Nothing waits for anybody."]


def plain(answer: Answer) -> list[str]:
    return [answer.title, *("".join(piece.text for piece in line) for line in answer.lines)]


def waits_of(*newest_first: Story) -> list[str]:
    """Say what waits in some threads."""
    story = newest_first[0]
    told = what_waits.waiting(
        story.repo, [each.state for each in newest_first], story.facts, story.now
    )
    return plain(told)


def asks() -> Story:
    return Story().merged().staged().asks()


def approved() -> Story:
    return asks().approves()


def shipped() -> Story:
    return approved().ships()


def red(kind: str = "e2e") -> Story:
    story = Story().merged().starts("s", kind=kind).ends("s", "failed")
    sha = story.state.sha or ""
    return story.then(ev.StagingEnded(sha=sha, passed=False, summary="2 failed"))


def expired() -> Story:
    return asks().then(ev.ApprovalExpired(call_id="c1", reason="nobody decided in time"))


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        (
            ev.LockWaited(target="production/backend", holder=MERGE.thread_id, merge=MERGE),
            " for production/backend, in use by #12 Tax",
        ),
        (
            ev.LockWaited(
                target="production/backend",
                holder=MERGE.thread_id,
                merge=MERGE.model_copy(update={"number": 0, "title": ""}),
            ),
            " for production/backend, in use by bbbbbbb",
        ),
        (
            ev.LockWaited(target="production/backend", holder=MERGE.thread_id),
            " for production/backend, in use by another thread",
        ),
        (
            ev.BlockWaited(block=ev.Block(service="backend", user=ALICE, since=START)),
            ": backend is locked by U01ALICE",
        ),
        (
            ev.BlockWaited(
                block=ev.Block(service="backend", reason="weekend", since=START, until=5)
            ),
            ": backend is frozen until 5 (weekend)",
        ),
        (ev.SourceWaited(message="away"), " for GitHub"),
    ],
)
def test_what_is_approved_and_held_up_waits_too(waits: ev.Event, told: str) -> None:
    story = approved().then(waits)
    [_, line] = waits_of(story)
    since = story.state.waits_since
    assert line == f"deploy backend 4af9ec0 is approved, and waits since {since}{told}"


def test_what_is_about_to_begin_waits_for_nobody() -> None:
    assert waits_of(approved()) == ["Nothing waits for anybody."]


def test_what_runs_past_the_rules_is_told_with_who_broke_the_glass() -> None:
    broken = ev.GlassBroken(
        call_id="c1", spec_hash="", user=CARA, reason="it burns", lifts=("approvers",)
    )
    runs = asks().then(broken).starts("p", "production", call_id="c1")
    assert waits_of(runs)[1].endswith(f" · 🚨 glass broken by {CARA}: it burns")
    assert "approved by" not in waits_of(runs)[1]


def test_what_runs_on_production_is_told_with_who_approved_it() -> None:
    runs = approved().starts("p", "production", call_id="c1")
    running = runs.state.running
    at = running.started_at if running else 0
    told = f"#12 Add gift cards, whose deploy of backend runs since {at}, approved by {BOB}"
    assert waits_of(runs) == ["Nothing waits for anybody. Under way:", told]
    job = approved().starts("p", "production", kind="job", service="migrate", call_id="c1")
    assert ", whose job migrate runs since " in waits_of(job)[1]
    tests = shipped().starts("e", "production", kind="e2e")
    waits = Story().merged().staged().asks()
    title, first, second = waits_of(waits, tests)
    assert title == "Under way, and waiting:"
    assert ", whose production e2e tests run since " in first
    assert "approved" not in first
    assert second.startswith("deploy backend 4af9ec0 waits for approval since ")


def test_what_runs_on_staging_waits_for_nobody() -> None:
    runs = Story().merged().starts("s")
    assert waits_of(runs) == ["Nothing waits for anybody."]


# Cards under a lock or a freeze.


def test_a_card_that_is_locked_says_by_whom_until_when_and_why() -> None:
    story = asks().locks("backend", until=START + HOUR, reason="load test")
    [_, line] = waits_of(story)
    assert line.startswith("deploy backend 4af9ec0 waits for approval since ")
    assert line.endswith(f"; backend is locked by {ALICE} until {START + HOUR} (load test)")


def test_a_card_that_is_frozen_says_so() -> None:
    story = Story(repo_config(freeze=(freeze(START, START + HOUR),))).merged().staged().asks()
    [_, line] = waits_of(story)
    assert f"; backend is frozen until {START + HOUR} (" in line


# Questions.


def test_a_question_says_whose_words_it_is_about() -> None:
    story = Story().merged().staged().then(ev.HumanSaid(user=ALICE, text="hm, that one"))
    story.then(ev.BotSaid(call_id="q", text="I did not understand that.", because="question"))
    told = (
        f"#12 Add gift cards waits for an answer of {ALICE} since {story.now} about “hm, that one”"
    )
    assert waits_of(story) == ["Waiting:", told]


def test_a_question_to_nobody_yet_says_what_it_asks() -> None:
    story = asks().then(ev.ApprovalRejected(call_id="c1", user=BOB))
    story.then(ev.BotSaid(call_id="q", text="What instead?", because="question"))
    told = f"#12 Add gift cards waits for an answer since {story.now} to “What instead?”"
    assert waits_of(story) == ["Waiting:", told]


def test_a_card_that_words_hold_says_whose() -> None:
    story = asks().then(ev.HumanSaid(user=ALICE, text="not like that"))
    story.then(ev.BotSaid(call_id="q", text="What, then?", because="question"))
    [_, line] = waits_of(story)
    assert line.startswith("deploy backend 4af9ec0 waits for approval since ")
    assert line.endswith(f"; held by {ALICE}'s words: not like that")


def test_a_mention_that_came_to_nothing_waits_for_nobody() -> None:
    asked = ev.BotSaid(call_id="q", text="I did not understand that.", because="question")
    assert waits_of(Story().mentioned().then(asked)) == NOTHING


def test_a_question_and_a_wait_are_told_while_words_are_read_in_their_thread() -> None:
    asked = ev.BotSaid(call_id="q", text="Which?", because="question")
    reads = ev.HumanSaid(user=ALICE, text="what is waiting?")
    assert " to “Which?”" in waits_of(Story().merged().staged().then(asked, reads))[1]
    wait = ev.WaitStarted(call_id="w", until=START + HOUR, reason="a person asked")
    assert " waits until " in waits_of(Story().merged().staged().then(wait, reads))[1]


# What is red or expired.


def test_a_red_staging_waits_for_its_buttons() -> None:
    [_, line] = waits_of(red())
    assert line.startswith("#12 Add gift cards: staging is red since ")
    assert line.endswith(" (2 failed), and waits for Retry or Override")
    assert waits_of(red("deploy"))[1].endswith(" (2 failed), and waits for Retry")


def test_an_expired_card_of_what_another_merge_brought_out_waits_for_nobody() -> None:
    out = [ev.WentOut(by=MERGE, service=name) for name in ("backend", "frontend")]
    assert not any("its card expired" in line for line in waits_of(expired().then(*out)))


def test_an_expired_card_waits_for_who_asks_again() -> None:
    [_, line] = waits_of(expired())
    assert line.startswith("deploy backend 4af9ec0: its card expired ")
    assert line.endswith("; Ask again renews it")


@pytest.mark.parametrize("story", [red, expired])
def test_what_goes_on_elsewhere_or_was_stopped_does_not_wait(story: type[Story]) -> None:
    out = [ev.WentOut(by=MERGE, service=service, back=False) for service in ("frontend", "backend")]
    asked = ev.BotSaid(call_id="q", text="Which?", because="question")
    assert waits_of(story().then(*out)) == NOTHING
    assert waits_of(story().then(ev.Superseded(into=MERGE))) == NOTHING
    assert waits_of(story().then(ev.StopRequested(user=BOB))) == NOTHING
    [_, line] = waits_of(story().then(asked))
    assert line.startswith("#12 Add gift cards waits for an answer since ")
    assert line.endswith(" to “Which?”")


def test_of_what_stays_until_somebody_cares_the_newest_are_told() -> None:
    lines = waits_of(*[red()] * 5, *[expired()] * 4)
    assert (len(lines), lines[4], lines[-1]) == (
        9,
        "… and 2 older whose staging is red",
        "… and 1 older whose card expired",
    )


def test_a_busy_day_stays_one_readable_message() -> None:
    long = "w" * 300
    cards = [asks().locks("backend", until=START + HOUR, reason=long)] * 30
    queued = [Story().merged(long).then(ev.LockWaited(target="staging", holder="t"))] * 12
    told = what_waits.waiting(
        repo_config(),
        [each.state for each in (*cards, *queued, *[red()] * 5, *[expired()] * 5)],
        cards[0].facts,
        START,
    )
    assert (len(told.lines), told.cut) == (SHOWN, 30 - (SHOWN - 9))
    assert plain(told)[-1].endswith(", 8. #12, … and 4 more")
    answer = ev.AnswerTold(call_id="c", title=told.title, lines=told.lines, cut=told.cut)
    shown = Story().mentioned().then(answer).show()["say:0"]
    payloads.check(shown.text, shown.blocks)
    assert "… and 19 more (cut)" in payloads.words(shown.text, shown.blocks)


# Its turn.


def test_a_thread_that_sleeps_says_for_what_and_why() -> None:
    wait = ev.WaitStarted(call_id="w", until=5, reason="the team is out", label="#42")
    assert waits_of(Story().merged().staged().then(wait))[1] == (
        "#12 Add gift cards waits for #42 until 5 (the team is out)"
    )
    alone = ev.WaitStarted(call_id="w", until=5, reason="")
    assert waits_of(Story().merged().staged().then(alone))[1].endswith("cards waits until 5")


async def told(box: Town) -> list[str]:
    box.thread_id = ""
    await box.mentions("what is waiting?")
    said = (await box.state()).says[-1]
    return plain(Answer(said.text, said.lines))


async def test_the_line_for_staging_is_told_in_its_order() -> None:
    source = FakeSource([OLD, *SHAS])
    box = Town(teams(), model=OfflinePlanner(), source=source)
    box.deployer.prepare("staging frontend", RUNS)
    for sha, path in ((ONE, "web/a"), (TWO, "api/a")):
        source.changed = [path]
        await box.merged(sha)
    source.changed = ["web/a", "api/a"]
    await box.merged(THREE, label="urgent")
    assert await told(box) == [
        "Waiting:",
        "Staging, in use by #1 Change 1; in line for it: 1. #3, 2. #2",
    ]


def test_a_place_in_the_line_links_to_its_thread() -> None:
    waits = ev.LockWaited(target="staging", holder="acme/shop/fedcba9876")
    posted = ev.MessagePosted(slot="status", channel="C01DEPLOYS", ts="7.7")
    merged = Story().merged().then(waits, posted)
    asked = Story().mentioned().then(ev.StagingRequested(sha="b" * 40, scope="all"), waits)
    told = what_waits.waiting(repo_config(), [asked.state, merged.state], {}, START)
    assert plain(told)[1] == f"Staging; in line for it: 1. #12, 2. a thread of {CARA}"
    assert [piece.to for piece in told.lines[0] if piece.kind == "message"] == ["C01DEPLOYS|7.7"]


async def test_merges_that_are_tested_with_another_are_named_in_the_line() -> None:
    box = town()
    holds_staging(box)
    await box.merged(*SHAS[:7])
    await box.later(10_000)
    assert (await told(box))[1] == (
        "Staging, in use by #1 Change 1; in line for it: 1. #7 with #2, #3, #4 and 2 more"
    )


async def test_a_tested_merge_says_which_one_it_waits_for() -> None:
    box = town(supersede="never")
    holds_staging(box)
    await box.merged(ONE, TWO)
    await box.later(10_000)
    await ends_staging(box)
    assert "#2 Change 2 is tested, and waits until #1 Change 1 is out of the way" in await told(box)
