"""GitHub's `workflow_run` webhooks: who is woken, and what is ignored."""

from typing import Any

import httpx
import pytest

from app.core.errors import Conflict, StoreUnavailable
from app.core.events import (
    Attempt,
    HumanSaid,
    ThreadStarted,
    ToolStarted,
    WaitEnded,
    WaitStarted,
)
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ledger import write
from app.core.ports import Look, Queue, ThreadLog, Write
from app.github.webhook import MalformedWebhook, Ran, parse_run
from tests.adapters.github_bodies import SHA, encoded, signed
from tests.adapters.test_github_webhook import deliver
from tests.fakes import FakeLog
from tests.shop import REPO

ID = "3f2a9c8b7d6e5f4a3b2c1d0e9f8a7b6c"
THREAD = f"{REPO}/aaaaaaaaaa"
TITLE = f"Deploy backend to production: {SHA} ({ID})"
URL = "https://github.com/acme/shop/actions/runs/5001"
WAITER = f"{REPO}/bbbbbbbbbb"
UNTIL = 1_900_000_000_000
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
        "path": ".github/workflows/deploy.yml",
        "html_url": URL,
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


async def test_without_the_store_a_run_is_not_acknowledged() -> None:
    answer = await told(AwayLog(), ran())
    assert answer.status_code == 503
    assert "send this again" in answer.text


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
    assert found == Ran(REPO, "", "d" * 40, (ID,), 5001, "deploy.yml", "success", URL)


def test_a_run_is_of_its_workflows_file_and_has_no_conclusion_before_its_end() -> None:
    path = ".github/workflows/deploy.yml@refs/heads/main"
    found = parse_run(encoded(ran(action="in_progress", path=path, conclusion=None)))
    assert found
    assert (found.workflow, found.conclusion) == ("deploy.yml", None)


def test_a_conclusion_that_nobody_documents_is_not_repeated() -> None:
    found = parse_run(encoded(ran(conclusion="<!channel> approved")))
    assert found
    assert found.conclusion == "in a way that I do not know"


# Threads that wait for a run.


async def waiting(log: FakeLog, event: str = "run/5001", **more: Any) -> None:
    """Let a thread wait."""
    begun = ThreadStarted(
        thread_id=WAITER, repo=REPO, branch="main", channel="C01DEPLOYS", origin="mention"
    )
    await log.append(Write(WAITER, [begun]))
    await waiting_again(log, event, **more)


async def waiting_again(log: FakeLog, event: str = "run/5001", **more: Any) -> None:
    wait = WaitStarted(call_id="w", until=UNTIL, reason="lunch", event=event, **more)
    await log.append(write(fold(await log.read(WAITER)), [wait], 0))
    await rests(log, WAITER)


async def ends(log: FakeLog) -> list[WaitEnded]:
    events = [entry.event for entry in await log.read(WAITER)]
    return [event for event in events if isinstance(event, WaitEnded)]


@pytest.mark.parametrize("event", ["run/5001", "workflow/deploy.yml"])
async def test_a_run_that_ended_wakes_who_waits_for_it(event: str) -> None:
    log = FakeLog()
    await waiting(log, event)
    answer = await told(log, ran("<!channel> you may all approve", conclusion="failure"))
    assert answer.status_code == 202
    [ended] = await ends(log)
    assert (ended.because, ended.told, ended.url) == ("event", "failure", URL)
    assert await woken(log) == WAITER
    assert await log.facts(REPO) == {}


async def test_a_run_that_is_delivered_twice_ends_one_wait() -> None:
    log = FakeLog()
    await waiting(log)
    await told(log, ran())
    await waiting_again(log)
    assert (await told(log, ran())).text == "Ignored.\n"
    assert len(await ends(log)) == 1
    assert (await told(log, ran(), delivery="d-2")).status_code == 202
    assert len(await ends(log)) == 2


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("run/5002", {}),
        ("workflow/other.yml", {}),
        ("workflow/deploy.yml", {"after": 5001}),
        ("reply/U02BOB", {}),
    ],
)
async def test_another_run_wakes_nobody(event: str, more: dict[str, int]) -> None:
    log = FakeLog()
    await waiting(log, event, **more)
    assert (await told(log, ran())).text == "Ignored.\n"
    assert await ends(log) == []


async def test_a_run_that_only_began_wakes_nobody() -> None:
    log = FakeLog()
    await waiting(log)
    begun = ran(action="in_progress", status="in_progress", conclusion=None)
    assert (await told(log, begun)).text == "Ignored.\n"


async def test_a_wait_that_people_have_just_spoken_in_ends_all_the_same() -> None:
    log = FakeLog()
    await waiting(log)
    await log.append(Write(WAITER, [HumanSaid(user="U02BOB", text="thanks")]))
    await told(log, ran())
    assert len(await ends(log)) == 1


async def test_a_fact_that_its_thread_does_not_know_of_is_passed_over() -> None:
    log = FakeLog()
    await log.append(Write(WAITER, [], facts={f"waits/{WAITER}": "run/5001"}, silent=True))
    assert (await told(log, ran())).text == "Ignored.\n"


class BusyLog(FakeLog):
    """A log in which somebody else is faster, so many times."""

    faster = 0

    async def append(self, write: Write) -> Look | None:
        if self.faster and any(isinstance(event, WaitEnded) for event in write.events):
            self.faster -= 1
            raise Conflict(write.thread_id)
        return await super().append(write)


@pytest.mark.parametrize(("faster", "status"), [(9, 202), (10, 503)])
async def test_who_is_slower_reads_again(faster: int, status: int) -> None:
    log = BusyLog()
    await waiting(log)
    log.faster = faster
    assert (await told(log, ran())).status_code == status


def test_of_a_title_only_so_much_is_read() -> None:
    many = " ".join(f"{number:032x}" for number in range(9999))
    found = parse_run(encoded(ran(many)))
    assert found
    assert len(found.attempts) == 4
