"""Whatever comes to the doors of the running service: the status, the store and the log."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from app.demo.emulate import identity
from tests.scenarios.outside import (
    Headers,
    Json,
    click_payload,
    in_pieces,
    merge_event,
    second_service,
    signature,
    stored,
    threads,
    to_github,
    to_slack_door,
    watched,
    words_event,
)
from tests.scenarios.world import World, buttons, text, world

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = "canary-5f3a"
SHA = "c0ffee1" + "0" * 33
GITHUB = merge_event(SHA, title=CANARY)
SLACK = words_event(CANARY, "1700000000.000100")
MB = 1024 * 1024
GITHUB_CAP, SLACK_CAP = 25 * MB, MB


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def w(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Run one world for all that changes nothing."""
    async with world(tmp_path_factory.mktemp("doors")) as box:
        await watched(box)
        yield box


async def refused(w: World, answer: httpx.Response, status: int, before: object) -> None:
    """Check that a request was turned away without a trace of it."""
    assert answer.status_code == status, answer.text
    assert await stored(w) == before
    assert CANARY not in w.logs()
    assert CANARY not in answer.text


def without(body: Json, *path: str) -> Json:
    """Return a body that lacks a field."""
    copy: Json = json.loads(json.dumps(body))
    place = copy
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return copy


# Signatures.

GITHUB_SIGNATURES: dict[str, Headers] = {
    "missing": {"x-hub-signature-256": None},
    "empty": {"x-hub-signature-256": ""},
    "wrong": {"x-hub-signature-256": "sha256=" + "0" * 64},
    "no prefix": {"x-hub-signature-256": signature(json.dumps(GITHUB).encode())[7:]},
    "not ascii": {"x-hub-signature-256": "sha256=\u00e9"},
    "sha-1 only": {
        "x-hub-signature-256": None,
        "x-hub-signature": signature(json.dumps(GITHUB).encode(), "sha1"),
    },
    "sha-1 in its place": {
        "x-hub-signature-256": signature(json.dumps(GITHUB).encode(), "sha1"),
    },
}


@pytest.mark.parametrize("headers", GITHUB_SIGNATURES.values(), ids=GITHUB_SIGNATURES.keys())
async def test_github_without_a_good_signature(w: World, headers: Headers) -> None:
    before = await stored(w)
    await refused(w, await to_github(w, GITHUB, headers=headers), 401, before)


async def test_github_body_changed_after_signing(w: World) -> None:
    before = await stored(w)
    changed = json.dumps(GITHUB).replace("main", "mail").encode()
    await refused(w, await to_github(w, GITHUB, sent=changed), 401, before)


SLACK_SIGNATURES: dict[str, Headers] = {
    "missing": {"x-slack-signature": None},
    "wrong": {"x-slack-signature": "v0=" + "0" * 64},
    "another version": {"x-slack-signature": "v1=" + "0" * 64},
    "no timestamp": {"x-slack-request-timestamp": None},
    "a word as timestamp": {"x-slack-request-timestamp": "yesterday"},
    "a fraction as timestamp": {"x-slack-request-timestamp": "1700000000.5"},
    "a sign as timestamp": {"x-slack-request-timestamp": "-1"},
    "a huge timestamp": {"x-slack-request-timestamp": "9" * 400},
    "another age's timestamp": {"x-slack-request-timestamp": "1"},
    "underscores": {"x-slack-request-timestamp": "1_700_000_000"},
}


@pytest.mark.parametrize("headers", SLACK_SIGNATURES.values(), ids=SLACK_SIGNATURES.keys())
async def test_slack_without_a_good_signature(w: World, headers: Headers) -> None:
    before = await stored(w)
    await refused(w, await to_slack_door(w, SLACK, headers=headers), 401, before)


@pytest.mark.parametrize("age", [330, -330], ids=["stale", "from the future"])
async def test_slack_with_a_stale_timestamp(w: World, age: int) -> None:
    before = await stored(w)
    await refused(w, await to_slack_door(w, SLACK, age=age), 401, before)


# Size.


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "without a length"])
async def test_github_body_over_the_cap(w: World, chunked: bool) -> None:
    before = await stored(w)
    body = json.dumps(GITHUB).encode().ljust(GITHUB_CAP + 1)
    sent = in_pieces(body) if chunked else body
    await refused(w, await to_github(w, body, sent=sent), 413, before)


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "without a length"])
async def test_slack_body_over_the_cap(w: World, chunked: bool) -> None:
    before = await stored(w)
    body = json.dumps(SLACK).encode().ljust(SLACK_CAP + 1)
    sent = in_pieces(body) if chunked else body
    await refused(w, await to_slack_door(w, body, sent=sent), 413, before)


