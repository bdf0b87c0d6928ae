"""Where a merge is, what happens in its thread and why: answered from facts."""

import json
from collections.abc import Mapping, Sequence

import pytest

from app.core import events as ev
from app.core import where_now
from app.core.ports import Write
from app.core.what_waits import THREADS
from app.model.offline import OfflinePlanner
from tests.core.box import Box
from tests.core.town import ONE, TWO, Town, town
from tests.fake_source import FakeSource
from tests.shop import BOB, REPO
from tests.story import NEW, OLD, Story

OTHER = ev.Pull(
    thread_id="acme/shop/fedcba9876",
    sha="b" * 40,
    number=14,
    title="Tax",
    url="https://github.com/acme/shop/pull/14",
    author="",
    at=0,
)
NOTHING_RUNS: Mapping[str, str] = {}
NOWHERE = "not on production by itself, as far as I know"


def told(
    story: Story,
    ships: Story | None = None,
    running: Mapping[str, str] = NOTHING_RUNS,
    with_it: Sequence[str] = (),
) -> list[str]:
    """Say where a thread is, which another one may ship."""
    state, is_now = story.state, where_now.Now(running, with_it)
    answer = where_now.where(
        *(story.repo, state, ships.state if ships else state, story.facts, story.now, is_now)
    )
    return [answer.title, *("".join(piece.text for piece in line) for line in answer.lines)]


def shipped() -> Story:
    return Story().merged().staged().ships()


@pytest.mark.parametrize(
    ("running", "with_it", "line"),
    [
        ({}, (), "backend runs it on production since {at}: 4af9ec0"),
        ({"backend": NEW}, ("backend",), "backend runs it on production since {at}: 4af9ec0"),
        ({"backend": OLD}, (), "backend got it on production {at}, and runs 1111111 now"),
        (
            {"backend": OLD},
            ("backend",),
            "backend got it on production {at}, and runs 1111111 now, which has it",
        ),
    ],
)
def test_what_a_merge_brought_to_production_is_told_with_its_time(
    running: dict[str, str], with_it: Sequence[str], line: str
) -> None:
    story = shipped()
    [run] = [run for run in story.state.runs.values() if run.is_production_effect]
    assert told(story, running=running, with_it=with_it) == [
        "#12 Add gift cards:",
        line.format(at=run.ended_at),
    ]


def test_what_runs_a_newer_commit_with_it_is_told() -> None:
    runs = {"backend": OLD, "frontend": OLD}
    assert told(Story().merged(), running=runs, with_it=list(runs))[1] == (
        "backend and frontend run a newer commit on production, which has it"
    )


def test_what_was_rolled_back_is_told() -> None:
    story = shipped().asks("c2", kind="rollback", sha=OLD).approves(call_id="c2")
    back = ev.Attempt(
        attempt_id="b",
        kind="rollback",
        repo=story.state.repo,
        environment="production",
        service="backend",
        sha=OLD,
        deployer="command",
        arguments={},
    )
    story.then(ev.ToolStarted(attempt=back, call_id="c2", fence=1, locks=(), send_by=story.now))
    story.ends("b")
    at = story.state.runs["b"].ended_at
    assert told(story)[1] == f"backend had it on production, and was rolled back {at} to 1111111"


def test_what_another_merge_brought_along_is_told() -> None:
    out = ev.WentOut(by=OTHER, service="backend", back=False)
    story = Story().merged().then(out)
    at = story.state.went_out["backend"].at
    assert told(story)[1] == f"backend has it on production since {at}, with #14 Tax"
    story.then(ev.WentOut(by=OTHER, service="frontend", back=False), ev.StopRequested(user=BOB))
    assert not any("stopped by" in line for line in told(story))


def test_the_merge_that_ships_it_is_told_with_what_it_does() -> None:
    joined = Story().merged().staged().then(ev.Superseded(into=OTHER))
    title, ships, card = told(joined, Story().merged().staged().asks())
    assert (title, ships) == ("#12 Add gift cards:", "it ships with #14 Tax")
    assert card.startswith("deploy backend 4af9ec0 waits for approval since ")


def test_what_somebody_else_brought_there_is_told_as_such() -> None:
    line = "backend runs it on production; I did not bring it there"
    assert told(Story().merged(), running={"backend": NEW, "frontend": OLD})[1] == line


def test_a_merge_on_its_way_says_how_far_it_is() -> None:
    story = Story().merged()
    assert told(story)[1:] == [NOWHERE, f"waits for staging since {story.now}"]
    story.starts("s")
    assert told(story)[1:] == [NOWHERE, f"on staging since {story.now - 1000}"]
    story.then(ev.StopRequested(user=BOB))
    assert told(story)[2] == f'stopped by {BOB}; "continue" takes it up again'


