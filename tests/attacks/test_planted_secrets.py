"""Secrets in every field: none in Slack, in what the model reads, in the log or in the store."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.core.ports import Comparison
from app.core.untrusted import clean
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import Token
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests import forks
from tests.adapters.github_stub import StubGitHub
from tests.attacks.canaries import Canary, canaries
from tests.attacks.siege import FIELDS, Field, Siege
from tests.attacks.sinks import Store, answers_over_http, logging_as_the_service, plant_in_github
from tests.fake_source import FakeSource
from tests.shop import REPO

CANARIES = canaries()
EVERY = 1 if os.environ.get("SOAK") else 2  # so each is planted in every other field


@pytest.fixture
async def github() -> AsyncIterator[StubGitHub]:
    async with StubGitHub.run() as stub:
        yield stub


@pytest.fixture
async def source(github: StubGitHub) -> AsyncIterator[GitHubSource]:
    client = GitHubClient(github.url, Token("t0ken"), 10)
    yield GitHubSource(client, {REPO: "main"})
    await client.aclose()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Redis that need not survive anything, and is quick."""
    directory = tmp_path_factory.mktemp("redis")
    yield asyncio.run(_forgetful(directory))
    asyncio.run(stop_embedded(directory))


async def _forgetful(directory: Path) -> str:
    url = await start_embedded(directory)
    store = Store(url)
    await store.forgets()
    await store.close()
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = Store(url)
    await opened.empty()
    yield opened
    await opened.close()


@pytest.fixture
async def log(url: str) -> AsyncIterator[RedisLog]:
    opened = RedisLog(connect(url))
    yield opened
    await opened.close()


async def planted(
    field: Field, text: str, folder: Path, github: StubGitHub, source: GitHubSource, log: RedisLog
) -> Siege:
    """Let a thread with the text in a field go through a deploy, from the merge to its end."""
    told = text if field in ("commit message", "tool result") else "Add gift cards"
    plant_in_github(github, told, text if field == "author" else "alice")
    siege = Siege(field, text, folder, source, log)
    await siege.begins()
    if field == "slack text":
        await siege.says(text, "2.1")
    if (await siege.state()).pending is None:
        siege.evil.obey(0)
        await siege.says("deploy the frontend", "2.2")
    if field == "CI log":
        await siege.fails()
    else:
        await siege.approves()
    await siege.is_held()
    return siege


def shown(canary: Canary, text: str) -> str:
    """Return the part of a secret that a text shows to whoever reads it without tricks."""
    return canary.shows_in(text) or canary.shows_in(clean(text))


@pytest.mark.parametrize("field", FIELDS)
async def test_a_planted_secret_arrives_nowhere(
    field: Field,
    tmp_path: Path,
    github: StubGitHub,
    source: GitHubSource,
    log: RedisLog,
    store: Store,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_as_the_service():
        for canary in CANARIES[FIELDS.index(field) % EVERY :: EVERY]:
            await store.empty()
            siege = await planted(field, canary.text, tmp_path, github, source, log)
            sinks = {
                "Slack": json.dumps(siege.slack.sent, ensure_ascii=False),
                "the model's input": "\n".join(siege.evil.told),
                "the log": capsys.readouterr().out,
                "Redis": await store.raw(),
            }
            assert min(map(len, sinks.values())) > 200
            assert [name for name, text in sinks.items() if shown(canary, text)] == [], canary


async def test_a_planted_secret_is_in_no_answer_and_no_log_line_of_the_edge(
    tmp_path: Path, log: RedisLog, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Siege("title", "", tmp_path).config
    with logging_as_the_service():
        for canary in CANARIES:
            await store.empty()
            answers = await answers_over_http(log, config, canary.text)
            assert "deploybot_store_up 1.0" in answers
            said = answers + capsys.readouterr().out + await store.raw()
            assert shown(canary, said) == "", canary


class Boom(FakeSource):
    """A GitHub at whose sight the client breaks, and gives a secret away."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        raise RuntimeError(f"cannot compare: {self._text}")


async def test_a_fault_that_tells_a_secret_is_logged_without_it(
    tmp_path: Path, log: RedisLog, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_as_the_service():
        for canary in CANARIES:
            await store.empty()
            siege = Siege("title", "x", tmp_path, Boom(canary.text), log)
            await siege.begins()
            [line] = [
                entry
                for entry in map(json.loads, capsys.readouterr().out.splitlines())
                if entry["event"] == "fault"
            ]
            assert "RuntimeError: cannot compare" in line["exception"]
            assert shown(canary, line["exception"]) == "", canary
            assert shown(canary, await store.raw()) == ""


@pytest.mark.parametrize("field", ["body", "slack text", "CI log"])
async def test_no_command_prints_a_planted_secret(
    field: Field,
    tmp_path: Path,
    github: StubGitHub,
    source: GitHubSource,
    log: RedisLog,
    url: str,
    store: Store,
) -> None:
    target = '{ deployer = "command", argv = ["true"] }'
    (tmp_path / "deploybot.toml").write_text(
        f'[repos."{REPO}"]\nchannel = "C01DEPLOYS"\napprovers = ["U03CARA"]\n'
        f"staging.services.frontend = {target}\nproduction.services.frontend = {target}\n"
    )
    text = "\n\n".join(canary.text for canary in CANARIES)
    siege = await planted(field, text, tmp_path, github, source, log)
    for command in (["list"], ["show", siege.thread_id]):
        said = await printed(tmp_path, url, "threads", *command)
        assert [c.name for c in CANARIES if shown(c, said)] == []
    said = await printed(tmp_path, url, "audit", siege.thread_id, "--json")
    assert [c.name for c in CANARIES if shown(c, said)] == []


async def printed(folder: Path, url: str, *command: str) -> str:
    """Run a command, and return all that it prints."""
    env = {"PATH": "/usr/bin:/bin", "REDIS_URL": url}
    done = await asyncio.to_thread(forks.run, "app.cli", command, env, folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 50
    return done.stdout
