"""Merges of the same services in Slack: the buttons on the card, the words, and their answers."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.core import events as ev
from app.core import lanes
from app.core.ports import Look, Write
from app.core.words import Answer
from tests.adapters.slack_desk import NOW, Desk
from tests.fakes import FakeLog
from tests.shop import ALICE, BOB, CARA
from tests.story import NEW, START, THREAD, Story, card_facts, repo_config

OTHER, THIRD = "acme/shop/fedcba9876", "acme/shop/0a1b2c3d4e"
QUESTION = f"{THREAD}:c1:0"
CHOICES = ["ship_both", "keep_this", "wait_newer"]


def pull(thread_id: str, number: int) -> ev.Pull:
    """Describe a merge as its thread tells of it."""
    return ev.Pull(
        thread_id=thread_id,
        sha=f"{number:040x}",
        number=number,
        title=f"Change <{number}> & *more*",
        url=f"https://github.com/acme/shop/pull/{number}",
        author="bob",
        at=START + number,
    )


NEWER, NEWEST = pull(OTHER, 13), pull(THIRD, 14)


def offered(*more: ev.Pull) -> Story:
    """Let the card of #12 ask about #13, which was tested meanwhile; or about newer ones, too."""
    told = Story().merged().staged().asks()
    for each in (NEWER, *more):
        told.then(ev.NewerOffered(pulls=(each,)))
    return told


def with_more() -> Story:
    """Let the card of #12 ask about #13, with which #14 ships."""
    offer = ev.NewerOffered(pulls=(NEWER, NEWEST), carries=1)
    return Story().merged().staged().asks().then(offer)


def red() -> Story:
    """Let staging be red for #12 and #11, which it carries."""
    told = Story().merged().then(ev.Carried(pulls=(pull(OTHER, 11),)))
    told.starts("s", kind="e2e").ends("s", "failed", "1 test failed")
    return told.then(ev.StagingEnded(sha=NEW, passed=False, summary="e2e: 1 test failed"))


def fact_of(merge: ev.Pull, stage: str) -> dict[str, str | None]:
    told = {**merge.model_dump(), "lane": "*", "stage": stage, "urgent": False}
    return {lanes.key(merge.thread_id): json.dumps(told)}


async def stands(desk: Desk, merge: ev.Pull, stage: str) -> None:
    """Let another merge tell how far it is."""
    await desk.log.append(Write(merge.thread_id, [], facts=fact_of(merge, stage), silent=True))


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with Desk.run(repo_config()) as desk:
        await desk.tells(offered())
        await stands(desk, NEWER, "tested")
        yield desk


def urgent(*commits: ev.Commit, total: int = 1, **more: Any) -> Story:
    """Let the card of an urgent #12, which takes #11 with it, wait."""
    told = Story().merged()
    told.then(ev.MarkedUrgent(user=ALICE), ev.Carried(pulls=(pull(OTHER, 11),))).staged()
    own = ev.Commit(sha=NEW, title="Add gift cards", author="alice")
    return told.asks(facts=card_facts(commits=(own, *commits), commits_total=total, **more))


def alone(*commits: ev.Commit, **more: Any) -> Story:
    """Let the card of an urgent #12 wait that takes no other merge with it."""
    told = Story().merged().then(ev.MarkedUrgent(user=ALICE)).staged()
    own = ev.Commit(sha=NEW, title="Merge pull request #12", author="alice")
    total = 1 + len(commits)
    facts = card_facts(commits=(own, *commits), commits_total=total, **more)
    return told.asks(facts=facts)


def test_an_urgent_card_names_the_merges_that_it_takes_with_it() -> None:
    others = (pull(THIRD, 10),)
    said = urgent(total=4, compared=True, others=others).says("card:c1")
    assert (
        "🚨 *Urgent.* It takes 2 other merges with it: "
        "<https://github.com/acme/shop/pull/11|#11>, <https://github.com/acme/shop/pull/10|#10>."
    ) in said