async def test_bodies_of_just_the_cap_are_read(w: World) -> None:
    foreign = merge_event(SHA) | {"repository": {"id": 1, "full_name": "else/where"}}
    body = json.dumps(foreign).encode().ljust(GITHUB_CAP)
    assert (await to_github(w, body)).status_code == 200
    unheard = words_event("hi", "1.1", channel="C0ELSEWHERE")
    body = json.dumps(unheard).encode().ljust(SLACK_CAP)
    assert (await to_slack_door(w, body)).status_code == 200


# Forms.

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
BROKEN = {
    "empty": b"",
    "broken": f'{{"title": "{CANARY}"'.encode(),
    "not utf-8": f'{{"title": "{CANARY}\xff"}}'.encode("latin-1"),
    "utf-16": json.dumps(GITHUB).encode("utf-16"),
    "an array": f'["{CANARY}"]'.encode(),
    "a word": f'"{CANARY}"'.encode(),
    "null": b"null",
    "a number": b"1",
    "deep": DEEP,
    "a deep list": b"[" * 100_000 + b"]" * 100_000,
    "a huge number": b'{"number": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_github_body_that_is_no_json_object(w: World, body: bytes) -> None:
    before = await stored(w)
    await refused(w, await to_github(w, body), 400, before)


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_slack_body_that_is_no_json_object(w: World, body: bytes) -> None:
    before = await stored(w)
    await refused(w, await to_slack_door(w, body), 400, before)


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_slack_form_that_holds_no_json_object(w: World, body: bytes) -> None:
    before = await stored(w)
    form = urlencode({"payload": body}).encode()
    content_type = "application/x-www-form-urlencoded"
    answer = await to_slack_door(w, form[:SLACK_CAP], headers={"content-type": content_type})
    await refused(w, answer, 400, before)


@pytest.mark.parametrize("depth", [50, 200, 400, 700, 900, 980, 2000])
async def test_slack_event_with_a_deep_field(w: World, depth: int) -> None:
    before = await stored(w)
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    body = json.dumps(SLACK).encode()[:-1] + b', "more": ' + deep + b"}"
    unheard = body.replace(b"C01DEPLOYS", b"C0ELSEWHERE")
    answer = await to_slack_door(w, unheard)
    await refused(w, answer, 400 if answer.status_code == 400 else 200, before)


@pytest.mark.parametrize("depth", [50, 200, 400, 700, 900, 980, 2000])
async def test_github_event_with_a_deep_field(w: World, depth: int) -> None:
    before = await stored(w)
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    body = json.dumps(GITHUB).encode()[:-1] + b', "more": ' + deep + b"}"
    answer = await to_github(w, body.replace(b"acme/shop", b"else/where"))
    await refused(w, answer, 400 if answer.status_code == 400 else 200, before)


GITHUB_FIELDS = [
    ("action",),
    ("repository",),
    ("repository", "id"),
    ("repository", "full_name"),
    ("pull_request",),
    ("pull_request", "number"),
    ("pull_request", "title"),
    ("pull_request", "html_url"),
    ("pull_request", "merged"),
    ("pull_request", "merge_commit_sha"),
    ("pull_request", "base"),
    ("pull_request", "base", "ref"),
    ("pull_request", "head"),
    ("pull_request", "user"),
    ("pull_request", "merged_by"),
]


@pytest.mark.parametrize("path", GITHUB_FIELDS, ids=".".join)
async def test_github_event_with_a_missing_field(w: World, path: tuple[str, ...]) -> None:
    before = await stored(w)
    await refused(w, await to_github(w, without(GITHUB, *path)), 400, before)


@pytest.mark.parametrize("header", ["x-github-event", "x-github-delivery"])
async def test_github_event_without_its_name(w: World, header: str) -> None:
    before = await stored(w)
    await refused(w, await to_github(w, GITHUB, headers={header: None}), 400, before)


CLICK = click_payload("approve", f"acme/shop/0123456789:{CANARY}")
FORM: Json = {
    "type": "view_submission",
    "user": {"id": "U02BOB"},
    "team": {"id": "T01ACME"},
    "view": {
        "type": "modal",
        "callback_id": "feedback",
        "private_metadata": "acme/shop/0123456789:abc",
        "state": {"values": {"feedback": {"feedback": {"value": CANARY}}}},
    },
}
SLACK_FIELDS = [
    (SLACK, ("type",)),
    (SLACK, ("event_id",)),
    (SLACK, ("event",)),
    (SLACK, ("event", "type")),
    (SLACK, ("event", "channel")),
    (SLACK, ("event", "ts")),
    (CLICK, ("type",)),
    (CLICK, ("user",)),
    (CLICK, ("user", "id")),
    (CLICK, ("actions",)),
    (FORM, ("user",)),
    (FORM, ("view",)),
    (FORM, ("view", "state")),
    (FORM, ("view", "callback_id")),
]


@pytest.mark.parametrize(
    ("body", "path"), SLACK_FIELDS, ids=[f"{b['type']} {'.'.join(p)}" for b, p in SLACK_FIELDS]
)
async def test_slack_request_with_a_missing_field(
    w: World, body: Json, path: tuple[str, ...]
) -> None:
    before = await stored(w)
    await refused(w, await to_slack_door(w, without(body, *path)), 400, before)


STRANGE: list[Any] = [None, 0, True, "", "\ud800", "x" * 5000, [[]], {}]


def changed(body: Json, path: tuple[str | int, ...], value: object) -> Json:
    """Return a body with another value in a field."""
    copy: Json = json.loads(json.dumps(body))
    place: Any = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


def paths_of(value: object) -> list[tuple[str | int, ...]]:
    """Return the way to every field, however deep."""
    if isinstance(value, dict):
        items: list[tuple[str | int, object]] = list(cast("Json", value).items())
    else:
        items = list(enumerate(cast("list[object]", value))) if isinstance(value, list) else []
    return [
        way for key, inner in items for way in [(key,), *((key, *rest) for rest in paths_of(inner))]
    ]


COMMAND = {"command": "/deploybot", "text": "status", "user_id": "U01ALICE", "channel_id": "C01"}
BODIES = {
    "words": SLACK,
    "click": CLICK,
    "form": FORM,
    "command": COMMAND,
    "home": SLACK | {"event": {"type": "app_home_opened", "user": "U01ALICE", "tab": "home"}},
    "choice": click_payload("choose_repo_1", '{"repo":"a/b","ts":"1","root":"1","text":"x"}'),
    "session": SLACK
    | {"event": {"type": "agent_session_stopped", "user": "U", "channel": "C", "thread_ts": "1"}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_slack_fields_of_any_form_are_no_fault(w: World, body: Json) -> None:
    for path in paths_of(body):
        for strange in STRANGE:
            answer = await to_slack_door(w, changed(body, path, strange))
            assert answer.status_code < 500, (path, strange)
    assert "slack delivery failed" not in w.logs()
    assert CANARY not in w.logs()


async def test_github_fields_of_any_form_are_no_fault(w: World) -> None:
    elsewhere = GITHUB | {"repository": {"id": 1, "full_name": "else/where"}}
    for path in paths_of(elsewhere):
        for strange in STRANGE:
            answer = await to_github(w, changed(elsewhere, path, strange))
            assert answer.status_code in (200, 400), (path, strange)
    assert CANARY not in w.logs()


# Well-formed, but not for us.

NOT_OURS = {
    "another repository": GITHUB | {"repository": {"id": 1, "full_name": "else/where"}},
    "another branch": merge_event(SHA, base={"ref": "next"}),
    "closed, not merged": merge_event(SHA, merged=False, merge_commit_sha=None),
    "opened": GITHUB | {"action": "opened"},
}


@pytest.mark.parametrize("body", NOT_OURS.values(), ids=NOT_OURS.keys())
async def test_github_event_that_is_not_for_us(w: World, body: Json) -> None:
    before = await stored(w)
    await refused(w, await to_github(w, body), 200, before)


@pytest.mark.parametrize("event", ["push", "ping", "issues", "workflow_job", "\u00e9", "x" * 2000])
async def test_another_github_event(w: World, event: str) -> None:
    before = await stored(w)
    answer = await to_github(w, {"zen": CANARY}, headers={"x-github-event": event})
    await refused(w, answer, 200, before)


NOT_FOR_US: dict[str, Json] = {
    "another event": SLACK | {"event": {"type": "reaction_added"}},
    "another channel": words_event(CANARY, "1.1", channel="C0ELSEWHERE"),
    "a message outside of threads": SLACK,
    "a reply in a thread that is not ours": words_event(CANARY, "1.2", thread_ts="1.1"),
    "a mention in a thread of another channel": words_event(
        CANARY, "1.2", thread_ts="1.1", channel="C0ELSEWHERE"
    ),
    "a bot's words": words_event(CANARY, "1.1", bot_id="B01", type="app_mention"),
    "an edit": words_event(CANARY, "1.1", subtype="message_changed"),
    "a button of another thread": CLICK,
    "a button of another repository": click_payload("approve", "else/where/0123456789:abc"),
    "a button that is no target": click_payload("approve", CANARY),
    "an unknown button": click_payload("explode", CANARY),
    "another form": FORM | {"view": FORM["view"] | {"callback_id": "other"}},
    "another type": {"type": "message_action", "user": {"id": "U01ALICE"}, "callback_id": "x"},
}


@pytest.mark.parametrize("body", NOT_FOR_US.values(), ids=NOT_FOR_US.keys())
async def test_slack_request_that_is_not_for_us(w: World, body: Json) -> None:
    before = await stored(w)
    answer = await to_slack_door(w, body)
    assert answer.status_code == 200
    assert await stored(w) == before
    assert CANARY not in w.logs()


# Again.


async def test_a_merge_is_one_thread_however_often_it_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w, second_service(w) as other:
        main = await w.github.head()
        sha = await w.github.commit({"a.txt": "a\n"}, "A", identity("alice"), [main], main)
        await w.github.move_branch("main", sha)
        body = merge_event(sha)
        assert (await to_github(w, body)).status_code == 202
        again = [
            await to_github(w, body),
            await to_github(w, body, delivery="d-2"),
            await to_github(w, merge_event(sha, title="Another title"), delivery="d-3"),
            await to_github(w, body, url=other),
            await to_github(w, body, url=other, delivery="d-4"),
        ]
        assert [answer.status_code for answer in again] == [200] * 5
        assert len(await threads(w)) == 1
        await w.card("Deploy frontend")
        short = sha[:7]
        assert w.effects() == [
            f"staging frontend {short}",
            f"staging backend {short}",
            f"staging e2e {short}",
        ]


async def test_words_count_once_however_often_they_arrive(tmp_path: Path) -> None:
    async with world(tmp_path) as w, second_service(w) as other:
        await w.merge()
        card = await w.card("Deploy frontend")
        root = card.get("thread_ts")
        said = words_event("what is on production?", "1700000000.000100", thread_ts=root)
        asked = [
            await to_slack_door(w, said),
            await to_slack_door(w, said, headers={"x-slack-retry-num": "1"}),
            await to_slack_door(w, said, url=other, headers={"x-slack-retry-num": "2"}),
            await to_slack_door(w, said | {"event_id": "Ev2"}, url=other),
        ]
        assert [answer.status_code for answer in asked] == [200] * 4
        await w.sees("On production:")
        [entries] = (await threads(w)).values()
        assert [e.event.type for e in entries].count("human_said") == 1
        assert sum("On production:" in text(m) for m in await w.messages()) == 1


async def test_a_mention_told_twice_at_once_to_two_processes_is_one_thread(tmp_path: Path) -> None:
    async with world(tmp_path) as w, second_service(w) as other:
        mention = words_event("what is on production?", "1700000000.000100", type="app_mention")
        message = mention | {"event_id": "Ev2", "event": mention["event"] | {"type": "message"}}
        for body, url in ((mention, w.url), (message, other), (mention, other), (message, w.url)):
            assert (await to_slack_door(w, body, url=url)).status_code == 200
        found = await threads(w)
        assert len(found) == 1
        [entries] = found.values()
        assert [e.event.type for e in entries].count("human_said") == 1


async def test_a_click_told_again_to_another_process_is_one_effect(tmp_path: Path) -> None:
    async with world(tmp_path) as w, second_service(w) as other:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        approve = next(b for b in buttons(card) if b["action_id"] == "approve")
        click = click_payload("approve", approve["value"], message={"ts": card["ts"]})
        form = urlencode({"payload": json.dumps(click)}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-slack-retry-num": "1"}
        for url in (w.url, other, w.url, other):
            answer = await to_slack_door(w, form, url=url, headers=headers)
            assert answer.status_code == 200
        await w.card("Deploy backend")
        assert w.effects().count(f"production frontend {sha[:7]}") == 1
