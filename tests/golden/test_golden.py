"""Threads that a release left paused go on under this version, and are told of what is newer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from app.core import clicks, thread_clicks
from app.core import events as ev
from app.core.clicks import Accepted, Click, Refused
from app.core.policy import Person
from app.core.ports import Write
from app.core.spec import spec_hash
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.slack.messages import render
from tests import payloads
from tests.golden.make import BACKEND_LOCK, OLD, OTHER
from tests.golden.room import SHA, THREAD, Room
from tests.shop import BOB, REPO, repo_config
from tests.story import Story

RELEASES = sorted(folder for folder in Path(__file__).parent.iterdir() if folder.name[0].isdigit())
LOG = f"{{{REPO}}}:log:{THREAD}"
BACKEND = "production backend 4af9ec0"
TESTS = "production e2e 4af9ec0"


@pytest.fixture
async def client(clean_redis_url: str) -> AsyncIterator[Any]:
    """Give the raw client of an empty store."""
    client = connect(clean_redis_url)
    yield cast("Any", client)
    await client.aclose()


@pytest.fixture
async def room(redis_log: RedisLog) -> Room:
    """Give the room of a thread in that store."""
    return Room(redis_log)


def written(release: Path, pause: str) -> str:
    """Return what the store of a release held at a pause."""
    return (release / f"{pause}.json").read_text()


async def restore(client: Any, room: Room, snapshot: str) -> None:
    """Put a release's store back, as of then."""
    then: dict[str, Any] = json.loads(snapshot)
    for key, (kind, value) in then["store"].items():
        match kind:
            case "list":
                await client.rpush(key, *value)
            case "hash":
                await client.hset(key, mapping=value)
            case "zset":
                await client.zadd(key, dict(value))
            case "set":
                await client.sadd(key, *value)
            case _:
                await client.set(key, value)
    await room.sets_clock(then["now"] + 60_000)
    # What was sent to the target before the pause is known there.
    runs = (await room.state()).runs.values()
    room.deployer.seen.update({run.attempt.attempt_id: run.attempt for run in runs if run.sent})


# How people and the world go on.


async def approve(room: Room) -> None:
    room.model.will("done_for_now", message="Done.")
    await room.does(await room.grant())


async def read_words(room: Room) -> None:
    room.model.will("reply", message="As soon as the backend is out.")
    await room.passes(60_000)
    await approve(room)


async def look_again(room: Room) -> None:
    room.model.will("done_for_now", message="Done.")
    await room.passes(10_000)


async def happened(room: Room) -> None:
    room.model.will("done_for_now", message="Done.")
    state = await room.state()
    assert state.unknown
    shown = state.cards[state.unknown.call_id or ""].request.spec_hash
    await room.does(
        ev.OutcomeStated(
            attempt_id=state.unknown.attempt.attempt_id, happened=True, user=BOB, spec_hash=shown
        )
    )


async def answer(room: Room) -> None:
    room.model.will("deploy_backend_to_prod", sha=SHA, reason="as you say")
    await room.does(ev.HumanSaid(user=BOB, text="api"))
    await approve(room)


async def take_up(room: Room) -> None:
    room.model.will("deploy_backend_to_prod", sha=SHA, reason="as before")
    await room.does(ev.Continued(user=BOB))
    await approve(room)


async def ask_again(room: Room) -> None:
    state = await room.state()
    await room.does(ev.AskedAgain(call_id=list(state.cards)[-1], user=BOB))
    await approve(room)


async def reach_the_card(room: Room) -> None:
    room.model.will("deploy_backend_to_prod", sha=SHA, reason="next")
    await room.passes(3_600_000)
    await approve(room)


async def get_the_lock(room: Room) -> None:
    waits = (await room.state()).waits_for_lock
    assert waits
    assert (waits.target, waits.holder) == (BACKEND_LOCK, OTHER)
    room.model.will("done_for_now", message="Done.")
    await room.log.append(Write(OTHER, [], release=[BACKEND_LOCK], silent=True))
    await room.settles()


async def see_the_run_end(room: Room) -> None:
    room.deploys_by_workflow()
    running = (await room.state()).running
    assert running
    room.github.has(int(running.reference))
    await look_again(room)
    assert (await room.state()).running
    room.github.ends(int(running.reference))
    await look_again(room)


GOES_ON: Mapping[str, tuple[Callable[[Room], Awaitable[None]], list[str]]] = {
    "card_waits": (approve, [BACKEND, TESTS]),
    "words_are_unread": (read_words, [BACKEND, TESTS]),
    "approved_and_not_started": (look_again, [BACKEND, TESTS]),
    "deploy_runs": (look_again, [TESTS]),
    "outcome_is_unknown": (happened, [TESTS]),
    "rollback_is_asked": (approve, [f"production backend {OLD[:7]}", f"production e2e {OLD[:7]}"]),
    "question_is_open": (answer, [BACKEND, TESTS]),
    "stopped": (take_up, [BACKEND, TESTS]),
    "expired": (ask_again, [BACKEND, TESTS]),
    "staging_runs": (reach_the_card, [BACKEND, TESTS]),
    "waits_for_a_time": (reach_the_card, [BACKEND, TESTS]),
    "waits_for_a_lock": (get_the_lock, [BACKEND, TESTS]),
    "workflow_runs": (see_the_run_end, [TESTS]),
}
SINCE = {"workflow_runs": "0.3"}