def test_the_commits_of_an_urgent_pull_request_are_not_taken_for_others() -> None:
    branch = ev.Commit(sha="f" * 40, title="Add gift cards", author="alice")
    said = alone(branch, compared=True).says("card:c1")
    assert (
        "🚨 *Urgent.* No other merge that I know goes out with it: see its commits above." in said
    )
    assert "It takes" not in said


def test_an_urgent_card_of_one_commit_takes_nothing_with_it() -> None:
    said = alone(compared=True, unchecked=("alice has no Slack user here",)).says("card:c1")
    assert "🚨 *Urgent.* Nothing else goes out with it." in said


def test_an_urgent_card_whose_commits_nobody_compared_says_so() -> None:
    said = alone(unchecked=("the difference",)).says("card:c1")
    assert "🚨 *Urgent.* What else goes out with it was not checked." in said


def test_an_urgent_card_whose_commits_are_not_known_lists_the_pull_requests() -> None:
    said = urgent(unchecked=("the difference",)).says("card:c1")
    assert "It takes 1 other merge with it: <https://github.com/acme/shop/pull/11|#11>." in said
    assert "*Ships:*" in said


def test_who_waits_for_a_lock_is_told_which_merge_has_it() -> None:
    told = Story().merged().then(ev.LockWaited(target="staging", holder=OTHER))
    assert "in use by thread `fedcba9876`" in told.says("status")
    told.facts = {key: fact for key, fact in fact_of(NEWER, "staging").items() if fact}
    link = "<https://github.com/acme/shop/pull/13|#13>"
    assert f"waiting for `staging`, in use by {link}" in told.says("status")


def test_who_has_a_lock_is_linked_when_its_merge_is_no_longer_under_way() -> None:
    waits = ev.LockWaited(target="production/backend", holder=OTHER, merge=NEWER)
    told = Story().merged().staged().asks().approves().then(waits)
    link = "<https://github.com/acme/shop/pull/13|#13>"
    assert f"waiting for `production/backend`, in use by {link}" in told.says("card:c1")


def test_a_lock_of_no_merge_is_linked_to_its_thread() -> None:
    waits = ev.LockWaited(target="staging", holder=OTHER, message="C01DEPLOYS|1.1")
    told = Story().merged().then(waits)
    assert "in use by thread `fedcba9876`" in told.says("status")
    told.facts["slack"] = "https://acme.slack.com/"
    link = "<https://acme.slack.com/archives/C01DEPLOYS/p11|thread fedcba9876>"
    assert f"in use by {link}" in told.says("status")


# What is offered.


def test_the_card_asks_and_quotes_what_was_added() -> None:
    said = offered().says("card:c1")
    assert (
        "🆕 *A newer merge was tested:* <https://github.com/acme/shop/pull/13|#13>. It adds:"
        in said
    )
    assert "• <https://github.com/acme/shop/pull/13|#13> Change &lt;13&gt; &amp; " in said
    buttons = offered().buttons("card:c1")
    assert {name: buttons[name] for name in CHOICES} == dict.fromkeys(CHOICES, QUESTION)


def test_the_button_says_how_many_ship() -> None:
    assert "Ship both" in str(offered().show()["card:c1"].blocks)
    shown = str(with_more().show()["card:c1"].blocks)
    assert "Ship all 3" in shown
    assert "Ship both" not in shown
    assert with_more().buttons("card:c1")["ship_both"] == QUESTION


def test_a_red_staging_of_several_offers_to_test_one_by_one() -> None:
    assert red().buttons("alert:staging:1")["one_by_one"] == THREAD
    assert "#11> Change &lt;11&gt;" in red().says("alert:staging:1")


# What a click does.


@pytest.mark.parametrize(
    ("button", "answer", "said"),
    [
        ("keep_this", "keep", f"<@{ALICE}> chose *Keep this*: <{NEWER.url}|#13> waits until this"),
        ("wait_newer", "wait", f"<@{ALICE}> chose *Wait for the next*: the next merge that is"),
    ],
)
async def test_anyone_may_choose_and_the_card_says_who_did(
    desk: Desk, button: str, answer: Answer, said: str
) -> None:
    assert (await desk.clicks(button, QUESTION, ALICE)).status_code == 200
    assert await desk.newest() == ev.NewerAnswered(other=OTHER, answer=answer, user=ALICE)
    assert desk.slack.count("users.info") == 0
    told = offered().then(await desk.newest())
    assert said in told.says("card:c1")
    assert not set(CHOICES) & set(told.buttons("card:c1"))