def test_a_card_says_why_in_whose_words() -> None:
    lines = told(Story().merged().staged().asks(reason="As asked for."))
    assert lines[-1] == "why, in the words of the model: As asked for."


def test_red_tests_without_names_are_red() -> None:
    red = shipped().then(ev.VerificationEnded(passed=False, versions={}))
    assert told(red)[2] == "production tests are red: the tests do not say which"


def test_a_thread_without_a_merge_may_be_at_rest() -> None:
    story = Story().began_by_command()
    assert told(story) == ["Here: nothing happens, and nothing waits."]


async def test_a_pull_request_is_found_by_its_number() -> None:
    box = town()
    await box.merged(ONE, TWO)
    await box.ships(ONE)
    await box.mentions("is #1 on production?")
    assert (await box.state()).says[-1].text == "#1 Change 1:"
    assert (await here(box))[:2] == [
        "frontend runs it on production since T: 1111111",
        "backend runs it on production since T: 1111111",
    ]


async def test_a_pull_request_is_found_however_many_threads_began_since() -> None:
    box = town()
    await box.merged(ONE)
    await box.ships(ONE)
    for number in range(THREADS + 1):
        await box.log.append(Write(f"{REPO}/{number}", [ev.LocksReleased(targets=())], silent=True))
    await box.mentions("is #1 on production?")
    assert (await here(box))[0] == "frontend runs it on production since T: 1111111"


async def test_one_whose_number_an_older_version_did_not_note_is_found_by_the_record() -> None:
    box = town()
    await box.merged(ONE)
    await box.ships(ONE)
    line = {"kind": "staged", "sha": ONE, "thread": box.thread_of(ONE), "at": 0, "pull": 41}
    await box.log.append(Write(f"{REPO}/0", [], history=[json.dumps(line)], silent=True))
    await box.mentions("is #41 on production?")
    assert (await here(box))[0] == "frontend runs it on production since T: 1111111"


async def here(box: Town) -> list[str]:
    """Return the lines of the newest answer."""
    lines = (await box.state()).says[-1].lines
    return ["".join(p.text if p.kind != "time" else "T" for p in line) for line in lines]


async def test_what_another_merge_ships_is_followed_to_it() -> None:
    box = town()
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await box.mentions("where is #1?")
    lines = await here(box)
    assert lines[0] == "it ships with #2 Change 2"
    assert lines[1].startswith("deploy frontend 2222222 waits for approval since ")


async def test_what_another_merge_shipped_is_one_line_for_each_service_with_its_time() -> None:
    box = town()
    await box.merged(ONE, TWO)
    await box.presses("both", ONE)
    await box.ships(TWO)
    for asked in ("is #1 on production?", "when did #1 go out?"):
        await box.mentions(asked)
        assert [line.removesuffix(" · thread") for line in await here(box)] == [
            "frontend has it on production since T, with #2 Change 2",
            "backend has it on production since T, with #2 Change 2",
        ]


@pytest.mark.parametrize("source", [FakeSource([OLD, ONE, TWO]), None])
async def test_what_a_newer_commit_has_in_it_is_on_production(source: FakeSource | None) -> None:
    box = town(source)
    await box.merged(ONE)
    await box.presses("stop", ONE)
    await box.merged(TWO)
    facts = {
        f"running/{service}": json.dumps({"sha": TWO, "thread": f"{REPO}/0", "at": 0})
        for service in ("frontend", "backend")
    }
    await box.log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))
    await box.mentions("is #1 on production?")
    assert (await here(box))[0] == (
        "frontend and backend run a newer commit on production, which has it"
    )


async def test_an_unknown_pull_request_is_said_to_be_unknown() -> None:
    box = town()
    await box.merged(ONE)
    await box.mentions("is #99 live?")
    told = (await box.state()).says[-1].text
    assert told == (
        "I cannot do that: no merge of #99 into main has reached me; "
        'ask "when did 1a2b3c4 go out?" with its commit, or "what is on production?"'
    )


async def test_what_is_no_number_is_refused() -> None:
    box = Box()
    box.model.will("tell_facts", about="thread", of="backend")
    box.model.will("reply", message="I do not know.")
    await box.mentions("where is it?")
    assert (await box.state()).last_error == ("'backend' is no pull request; write it like #42")


async def test_nothing_known_is_answered_with_what_can_be_asked() -> None:
    box = Box(model=OfflinePlanner())
    await box.mentions("who likes pizza?")
    told = (await box.state()).says[-1].text
    assert told.startswith('I cannot answer that. Ask "what is happening?", ')
