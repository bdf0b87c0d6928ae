"""GitHub loses webhooks and sends none twice: every merge gets its thread all the same, and one."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.core.errors import SourceUnavailable
from app.core.events import ThreadStarted
from app.core.ids import thread_id_for
from app.demo.child import free_port
from app.github.client import GitHubClient
from app.github.credentials import App, Credentials, Token
from app.github.deliveries import GitHubDeliveries
from app.github.merges import GitHubMerges
from app.github.reconcile import Reconciler
from app.main import create_app
from app.redis.log import RedisLog
from app.settings import Settings
from tests.adapters.github_bodies import SECRET
from tests.adapters.github_stub import Answer
from tests.adapters.merging_github import REPO, MergingGitHub
from tests.shop import repo_config
from tests.waiting import until

MERGES = 40
SEEDS = 3
MINUTE = 60_000


class World:
    """The bot's door in an app of its own, a GitHub, and instances that look at it."""

    def __init__(self, log: RedisLog, github: MergingGitHub) -> None:
        self.log = log
        self.github = github
        self.instances: list[Reconciler] = []
        self.clients: list[GitHubClient] = []
        self.merged: dict[str, int] = {}
        self.elapsed = 0

    def add_instance(self, credentials: Credentials | None = None) -> None:
        """Run one more instance of the service's part that looks."""
        client = GitHubClient(self.github.url, credentials or Token("t"), timeout_seconds=0.3)
        self.clients.append(client)
        merges, deliveries = GitHubMerges(client), GitHubDeliveries(client)
        self.instances.append(Reconciler(self.log, merges, deliveries, {REPO: repo_config()}))

    async def merges(self, fate: str = "arrives", **pull: object) -> str:
        """Merge, with the webhook coming to this end."""
        sha = await self.github.merge(fate, **pull)  # pyright: ignore[reportArgumentType]
        self.merged[sha] = await self.log.now(REPO)
        return sha

    async def later(self, ms: int) -> None:
        """Let time pass; every instance looks whether there is something to do."""
        self.elapsed += ms
        await self.log.set_offset(REPO, self.elapsed)
        await asyncio.gather(*(self.looks(each) for each in self.instances))

    async def looks(self, instance: Reconciler) -> bool:
        """Let one instance look, and take a GitHub that does not answer as the service does."""
        with suppress(SourceUnavailable, TimeoutError):
            return await instance.look_if_due(repo_config())
        return False

    async def later_often(self, ms: int) -> None:
        """Let time pass as it does: every twenty seconds every instance looks."""
        for _ in range(ms // 20_000):
            await self.later(20_000)

    async def shas(self) -> list[str]:
        """Return what threads are about, the oldest thread first; a thread has one beginning."""
        found: list[str] = []
        for thread_id in reversed(await self.log.threads(REPO, 1000)):
            events = [entry.event for entry in await self.log.read(thread_id)]
            [started] = [event for event in events if isinstance(event, ThreadStarted)]
            assert thread_id == thread_id_for(REPO, "main", started.sha or "")
            found.append(started.sha or "")
        return found

    async def overdue(self, ms: int) -> list[str]:
        """Return the merges that are older than this and have no thread."""
        now, threads = await self.log.now(REPO), await self.log.threads(REPO, 1000)
        late = [sha for sha, at in self.merged.items() if now - at > ms]
        return [sha for sha in late if thread_id_for(REPO, "main", sha) not in threads]


@asynccontextmanager
async def served(log: RedisLog) -> AsyncGenerator[str]:
    settings = Settings.model_construct(slack_bot_token="xoxb-t", github_webhook_secret=SECRET)
    app = create_app(settings, {REPO: repo_config()}, log, {}, work=False)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def world(redis_log: RedisLog) -> AsyncIterator[World]:
    async def now() -> int:
        return await redis_log.now(REPO)

    async with MergingGitHub.run(now) as github, served(redis_log) as url:
        github.bot_url = url
        made = World(redis_log, github)
        made.add_instance()
        yield made
        for client in made.clients:
            await client.aclose()


async def test_a_merge_whose_webhook_vanished_begins_its_thread(world: World) -> None:
    await world.later(0)
    sha = await world.merges("vanishes", title="Faster <!channel> ghp_" + "a" * 36)
    await world.later_often(5 * MINUTE)
    [thread_id] = await world.log.threads(REPO, 10)
    [entry] = await world.log.read(thread_id)
    assert isinstance(entry.event, ThreadStarted)
    assert (entry.event.sha, entry.event.branch, entry.event.origin) == (sha, "main", "merge")
    pull = entry.event.pull_request
    assert pull is not None
    assert (pull.author, pull.merged_by) == ("alice", "bob")
    assert "ghp_" not in pull.title


@pytest.mark.parametrize("shows_hooks", [True, False])
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_of_many_lost_webhooks_every_merge_has_one_thread_within_six_minutes(
    world: World, seed: int, shows_hooks: bool
) -> None:
    chance = random.Random(seed)
    world.github.shows_hooks = shows_hooks
    world.add_instance()
    await world.later(0)
    lost: list[int] = []
    for number in range(1, MERGES + 1):
        fate = chance.choice(("fails", "vanishes")) if chance.random() < 0.3 else "arrives"
        if fate != "arrives":
            lost.append(number)
        await world.merges(fate)
        await world.later_often(chance.choice((0, 0, 20_000, 40_000, 80_000)))
        assert await world.overdue(6 * MINUTE) == []
    await world.later_often(6 * MINUTE)
    assert lost
    assert sorted(await world.shas()) == sorted(world.merged)

    for number in lost:
        assert await world.github.deliver(number) == 200
    assert len(await world.shas()) == MERGES


TROUBLES = [
    Answer(500),
    Answer(502, b"<html>"),
    Answer(403, headers={"x-ratelimit-remaining": "0"}),
    Answer(429, headers={"retry-after": "60"}),
    Answer(200, b'[{"number": '),
    Answer(200, {"message": "not what was asked"}),
    Answer(404),
    Answer(cut=True),
    Answer(silent=True),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: f"{t.status}{t.cut}{t.silent}")
async def test_what_github_did_not_tell_the_next_round_finds(world: World, trouble: Answer) -> None:
    await world.later(0)
    shas: list[str] = []
    for place in range(4):  # the branch, the list, a merge, whether the branch has it
        await world.later_often(12 * MINUTE)
        shas += [await world.merges("vanishes"), await world.merges("vanishes")]
        world.github.troubles = [*[None] * place, trouble, trouble]
        while world.github.troubles:
            await world.later(20_000)
        assert len(await world.shas()) < len(shas)
        await world.later_often(6 * MINUTE)
        assert sorted(await world.shas()) == sorted(shas)


async def test_merges_that_were_lost_together_begin_in_their_order(world: World) -> None:
    await world.later(0)
    shas: list[str] = []
    for _ in range(35):  # more than one page
        shas.append(await world.merges("vanishes"))
        await world.later(1000)
    await world.later_often(5 * MINUTE)
    assert await world.shas() == shas


async def test_what_was_merged_before_the_watch_began_is_left_alone(world: World) -> None:
    await world.github.merge("vanishes")
    await world.later_often(2 * MINUTE)
    sha = await world.merges("vanishes")
    await world.later_often(6 * MINUTE)
    assert await world.shas() == [sha]


async def test_what_was_lost_while_no_instance_ran_for_days_is_found(world: World) -> None:
    await world.later(0)
    shas: list[str] = []
    for _ in range(3):
        world.elapsed += 2 * 24 * 60 * MINUTE
        await world.log.set_offset(REPO, world.elapsed)
        shas.append(await world.merges("vanishes"))
    await world.later(5 * MINUTE)
    assert await world.shas() == shas


async def test_a_merge_that_the_list_shows_late_is_found(world: World) -> None:
    await world.later_often(MINUTE)
    sha = await world.merges("vanishes")
    late = world.github.pulls.pop()
    await world.later_often(5 * MINUTE)
    world.github.pulls.append(late)
    await world.later_often(5 * MINUTE)
    assert await world.shas() == [sha]


async def test_closed_pull_requests_and_plain_pushes_begin_nothing(world: World) -> None:
    await world.later(0)
    await world.github.close_unmerged()
    await world.github.push()
    await world.later_often(12 * MINUTE)
    assert await world.shas() == []


async def test_a_pull_request_with_a_thread_and_a_commit_off_the_branch_begin_none(
    world: World,
) -> None:
    await world.later(0)
    known = await world.merges("arrives")
    world.github.pulls[0] |= {"merge_commit_sha": "e" * 40}
    world.github.off_branch.add(await world.merges("vanishes"))
    lost = await world.merges("vanishes")
    await world.later_often(12 * MINUTE)
    assert await world.shas() == [known, lost]


async def test_a_branch_that_stands_still_costs_one_small_question_a_round(world: World) -> None:
    await world.later_often(12 * MINUTE)
    before = world.github.asked.copy()
    await world.later_often(60 * MINUTE)
    asked = world.github.asked - before
    assert asked[f"GET /repos/{REPO}/commits"] == 12
    assert asked[f"GET /repos/{REPO}/pulls"] == 0


async def test_only_one_of_many_instances_looks(world: World) -> None:
    for _ in range(4):
        world.add_instance()
    await world.later_often(30 * MINUTE)
    assert world.github.asked[f"GET /repos/{REPO}/commits"] == 6


async def test_a_failed_delivery_is_asked_for_once_and_comes_in_by_the_door(world: World) -> None:
    await world.later(0)
    await world.merges("fails")
    world.github.pulls[0]["base"] = {"ref": "other"}  # the branch does not show it
    await world.later_often(20 * MINUTE)
    again = f"POST /repos/{REPO}/hooks/5/deliveries/1000/attempts"
    assert world.github.asked[again] == 1
    assert [d["status_code"] for d in world.github.deliveries] == [200, 502]


async def test_an_app_sees_its_own_failed_deliveries(world: World) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    world.instances.clear()
    world.add_instance(App("1", text.decode()))
    world.github.of_app = True
    await world.later(0)
    sha = await world.merges("fails")
    await world.later_often(6 * MINUTE)
    assert world.github.asked["POST /app/hook/deliveries/1000/attempts"] == 1
    assert await world.shas() == [sha]


@pytest.mark.parametrize(("shows_hooks", "ok"), [(True, True), (False, None)])
async def test_the_doctor_says_whether_failed_deliveries_can_be_seen(
    world: World, shows_hooks: bool, ok: bool | None
) -> None:
    world.github.shows_hooks = shows_hooks
    client = GitHubClient(world.github.url, Token("t"))
    finding = await GitHubDeliveries(client).check(REPO)
    await client.aclose()
    assert finding.ok is ok
    assert "deliveries of the webhook that failed" in finding.line
