"""GitHub's webhooks: what is accepted, what is ignored and what is refused."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from structlog.testing import capture_logs

from app.core.config import EnvironmentConfig, RepoConfig
from app.core.errors import StoreUnavailable
from app.core.events import ThreadStarted
from app.core.ids import thread_id_for
from app.core.ports import Look, ThreadLog, Write
from app.demo.child import free_port
from app.demo.emulate import Emulate, identity
from app.github.edge import MAX_BODY_MEGABYTES, github_routes
from app.github.webhook import MalformedWebhook, parse, parse_pull_request, verify
from tests.adapters.github_bodies import SECRET, SHA, encoded, merged, signed
from tests.fakes import FakeLog
from tests.waiting import until

NOTHING = EnvironmentConfig(services={})
SHOP = RepoConfig(
    name="acme/shop",
    branch="main",
    channel="C01DEPLOYS",
    approvers=(),
    staging=NOTHING,
    production=NOTHING,
)


class DownLog(FakeLog):
    """A log whose store is away."""

    async def append(self, write: Write) -> Look | None:
        raise StoreUnavailable


async def deliver(
    log: ThreadLog,
    body: bytes | AsyncIterator[bytes],
    headers: Mapping[str, str],
    secrets: tuple[str, ...] = (SECRET,),
) -> httpx.Response:
    app = FastAPI()
    app.include_router(github_routes(secrets, {"acme/shop": SHOP}, log))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.post("/github/webhook", content=body, headers=dict(headers))


@asynccontextmanager
async def served(log: ThreadLog) -> AsyncGenerator[str]:
    app = FastAPI()
    app.include_router(github_routes([SECRET], {"acme/shop": SHOP}, log))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def deliver_signed(log: ThreadLog, body: bytes, **headers: str) -> httpx.Response:
    return await deliver(log, body, signed(body) | headers)


async def stored(log: FakeLog) -> list[str]:
    return await log.threads("acme/shop", 10)


async def test_a_merge_begins_one_thread() -> None:
    log = FakeLog()
    assert (await deliver_signed(log, encoded(merged()))).status_code == 202
    [thread_id] = await stored(log)
    [entry] = await log.read(thread_id)
    assert thread_id == thread_id_for("acme/shop", "main", SHA)
    assert isinstance(entry.event, ThreadStarted)
    assert (entry.event.sha, entry.event.channel) == (SHA, "C01DEPLOYS")
    assert entry.event.pull_request is not None
    assert entry.event.pull_request.merged_by == "bob"


async def test_the_log_line_of_a_merge_holds_no_words_of_people() -> None:
    with capture_logs() as logged:
        await deliver_signed(FakeLog(), encoded(merged()))
    [line] = logged
    assert (line["event"], line["sha"], line["began"]) == ("merge received", SHA, True)
    assert "Faster checkout" not in str(logged)


async def test_a_merge_in_the_local_github_begins_a_thread() -> None:
    log = FakeLog()
    async with served(log) as url, Emulate.run("acme/shop") as github:
        first = await github.commit({"a": "1"}, "Start", identity("alice"))
        await github.create_branch("main", first)
        await github.register_webhook(f"{url}/github/webhook", SECRET)
        pull = await github.open_pull_request("Faster", "Why", "alice", {"a": "2"})
        sha = await github.merge(pull.number, "bob")
        await until(lambda: stored(log))
    [entry] = await log.read(thread_id_for("acme/shop", "main", sha))
    assert isinstance(entry.event, ThreadStarted)
    assert entry.event.pull_request is not None
    assert (entry.event.pull_request.author, entry.event.pull_request.merged_by) == ("alice", "bob")


async def test_the_same_delivery_again_changes_nothing() -> None:
    log = FakeLog()
    body = encoded(merged())
    await deliver_signed(log, body)
    assert (await deliver_signed(log, body)).status_code == 200
    assert len(await log.read((await stored(log))[0])) == 1


async def test_the_same_merge_in_another_delivery_changes_nothing() -> None:
    log = FakeLog()
    await deliver_signed(log, encoded(merged()))
    again = encoded(merged(pull_request__title="Edited"))
    assert (await deliver_signed(log, again, **{"X-GitHub-Delivery": "d-2"})).status_code == 200
    assert len(await log.read((await stored(log))[0])) == 1


async def test_a_delivery_id_that_is_used_again_is_another_merge() -> None:
    log = FakeLog()
    await deliver_signed(log, encoded(merged()))
    other = encoded(merged(pull_request__merge_commit_sha="b" * 40))
    assert (await deliver_signed(log, other)).status_code == 202
    assert len(await stored(log)) == 2


async def test_the_repositorys_name_may_be_in_other_case() -> None:
    log = FakeLog()
    await deliver_signed(log, encoded(merged(repository__full_name="Acme/Shop")))
    assert len(await stored(log)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "opened"},
        {"pull_request__merged": False, "pull_request__merge_commit_sha": None},
        {"pull_request__base__ref": "release"},
        {"repository__full_name": "acme/other"},
    ],
)
async def test_what_is_not_for_us_is_ignored(changes: dict[str, Any]) -> None:
    log = FakeLog()
    response = await deliver_signed(log, encoded(merged(**changes)))
    assert (response.status_code, response.text) == (200, "Ignored.\n")
    assert await stored(log) == []


async def test_other_events_are_ignored_whatever_they_hold() -> None:
    log = FakeLog()
    response = await deliver_signed(log, b'{"zen": 1}', **{"X-GitHub-Event": "ping"})
    assert (response.status_code, response.text) == (200, "Ignored.\n")


def sha1(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    headers = {k: v for k, v in signed(body).items() if k != "X-Hub-Signature-256"}
    return headers | {"X-Hub-Signature": f"sha1={digest}"}


BODY = encoded(merged())


@pytest.mark.parametrize(
    "headers",
    [
        {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d-1"},
        sha1(BODY),
        signed(BODY, "another secret"),
        signed(BODY + b" "),
        signed(BODY) | {"X-Hub-Signature-256": ""},
        signed(BODY) | {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        signed(BODY) | {"X-Hub-Signature-256": signed(BODY)["X-Hub-Signature-256"].upper()},
        signed(BODY, ""),
    ],
)
async def test_a_signature_that_is_not_right_is_401(headers: dict[str, str]) -> None:
    log = FakeLog()
    response = await deliver(log, BODY, headers, secrets=(SECRET, ""))
    assert response.status_code == 401
    assert await stored(log) == []


def test_a_signature_with_strange_characters_is_just_wrong() -> None:
    assert not verify([SECRET], BODY, {"X-Hub-Signature-256": "sha256=é"})


def test_without_a_secret_nothing_is_right() -> None:
    assert not verify([], BODY, signed(BODY))


@pytest.mark.parametrize("secret", ["old", "new"])
def test_both_secrets_count_while_they_are_rotated(secret: str) -> None:
    assert verify(["old", "new"], BODY, signed(BODY, secret))


BROKEN = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"payload=%7B%7D", "application/json"),
    (b'{"a": "\xff"}', "not UTF-8"),
    ('{"a": "é"}'.encode("utf-16"), "not UTF-8"),
    (b"[]", "not a JSON object"),
    (b"null", "not a JSON object"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
    (b"{}", "no action"),
    (b'{"action": "closed"}', "pull_request"),
    (encoded(merged(pull_request__merge_commit_sha=None)), "merge_commit_sha"),
    (encoded(merged(pull_request__merge_commit_sha="4af9ec0")), "merge_commit_sha"),
    (encoded(merged(pull_request__merge_commit_sha=SHA + "\n")), "merge_commit_sha"),
    (encoded(merged(pull_request__merged="yes")), "merged"),
    (encoded(merged(pull_request__base=None)), "base"),
    (encoded(merged(pull_request__html_url="javascript:1")), "html_url"),
    (encoded(merged(repository=7)), "repository"),
]


@pytest.mark.parametrize(("body", "says"), BROKEN)
async def test_a_broken_body_is_400_with_a_sentence(body: bytes, says: str) -> None:
    log = FakeLog()
    response = await deliver_signed(log, body)
    assert response.status_code == 400
    assert says in response.text
    assert await stored(log) == []


@pytest.mark.parametrize("name", ["X-GitHub-Event", "X-GitHub-Delivery"])
async def test_a_missing_header_is_400(name: str) -> None:
    assert (await deliver_signed(FakeLog(), BODY, **{name: ""})).status_code == 400


async def test_a_body_over_the_cap_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**20
            yield b" " * 2**20

    log = FakeLog()
    assert (await deliver(log, endless(), signed(b""))).status_code == 413
    assert sent <= (MAX_BODY_MEGABYTES + 2) * 2**20


async def test_a_length_over_the_cap_is_refused_before_the_body() -> None:
    headers = signed(BODY) | {"Content-Length": str(MAX_BODY_MEGABYTES * 2**20 + 1)}
    assert (await deliver(FakeLog(), BODY, headers)).status_code == 413


async def test_a_length_that_lies_does_not_lift_the_cap() -> None:
    async def large() -> AsyncIterator[bytes]:
        for _ in range(26):
            yield b" " * 2**20

    headers = signed(b"") | {"Content-Length": "10"}
    assert (await deliver(FakeLog(), large(), headers)).status_code == 413


async def test_without_the_store_the_answer_is_503() -> None:
    assert (await deliver_signed(DownLog(), BODY)).status_code == 503


async def test_refused_bodies_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    await deliver_signed(FakeLog(), b'{"action": "closed", "canary": "s3cret"}')
    assert "s3cret" not in "".join(capsys.readouterr())


def test_long_text_is_cut() -> None:
    long = merged(pull_request__title="t" * 9999, pull_request__body="b" * 9999)
    merge = parse(encoded(long), "pull_request")
    assert merge is not None
    assert (len(merge.pull_request.title), len(merge.pull_request.body)) == (300, 4000)


def test_text_that_is_no_unicode_can_be_stored() -> None:
    merge = parse(encoded(merged(pull_request__title="a\ud800b")), "pull_request")
    assert merge is not None
    assert merge.pull_request.title == "a?b"


def test_a_deleted_account_is_the_ghost() -> None:
    merge = parse(encoded(merged(pull_request__user=None)), "pull_request")
    assert merge is not None
    assert merge.pull_request.author == "ghost"


def test_no_part_of_the_body_is_in_the_error() -> None:
    with pytest.raises(MalformedWebhook) as caught:
        parse(encoded(merged(pull_request__base="s3cret")), "pull_request")
    assert "s3cret" not in str(caught.value)


async def test_a_merge_whose_causes_were_forgotten_begins_no_second_thread() -> None:
    log = FakeLog()
    thread_id = thread_id_for("acme/shop", "main", SHA)
    began = ThreadStarted(
        thread_id=thread_id,
        repo="acme/shop",
        branch="main",
        channel="C01DEPLOYS",
        origin="merge",
        sha=SHA,
    )
    await log.append(Write(thread_id, [began]))
    answer = await deliver_signed(log, BODY)
    assert (answer.status_code, answer.text) == (200, "Seen before.\n")
    assert len(await log.read(thread_id)) == 1


def test_the_apis_pull_request_is_the_same_merge() -> None:
    pull = merged()["pull_request"]
    assert parse_pull_request(encoded(pull), "acme/shop") == parse(BODY, "pull_request")
    assert parse_pull_request(encoded(pull | {"merged": False}), "acme/shop") is None


@pytest.mark.parametrize(
    "change", [{"merged": None}, {"title": 5}, {"merge_commit_sha": "4af9ec0"}]
)
def test_an_undocumented_pull_request_of_the_api_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedWebhook):
        parse_pull_request(encoded(merged()["pull_request"] | change), "acme/shop")