async def test_ship_both_leaves_the_card_to_the_newer_merge(desk: Desk) -> None:
    await desk.clicks("ship_both", QUESTION, BOB)
    events = await desk.events_of()
    assert events[-2:] == [
        ev.NewerAnswered(other=OTHER, answer="both", user=BOB),
        ev.Superseded(into=NEWER, user=BOB),
    ]
    told = offered().then(*events[-2:])
    assert told.buttons("card:c1") == {}
    assert f"<{NEWER.url}|#13>" in told.says("card:c1")


def test_a_card_that_comes_after_both_were_to_ship_says_nothing_of_that_choice() -> None:
    told = offered().then(
        ev.NewerAnswered(other=OTHER, answer="both", user=BOB), ev.Superseded(into=NEWER, user=BOB)
    )
    told.says("status")
    told.then(ev.HumanSaid(user=ALICE, text="continue")).asks(call_id="c2")
    said = told.says("card:c2")
    assert "chose" not in said
    assert not set(CHOICES) & set(told.buttons("card:c2"))


# Each click gets an answer.


@pytest.mark.parametrize("button", CHOICES)
async def test_the_second_click_is_told_who_was_first(desk: Desk, button: str) -> None:
    await desk.clicks("keep_this", QUESTION, ALICE)
    await desk.clicks(button, QUESTION, BOB)
    assert (await desk.whisper()).startswith(f"Too late: <@{ALICE}> chose *Keep this*, <!date^")
    assert isinstance(await desk.newest(), ev.NewerAnswered)


async def test_a_click_after_both_were_shipped_is_told_what_became_of_the_card(desk: Desk) -> None:
    await desk.clicks("ship_both", QUESTION, ALICE)
    await desk.clicks("keep_this", QUESTION, BOB)
    assert (await desk.whisper()).startswith("Too late: #13 ships this one, too, since <!date^")


async def test_a_question_about_an_older_merge_is_over() -> None:
    async with Desk.run(repo_config()) as desk:
        await desk.tells(offered(NEWEST))
        await desk.clicks("keep_this", QUESTION, ALICE)
        assert await desk.whisper() == "#14 is newer still: look at the card once more."


@pytest.mark.parametrize("value", [f"{THREAD}:c1:1", f"{THREAD}:c1"])
async def test_a_question_that_was_never_put_is_not_known(desk: Desk, value: str) -> None:
    await desk.clicks("keep_this", value, ALICE)
    assert await desk.whisper() == "I do not know this question any more."


@pytest.mark.parametrize("stage", ["waiting", "staging"])
async def test_what_is_not_ready_any_more_takes_no_card(desk: Desk, stage: str) -> None:
    await stands(desk, NEWER, stage)
    await desk.clicks("ship_both", QUESTION, ALICE)
    assert await desk.whisper() == "#13 is not ready to ship any more: this card stays."
    assert isinstance(await desk.newest(), ev.NewerOffered)


class Overtaken(FakeLog):
    """Lets the newer merge go back to staging in the moment in which somebody ships both."""

    async def append(self, write: Write) -> Look | None:
        if any(isinstance(event, ev.Superseded) for event in write.events):
            facts = fact_of(NEWER, "staging")
            await super().append(Write(NEWER.thread_id, [], facts=facts, silent=True))
        return await super().append(write)


async def test_a_newer_merge_that_goes_back_at_that_moment_takes_no_card() -> None:
    async with Desk.run(repo_config(), log=Overtaken(start=NOW * 1000)) as desk:
        await desk.tells(offered())
        await stands(desk, NEWER, "tested")
        await desk.clicks("ship_both", QUESTION, ALICE)
        assert await desk.whisper() == "#13 is not ready to ship any more: this card stays."
        assert isinstance(await desk.newest(), ev.NewerOffered)


