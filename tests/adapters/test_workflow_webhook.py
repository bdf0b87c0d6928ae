"""GitHub's `workflow_run` webhooks: who is woken, and what is ignored."""

from typing import Any

import httpx
import pytest

from app.core.errors import StoreUnavailable
from app.core.events import Attempt, ThreadStarted, ToolStarted
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ledger import write
from app.core.ports import Queue, ThreadLog, Write
from app.github.webhook import MalformedWebhook, Ran, parse_run
from tests.adapters.github_bodies import SHA, encoded, signed
from tests.adapters.test_github_webhook import deliver
from tests.fakes import FakeLog
from tests.shop import REPO

ID = "3f2a9c8b7d6e5f4a3b2c1d0e9f8a7b6c"
THREAD = f"{REPO}/aaaaaaaaaa"
TITLE = f"Deploy backend to production: {SHA} ({ID})"
WORK: Queue = "work"


class AwayLog(FakeLog):
    """A log whose store is away."""

    async def find(self, repo: str, channel: str, ts: str) -> str | None:
        raise StoreUnavailable


def ran(title: str = TITLE, action: str = "completed", **changes: Any) -> dict[str, Any]:
    run: dict[str, Any] = {
        "id": 5001,
        "display_title": title,
        "event": "workflow_dispatch",
        "status": "completed",
        "conclusion": "success",
        "head_branch": "main",
        "head_sha": "d" * 40,
    }
    return {
        "action": action,
        "repository": {"id": 42, "full_name": REPO},
        "workflow_run": run | changes,
    }


async def told(log: ThreadLog, data: object, delivery: str = "d-1") -> httpx.Response:
    body = encoded(data)
    names = {"X-GitHub-Event": "workflow_run", "X-GitHub-Delivery": delivery}
    return await deliver(log, body, signed(body) | names)


async def deploying() -> FakeLog:
    """Return a log with a thread that waits for its attempt's run."""
    log = FakeLog()
    attempt = Attempt(
        attempt_id=ID,
        kind="deploy",
        repo=REPO,
        environment="staging",
        service="backend",
        sha=SHA,
        deployer="github_actions",
        arguments={},
    )
    begun = ThreadStarted(
        thread_id=THREAD, repo=REPO, branch="main", channel="C01DEPLOYS", origin="merge", sha=SHA
    )
    await log.append(Write(THREAD, [begun]))
    started = ToolStarted(attempt=attempt, call_id=None, fence=1, locks=(), send_by=0)
    await log.append(write(fold(await log.read(THREAD)), [started], 0))
    await rests(log, THREAD)
    return log


async def rests(log: FakeLog, thread_id: str) -> None:
    """Let a worker have done all that there was to do."""
    claim = await log.claim(REPO, WORK)
    assert claim
    assert claim.thread_id == thread_id
    await log.park(claim, WORK, len(await log.read(thread_id)), None)


async def woken(log: FakeLog) -> str | None:
    claim = await log.claim(REPO, WORK)
    return claim.thread_id if claim else None


@pytest.mark.parametrize("action", ["requested", "in_progress", "completed"])
async def test_a_run_of_a_known_attempt_wakes_its_thread(action: str) -> None:
    log = await deploying()
    assert (await told(log, ran(action=action))).status_code == 202
    assert await woken(log) == THREAD
    assert len(await log.read(THREAD)) == 2


async def test_the_same_delivery_again_wakes_nobody() -> None:
    log = await deploying()
    await told(log, ran())
    await rests(log, THREAD)
    assert (await told(log, ran())).status_code == 200
    assert await woken(log) is None
    assert (await told(log, ran(), "d-2")).status_code == 202


@pytest.mark.parametrize("title", ["Deploy", f"Deploy {'e' * 32}", f"Deploy {ID}0", ID.upper()])
async def test_an_unknown_run_is_ignored(title: str) -> None:
    log = await deploying()
    answer = await told(log, ran(title))
    assert (answer.status_code, answer.text) == (200, "Ignored.\n")
    assert await woken(log) is None


async def test_a_run_of_another_repository_is_ignored() -> None:
    log = await deploying()
    other = ran() | {"repository": {"id": 43, "full_name": "acme/other"}}
    assert (await told(log, other)).text == "Ignored.\n"
    assert await woken(log) is None


async def test_what_began_by_a_push_wakes_the_thread_of_its_merge() -> None:
    log = FakeLog()
    thread_id = thread_id_for(REPO, "main", SHA)
    begun = ThreadStarted(
        thread_id=thread_id, repo=REPO, branch="main", channel="C01DEPLOYS", origin="merge", sha=SHA
    )
    await log.append(Write(thread_id, [begun]))
    await rests(log, thread_id)
    answer = await told(log, ran("Merge pull request #7", event="push", head_sha=SHA))
    assert answer.status_code == 202
    assert await woken(log) == thread_id


@pytest.mark.parametrize("action", ["created", "rerequested"])
async def test_another_action_is_ignored(action: str) -> None:
    log = await deploying()
    assert (await told(log, ran(action=action))).text == "Ignored.\n"


async def test_without_the_store_the_run_is_looked_at_later() -> None:
    answer = await told(AwayLog(), ran())
    assert answer.status_code == 200
    assert "looked at later" in answer.text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "no action"),
        ({"action": 5}, "no action"),
        ({"action": "completed"}, "repository, workflow_run"),
        (ran(head_sha="4af9ec0"), "workflow_run.head_sha"),
        (ran(display_title=None), "workflow_run.display_title"),
        ([], "not a JSON object"),
    ],
)
async def test_a_broken_run_is_400_with_a_sentence(data: object, says: str) -> None:
    answer = await told(FakeLog(), data)
    assert answer.status_code == 400
    assert says in answer.text


def test_no_part_of_the_body_is_in_the_error() -> None:
    with pytest.raises(MalformedWebhook) as caught:
        parse_run(encoded(ran(head_sha="s3cret")))
    assert "s3cret" not in str(caught.value)


def test_a_run_without_a_branch_is_a_run() -> None:
    found = parse_run(encoded(ran(head_branch=None)))
    assert found == Ran(REPO, "", "d" * 40, (ID,))


def test_of_a_title_only_so_much_is_read() -> None:
    many = " ".join(f"{number:032x}" for number in range(9999))
    found = parse_run(encoded(ran(many)))
    assert found
    assert len(found.attempts) == 4