def known_to(release: Path) -> set[str]:
    """Return the pauses that a release could come to."""
    return {pause for pause in GOES_ON if release.name >= SINCE.get(pause, "")}


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_every_pause_of_a_release_is_written_down(release: Path) -> None:
    assert {snapshot.stem for snapshot in release.iterdir()} == known_to(release)


@pytest.mark.parametrize(
    ("release", "pause"),
    [(release, pause) for release in RELEASES for pause in sorted(known_to(release))],
    ids=lambda part: part if isinstance(part, str) else part.name,
)
async def test_a_thread_of_a_release_goes_on(
    client: Any, room: Room, release: Path, pause: str
) -> None:
    await restore(client, room, written(release, pause))
    goes_on, effects = GOES_ON[pause]
    await goes_on(room)
    state = await room.state()
    assert room.production == effects
    assert (state.newer, state.fault, state.pending, state.running) == ([], None, None, None)
    assert await room.log.locks(REPO) == {}


# What a newer version wrote, when this one is put back.


@pytest.fixture
async def newer(client: Any, room: Room) -> Room:
    """Open a thread in which a newer version wrote an event behind an open card."""
    await restore(client, room, written(RELEASES[-1], "card_waits"))
    entry = {"at": await room.log.now(REPO), "write": "w", "event": {"type": "canary_watched"}}
    await client.rpush(LOG, json.dumps(entry))
    return room


async def shown(room: Room) -> str:
    state, now = await room.state(), await room.log.now(REPO)
    status = render(state, repo_config(), now)["status"]
    return payloads.words(status.text, status.blocks)


async def test_an_event_of_a_newer_version_is_kept_and_shown(newer: Room, client: Any) -> None:
    assert "`canary_watched` cannot be read: written by a newer version" in await shown(newer)
    await newer.does(ev.HumanSaid(user=BOB, text="hello?"))
    assert '"canary_watched"' in (await client.lrange(LOG, 0, -1))[-2]


async def test_nothing_is_begun_where_an_event_is_not_understood(newer: Room) -> None:
    state = await newer.state()
    assert state.pending
    call_id = state.pending.request.call_id
    person = Person(BOB)
    click = Click(state, repo_config(), person, call_id, await newer.log.now(REPO), {})
    refused = clicks.approve(click)
    assert isinstance(refused, Refused)
    assert refused.sentence.startswith("There is something in this thread that I cannot read")
    await newer.does(await newer.grant())
    await newer.passes(600_000)
    assert newer.production == []


async def test_what_runs_is_observed_to_its_end_all_the_same(client: Any, room: Room) -> None:
    await restore(client, room, written(RELEASES[-1], "deploy_runs"))
    entry = {"at": await room.log.now(REPO), "write": "w", "event": {"type": "canary_watched"}}
    await client.rpush(LOG, json.dumps(entry))
    await room.passes(10_000)
    state = await room.state()
    assert [run.outcome for run in state.runs.values() if run.is_production_effect] == ["succeeded"]
    assert room.production == []


async def test_people_can_still_stop_such_a_thread(newer: Room) -> None:
    state, now = await newer.state(), await newer.log.now(REPO)
    decision = thread_clicks.stop(Click(state, repo_config(), Person(BOB), "", now, {}))
    assert isinstance(decision, Accepted)
    await newer.does(*decision.events)
    assert (await newer.state()).pending is None


async def test_fields_of_a_newer_version_change_nothing(client: Any, room: Room) -> None:
    await restore(client, room, written(RELEASES[-1], "card_waits"))
    for index, line in enumerate(await client.lrange(LOG, 0, -1)):
        entry = json.loads(line)
        entry["newer"] = entry["event"]["newer"] = {"a": 1}
        await client.lset(LOG, index, json.dumps(entry))
    await approve(room)
    assert room.production == [BACKEND, TESTS]


async def test_an_action_with_more_in_it_than_is_understood_is_never_run(
    client: Any, room: Room
) -> None:
    await restore(client, room, written(RELEASES[-1], "card_waits"))
    line = await client.lindex(LOG, -1)
    entry = json.loads(line)
    entry["event"]["spec"]["also"] = "the database"
    await client.lset(LOG, -1, json.dumps(entry))
    state = await room.state()
    assert (state.newer, state.pending) == (["approval_requested"], None)
    granted = ev.ApprovalGranted(
        call_id=entry["event"]["call_id"], spec_hash=entry["event"]["spec_hash"], user=BOB
    )
    await room.does(granted)
    assert (await room.state()).newer == ["approval_requested", "approval_granted"]
    assert room.production == []


async def test_a_line_that_nobody_can_read_keeps_no_other_thread_from_going_on(
    client: Any, room: Room
) -> None:
    snapshot = json.loads(written(RELEASES[-1], "card_waits"))
    snapshot["store"][LOG][1][0] = "\x00 not json"
    await restore(client, room, json.dumps(snapshot))
    await room.log.append(Write(THREAD, [ev.HumanSaid(user=BOB, text="hello?")]))
    began = Story().merged().entries[0].event
    await room.log.append(Write(f"{REPO}/0123456789", [began]))
    await room.settles()
    assert (await room.state()).newer[0] == "unreadable"
    assert room.deployer.effects[-1] == "staging e2e 4af9ec0"


async def test_a_card_of_a_release_has_the_hash_that_was_approved(client: Any, room: Room) -> None:
    await restore(client, room, written(RELEASES[0], "card_waits"))
    card = (await room.state()).pending
    assert card
    assert spec_hash(card.request.spec) == card.request.spec_hash
