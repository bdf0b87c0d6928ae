"""More replies lost than the log repeats by itself: its callers come again, with one effect."""

from collections.abc import AsyncIterator
from hashlib import sha1
from importlib.resources import files

import httpx
import pytest
from fastapi import FastAPI

from app.core import events as ev
from app.core.errors import StoreUnavailable
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Write
from app.core.state import State
from app.desk import Ports
from app.github.edge import github_routes
from app.model.offline import OfflinePlanner
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.worker import Worker
from tests.adapters.github_bodies import SECRET, SHA, encoded, merged, signed
from tests.adapters.slack_desk import BOT, CHANNEL, Desk
from tests.chance import SOAK
from tests.fake_deployer import FakeDeployer
from tests.faults.proxy import Fault
from tests.faults.stores import Store
from tests.shop import ALICE, BOB, CARA, REPO, repo_config
from tests.story import THREAD, Story, card_facts

MORE_THAN_REPEATED = 3
LANES = 4
STEP = LANES if SOAK else 3 * LANES
LEASE_MS = 30_000
MERGED = thread_id_for(REPO, "main", SHA)
NOW = sha1(files("app.redis").joinpath("now.lua").read_bytes()).hexdigest().encode()

lost = pytest.mark.parametrize("fault", ["lose reply", "half reply", "lose request"])


@pytest.fixture
async def log(embedded_store: Store) -> AsyncIterator[RedisLog]:
    """Give a log behind the proxy."""
    log = RedisLog(connect(embedded_store.url))
    yield log
    await log.close()


@pytest.fixture
async def direct(embedded_store: Store) -> AsyncIterator[RedisLog]:
    """Give a log of the same store past the proxy."""
    log = RedisLog(connect(embedded_store.direct))
    yield log
    await log.close()


def order(store: Store, fault: Fault, word: bytes) -> None:
    """Let a fault happen to the append of an event, as often as the log tries."""
    for proxy in store.proxies:
        proxy.order(fault, MORE_THAN_REPEATED, lambda request: word in request)


async def events_of(log: RedisLog, thread_id: str) -> list[str]:
    return [entry.event.type for entry in await log.read(thread_id)]


@lost
async def test_a_webhook_again(
    embedded_store: Store, log: RedisLog, direct: RedisLog, fault: Fault
) -> None:
    app = FastAPI()
    app.include_router(github_routes([SECRET], {REPO: repo_config()}, log))
    transport = httpx.ASGITransport(app)
    body = encoded(merged())
    order(embedded_store, fault, b"thread_started")
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        answers = [
            (await client.post("/github/webhook", content=body, headers=signed(body))).status_code
            for _ in range(3)
        ]
    assert answers == [503, 202 if fault == "lose request" else 200, 200]
    assert await events_of(direct, MERGED) == ["thread_started"]


@lost
async def test_words_again(
    embedded_store: Store, log: RedisLog, direct: RedisLog, fault: Fault
) -> None:
    event = {"type": "app_mention", "channel": CHANNEL, "user": ALICE, "ts": "2.2"}
    event["text"] = f"<@{BOT}> what is on production?"
    async with Desk.run(repo_config(), log=log) as desk:
        order(embedded_store, fault, b"human_said")
        answers = [(await desk.event(event, "Ev1")).status_code for _ in range(3)]
    assert answers == [503, 200, 200]
    thread_id = thread_id_for(REPO, CHANNEL, "2.2")
    assert await events_of(direct, thread_id) == ["thread_started", "human_said"]


@lost
async def test_a_click_again(
    embedded_store: Store, log: RedisLog, direct: RedisLog, fault: Fault
) -> None:
    card = Story(repo_config(people={})).merged().staged().asks(facts=card_facts(barred=()))
    async with Desk.run(repo_config(people={}), log=log) as desk:
        await desk.tells(card)
        order(embedded_store, fault, b"approval_granted")
        assert (await desk.clicks("approve", user=BOB)).status_code == 503
        assert "could not reach my store" in await desk.whisper()
        assert (await desk.clicks("approve", user=BOB)).status_code == 200
        assert (await desk.clicks("approve", user=CARA)).status_code == 200
        assert "approved this already" in await desk.whisper(2 if fault == "lose request" else 3)
    assert (await events_of(direct, THREAD)).count("approval_granted") == 1


class Deployment:
    """One commit's way to production: a worker behind the proxy, and a person past it."""

    def __init__(self, log: RedisLog, direct: RedisLog) -> None:
        self.deployer = FakeDeployer()
        ports = Ports(log, OfflinePlanner(), None, None, {"command": self.deployer})
        self._worker = Worker(ports, {REPO: repo_config(people={})}, LEASE_MS / 1000)
        self._direct = direct
        self._offset = 0
        self.failures = 0

    async def plays(self) -> State:
        """Merge, approve what is asked for, and return the end."""
        pull_request = Story(repo_config()).merged().entries[0].event
        assert isinstance(pull_request, ev.ThreadStarted)
        started = pull_request.model_copy(update={"thread_id": MERGED, "sha": SHA})
        await self._direct.append(Write(MERGED, [started]))
        for _ in range(100):
            await self._work()
            state = fold(await self._direct.read(MERGED))
            if state.plan_ended is not None and not state.effects and not state.locks:
                return state
            if state.pending:
                await self._approve(state.pending.request)
        raise AssertionError("no end")

    async def _work(self) -> None:
        """Work until nothing is due; after an outage, until the lease is over, too."""
        try:
            while await self._worker.work_once():
                pass
        except StoreUnavailable:
            self.failures += 1
            self._offset += LEASE_MS + 1
            await self._direct.set_offset(REPO, self._offset)

    async def _approve(self, request: ev.ApprovalRequested) -> None:
        granted = ev.ApprovalGranted(
            call_id=request.call_id, spec_hash=request.spec_hash, user=CARA
        )
        await self._direct.append(Write(MERGED, [granted]))


class Nth:
    """Matches the n-th script that writes, and its repeats."""

    def __init__(self, n: int) -> None:
        self._first = n
        self._seen = 0

    def __call__(self, request: bytes) -> bool:
        if b"EVALSHA" not in request or NOW in request:
            return False
        self._seen += 1
        return self._first <= self._seen < self._first + MORE_THAN_REPEATED


async def plays_with_a_loss(store: Store, log: RedisLog, direct: RedisLog, n: int) -> bool:
    """Play a deployment that loses its n-th write; False if it has fewer."""
    [proxy] = store.proxies
    await store.empty()
    store.order("lose reply", 0)
    proxy.drop_replies(MORE_THAN_REPEATED, Nth(n))
    deployment = Deployment(log, direct)
    state = await deployment.plays()
    effects = [effect for effect in deployment.deployer.effects if "production" in effect]
    assert sorted(effects) == [
        "production backend 4af9ec0",
        "production e2e 4af9ec0",
        "production frontend 4af9ec0",
    ], f"write {n}"
    assert all(run.outcome == "succeeded" for run in state.runs.values()), f"write {n}"
    losses = store.done()
    assert losses in (0, MORE_THAN_REPEATED), f"write {n}"
    # What happened in the world is written until it is written, without a new claim.
    assert deployment.failures <= losses / MORE_THAN_REPEATED, f"write {n}"
    return losses > 0


@pytest.mark.parametrize("first", range(1, LANES + 1))
async def test_a_worker_again_whatever_it_was_writing(
    embedded_store: Store, log: RedisLog, direct: RedisLog, first: int
) -> None:
    n = first
    while await plays_with_a_loss(embedded_store, log, direct, n):
        n += STEP
    assert n > 30
