"""The GitHub client: against the local GitHub, and against one that fails."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.core.errors import SourceUnavailable
from app.core.ports import Comparison
from app.demo.emulate import Emulate, identity
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import App, Credentials, Token
from tests.adapters.github_stub import Answer, StubGitHub

REPO = "acme/shop"


class World:
    """A local GitHub with two merged pull requests, and a commit that no branch has."""

    def __init__(self, github: Emulate) -> None:
        self.github = github
        self.merges: list[str] = []
        self.first = self.foreign = ""
        self.numbers: list[int] = []

    async def fill(self) -> None:
        self.first = await self.github.commit({"a": "1"}, "Start\n\nAll of it.", identity("cara"))
        await self.github.create_branch("main", self.first)
        for number, author in enumerate(("alice", "bob")):
            pull = await self.github.open_pull_request(
                f"Change {number}", "", author, {"a": f"{number + 2}"}
            )
            self.numbers.append(pull.number)
            self.merges.append(await self.github.merge(pull.number, "cara"))
        self.foreign = await self.github.commit(
            {"a": "9"}, "Foreign", identity("bob"), [self.first]
        )
        await self.github.create_branch("deadbeef", self.merges[0])


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        made = World(runner.run(stack.enter_async_context(Emulate.run(REPO))))
        try:
            runner.run(made.fill())
            yield made
        finally:
            runner.run(stack.aclose())


@pytest.fixture
async def source(world: World) -> AsyncIterator[GitHubSource]:
    async with source_of(world.github.api_url, Token(world.github.token)) as made:
        yield made


@pytest.fixture
async def stub() -> AsyncIterator[StubGitHub]:
    async with StubGitHub.run() as made:
        yield made


@asynccontextmanager
async def source_of(
    url: str, credentials: Credentials | None = None, repo: str = REPO, seconds: float = 10
) -> AsyncGenerator[GitHubSource]:
    client = GitHubClient(url, credentials or Token("t0ken"), seconds)
    yield GitHubSource(client, {repo: "main"})
    await client.aclose()


@pytest.mark.parametrize("length", [7, 12, 40])
async def test_a_short_or_full_sha_names_a_commit(
    world: World, source: GitHubSource, length: int
) -> None:
    found = await source.commit(REPO, world.merges[0][:length])
    assert found is not None
    assert (found.sha, found.author) == (world.merges[0], "cara")
    assert found.title.startswith("Merge pull request")


async def test_a_title_is_the_first_line(world: World, source: GitHubSource) -> None:
    found = await source.commit(REPO, world.first)
    assert found is not None
    assert found.title == "Start"


@pytest.mark.parametrize("ref", ["main", "deadbeef", "HEAD", "abc12", "0" * 40, "0" * 41, "../x"])
async def test_what_is_no_sha_of_a_commit_names_none(source: GitHubSource, ref: str) -> None:
    assert await source.commit(REPO, ref) is None


async def test_a_commit_that_the_branch_does_not_have_is_none(
    world: World, source: GitHubSource
) -> None:
    assert await source.commit(REPO, world.foreign) is None


async def test_commits_come_newest_first(world: World, source: GitHubSource) -> None:
    found = await source.commits(REPO, "main", 1)
    assert [commit.sha for commit in found] == [world.merges[1]]


async def test_compare_lists_what_head_has_more(world: World, source: GitHubSource) -> None:
    compared = await source.compare(REPO, world.merges[0], world.merges[1])
    assert compared.commits[0].sha == world.merges[1]
    assert compared.ahead == len(compared.commits) == 2
    assert compared.files
    own = compared.commits[1].sha
    assert compared.parents[world.merges[1]] == (world.merges[0], own)


async def test_compare_backwards_says_how_far_behind(world: World, source: GitHubSource) -> None:
    backwards = await source.compare(REPO, world.merges[1], world.merges[0])
    assert backwards == Comparison(commits=(), ahead=0, behind=2, files=())


async def test_compare_of_one_commit_with_itself_is_nothing(
    world: World, source: GitHubSource
) -> None:
    assert await source.compare(REPO, world.first, world.first) == Comparison((), 0, 0, ())


async def test_pushers_are_those_who_wrote_the_commits(world: World, source: GitHubSource) -> None:
    assert await source.pushers(REPO, world.numbers[0]) == ["alice"]


async def test_a_renamed_file_is_both(stub: StubGitHub) -> None:
    files = [{"filename": "web/b.ts", "previous_filename": "api/a.ts"}, {"filename": "c"}]
    stub.on(f"GET /repos/{REPO}/pulls/1/files", Answer(body=files))
    async with source_of(stub.url) as source:
        assert await source.files(REPO, 1) == ["web/b.ts", "api/a.ts", "c"]


async def test_files_are_read_page_by_page_and_no_end_of_them_is_none(stub: StubGitHub) -> None:
    page = [{"filename": f"{n}"} for n in range(100)]
    stub.on(f"GET /repos/{REPO}/pulls/1/files", Answer(body=page), Answer(body=page[:1]))
    stub.on(f"GET /repos/{REPO}/pulls/2/files", Answer(body=page))
    async with source_of(stub.url) as source:
        files = await source.files(REPO, 1)
        assert files is not None
        assert len(files) == 101
        assert await source.files(REPO, 2) is None
    assert len(stub.seen) == 12


PULL = {"base": {"sha": "b" * 40}, "head": {"sha": "c" * 40}}
COMPARED: dict[str, Any] = {"ahead_by": 1, "behind_by": 0, "commits": []}


@pytest.mark.parametrize(
    ("compared", "files"),
    [
        ({"files": [{"filename": "web/a.ts"}, {"filename": "api/b.py"}]}, ["web/a.ts", "api/b.py"]),
        ({"files": []}, []),
        ({}, None),
        ({"files": [{"filename": f"{n}"} for n in range(300)]}, None),
        ({"files": [], "ahead_by": 0}, None),
    ],
    ids=["changed", "empty commits", "not told", "too many", "base has moved past it"],
)
async def test_a_pull_request_that_lists_no_file_is_compared(
    stub: StubGitHub, compared: dict[str, Any], files: list[str] | None
) -> None:
    stub.on(f"GET /repos/{REPO}/pulls/1/files", Answer(body=[]))
    stub.on(f"GET /repos/{REPO}/pulls/1", Answer(body=PULL))
    range_ = f"{'b' * 40}...{'c' * 40}"
    stub.on(f"GET /repos/{REPO}/compare/{range_}", Answer(body=COMPARED | compared))
    async with source_of(stub.url) as source:
        assert await source.files(REPO, 1) == files


async def test_a_pull_request_whose_commits_are_gone_cannot_say_its_files(
    stub: StubGitHub,
) -> None:
    stub.on(f"GET /repos/{REPO}/pulls/1/files", Answer(body=[]))
    stub.on(f"GET /repos/{REPO}/pulls/1", Answer(body=PULL))
    async with source_of(stub.url) as source:
        with pytest.raises(SourceUnavailable):
            await source.files(REPO, 1)


async def test_the_local_github_lists_no_files_and_yet_they_are_found(
    world: World, source: GitHubSource
) -> None:
    assert await source.files(REPO, world.numbers[0]) == ["a"]


async def test_a_check_of_what_can_be_read_is_well(source: GitHubSource) -> None:
    assert (await source.check(REPO)).ok


async def test_a_repository_that_cannot_be_seen_is_no_missing_commit(world: World) -> None:
    async with source_of(world.github.url, Token(world.github.token), "acme/other") as source:
        with pytest.raises(SourceUnavailable, match="may not see it"):
            await source.commit("acme/other", "0" * 40)
        finding = await source.check("acme/other")
        assert not finding.ok
        assert "GITHUB_TOKEN" in finding.fix


FAILURES = [
    (Answer(401), "does not accept the credentials"),
    (Answer(403), "does not let these credentials"),
    (Answer(403, headers={"x-ratelimit-remaining": "0"}), "rate limit"),
    (Answer(429), "rate limit"),
    (Answer(301), "has moved"),
    (Answer(502), "status 502"),
    (Answer(body={}), "not what it documents"),
    (Answer(body=b"<html>"), "not what it documents"),
    (Answer(body=[{"sha": 1}]), "not what it documents"),
    (Answer(cut=True), "cannot be reached"),
]


@pytest.mark.parametrize(("answer", "says"), FAILURES)
async def test_every_failure_is_unavailable_with_a_sentence(
    stub: StubGitHub, answer: Answer, says: str
) -> None:
    stub.on(f"GET /repos/{REPO}/commits", answer)
    async with source_of(stub.url) as source:
        with pytest.raises(SourceUnavailable, match=says):
            await source.commits(REPO, "main", 5)


async def test_nobody_there_is_unavailable() -> None:
    async with source_of("http://127.0.0.1:1") as source:
        with pytest.raises(SourceUnavailable, match="cannot be reached"):
            await source.commits(REPO, "main", 5)


async def test_a_silent_github_is_unavailable_in_time(stub: StubGitHub) -> None:
    stub.on(f"GET /repos/{REPO}/commits", Answer(silent=True))
    async with source_of(stub.url, seconds=0.2) as source:
        with pytest.raises(SourceUnavailable, match="did not answer"):
            await source.commits(REPO, "main", 5)


async def test_a_lost_connection_is_tried_once_more(stub: StubGitHub) -> None:
    stub.on(f"GET /repos/{REPO}/commits", Answer(cut=True), Answer(body=[]))
    async with source_of(stub.url) as source:
        assert await source.commits(REPO, "main", 5) == []
        _, headers = stub.seen[-1]
        assert headers["x-github-api-version"] == "2022-11-28"
        assert headers["authorization"] == "bearer t0ken"


def item(number: int) -> dict[str, Any]:
    return {"sha": f"{number:040x}", "commit": {"message": f"Change {number}"}}


async def test_a_long_comparison_gives_its_newest_commits(stub: StubGitHub) -> None:
    pages = [[item(n) for n in range(0, 100)], [item(n) for n in range(100, 105)]]
    answers = [Answer(body={"ahead_by": 105, "behind_by": 0, "commits": page}) for page in pages]
    # The first page tells how many there are, and is needed again only for its own commits.
    stub.on(f"GET /repos/{REPO}/compare/a...b", *answers)
    async with source_of(stub.url) as source:
        compared = await source.compare(REPO, "a", "b")
        assert compared.ahead == 105
        assert [commit.title for commit in compared.commits] == [
            f"Change {n}" for n in range(104, 4, -1)
        ]


async def test_an_author_without_a_login_is_named_as_such(stub: StubGitHub) -> None:
    commit = {
        "sha": "1",
        "author": None,
        "committer": {"login": "web-flow"},
        "commit": {"message": "x", "author": {"name": "Mallory"}},
    }
    pull = {"base": {"sha": "a"}, "head": {"sha": "b"}}
    stub.on(f"GET /repos/{REPO}/pulls/7", Answer(body=pull))
    comparison = {"ahead_by": 1, "behind_by": 0, "commits": [commit]}
    stub.on(f"GET /repos/{REPO}/compare/a...b", Answer(body=comparison))
    async with source_of(stub.url) as source:
        assert await source.pushers(REPO, 7) == ["Mallory (no known GitHub login)"]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


def grant(stub: StubGitHub, minutes: int) -> None:
    expires = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stub.on(f"GET /repos/{REPO}/installation", Answer(body={"id": 5}))
    granted = {"token": "ghs_installation", "expires_at": expires}
    stub.on("POST /app/installations/5/access_tokens", Answer(201, granted))
    stub.on(f"GET /repos/{REPO}/commits", Answer(body=[]))


@pytest.mark.parametrize(("minutes", "grants"), [(60, 1), (4, 2)])
async def test_an_app_asks_for_a_token_when_the_last_one_is_about_to_expire(
    stub: StubGitHub, key: rsa.RSAPrivateKey, minutes: int, grants: int
) -> None:
    grant(stub, minutes)
    async with source_of(stub.url, App("123", pem(key).replace("\n", "\\n"))) as source:
        await source.commits(REPO, "main", 1)
        await source.commits(REPO, "main", 1)
        asked = [headers for request, headers in stub.seen if request.startswith("POST")]
        assert len(asked) == grants
        assert stub.seen[-1][1]["authorization"] == "bearer ghs_installation"


async def test_an_app_signs_with_its_key(stub: StubGitHub, key: rsa.RSAPrivateKey) -> None:
    signed: list[str] = []

    async def call(method: str, path: str, token: str) -> dict[str, Any]:
        signed.append(token)
        return {"id": 5, "token": "t", "expires_at": "2030-01-01T00:00:00Z"}

    await App("123", pem(key)).token(REPO, call)
    claims = jwt.decode(signed[0], key.public_key(), algorithms=["RS256"])
    assert claims["iss"] == "123"
    assert claims["exp"] - claims["iat"] == 600


async def test_a_key_that_is_none_is_unavailable_and_not_shown(stub: StubGitHub) -> None:
    async with source_of(stub.url, App("123", "s3cret")) as source:
        finding = await source.check(REPO)
        assert "GITHUB_APP_PRIVATE_KEY" in finding.line
        assert "s3cret" not in str(finding)