async def test_in_another_channel_nothing_is_chosen(desk: Desk) -> None:
    await desk.clicks("keep_this", QUESTION, ALICE, channel="C09OTHER")
    assert "belongs to another channel" in await desk.whisper()
    assert isinstance(await desk.newest(), ev.NewerOffered)


# Words that mean the same.


@pytest.mark.parametrize(
    ("words", "answer"),
    [("ship both", "both"), ("keep this", "keep"), ("Only mine!", "keep"), ("wait", "wait")],
)
async def test_words_choose_as_the_buttons_do(desk: Desk, words: str, answer: Answer) -> None:
    await desk.says(words, thread_ts="1.1")
    chosen = [e for e in await desk.events_of() if isinstance(e, ev.NewerAnswered)]
    assert chosen == [ev.NewerAnswered(other=OTHER, answer=answer, user=ALICE)]
    assert not [e for e in await desk.events_of() if isinstance(e, ev.HumanSaid)]


async def test_where_nothing_is_offered_they_are_words_for_the_agent() -> None:
    async with Desk.run(repo_config()) as desk:
        await desk.tells(Story().merged().staged().asks())
        await desk.says("ship both", thread_ts="1.1")
        assert await desk.newest() == ev.HumanSaid(user=ALICE, text="ship both", ts="2.2")


async def test_urgent_is_said_once(desk: Desk) -> None:
    await desk.says("This is urgent!", thread_ts="1.1")
    assert await desk.newest() == ev.MarkedUrgent(user=ALICE)
    told = offered().then(await desk.newest())
    assert told.state.is_urgent
    assert f"🚨 urgent, says <@{ALICE}>: it goes before the others" in told.says("status")
    await desk.says("urgent", user=CARA, ts="2.3", thread_ts="1.1")
    said = "This is marked urgent already: it goes before all others."
    assert await desk.whisper() == said


# One by one.


async def test_anyone_may_have_red_merges_tested_one_by_one_once() -> None:
    async with Desk.run(repo_config()) as desk:
        await desk.tells(red())
        await desk.clicks("one_by_one", THREAD, ALICE)
        oldest = pull(OTHER, 11).sha
        assert (await desk.events_of())[-2:] == [
            ev.OneByOneRequested(user=ALICE),
            ev.StagingRequested(sha=oldest, scope="all", user=ALICE),
        ]
        await desk.clicks("one_by_one", THREAD, BOB)
        assert await desk.whisper() == "They are being tested one by one already."


# What goes out although people said no.


def test_of_many_merges_that_people_stopped_eight_are_told_by_their_titles() -> None:
    stopped = tuple(
        ev.Declined(pull=pull(f"acme/shop/{number}", number), how="stopped", user=CARA)
        for number in range(20, 30)
    )
    said = Story().merged().staged().asks(facts=card_facts(declined=stopped)).says("card:c1")
    [line] = [each for each in said.split("\n") if "out with it:*" in each]
    assert line.startswith("⚠️ *Go out with it:* <https://github.com/acme/shop/pull/20|#20> ")
    assert line.count("/pull/") == 8
    assert line.endswith(f", which `{CARA}` stopped in their threads")
    assert (
        "⚠️ And <https://github.com/acme/shop/pull/28|#28> and "
        "<https://github.com/acme/shop/pull/29|#29>, to which people, or staging, said no"
    ) in said


def test_what_people_wrote_of_a_red_merge_stands_in_its_line() -> None:
    red_one, other = pull("acme/shop/20", 20), pull("acme/shop/21", 21)
    facts = card_facts(
        declined=tuple(ev.Declined(pull=each, how="red") for each in (red_one, other)),
        spoken=(ev.Spoken(pull=red_one, user=CARA, text="it loses the cart"),),
    )
    said = Story().merged().staged().asks(facts=facts).says("card:c1")
    lines = [each for each in said.split("\n") if "out with it:*" in each]
    assert [each.partition(", which ")[2] for each in lines] == [
        f"was red on staging; `{CARA}` wrote: “it loses the cart”",
        "was red on staging",
    ]
