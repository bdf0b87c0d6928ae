"""What `deploybot doctor` says of globs, on a GitHub that knows the files or does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import SourceUnavailable
from app.github.client import GitHubClient
from app.github.credentials import Token
from app.github.trees import GitHubTrees
from tests.adapters.github_stub import Answer, StubGitHub
from tests.adapters.test_cli import GOOD, TARGET, deploybot
from tests.shop import REPO, repo_config

TREE = f"GET /repos/{REPO}/git/trees/main"
HERE = f"production.services.backend = {TARGET}"
LINE = "    ?  acme/shop: production.services.backend.paths: "


@pytest.fixture
async def github() -> AsyncIterator[StubGitHub]:
    """Give a GitHub that has the repository, and knows nothing of its webhooks."""
    async with StubGitHub.run() as stub:
        stub.on(f"GET /repos/{REPO}/commits", Answer(body=[]))
        yield stub


def tree(*files: str, truncated: bool = False, folders: tuple[str, ...] = ()) -> Answer:
    items = [{"path": path, "type": "blob", "mode": "100644"} for path in files]
    items += [{"path": path, "type": "tree", "mode": "040000"} for path in folders]
    return Answer(body={"sha": "1" * 40, "tree": items, "truncated": truncated})


async def doctor(folder: Path, github: StubGitHub, *globs: str) -> list[str]:
    """Run it with these globs for the backend; return what it says from there on."""
    own = TARGET.replace(" }", f", paths = {list(globs)} }}")
    content = GOOD.replace(HERE, HERE.replace(TARGET, own))
    (folder / "deploybot.toml").write_text(content)
    variables = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": github.url}
    done = await asyncio.to_thread(deploybot, folder, "doctor", **variables)
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def after(lines: list[str], line: str) -> str:
    """Return what a finding is followed by: what to do about it."""
    return lines[lines.index(line) + 1].strip()


async def test_a_glob_that_matches_no_file_is_said_with_what_may_be_meant(
    tmp_path: Path, github: StubGitHub
) -> None:
    github.on(TREE, tree("api/app.py", folders=("api",)))
    lines = await doctor(tmp_path, github, "api", "web/**", "api/*")
    assert after(lines, f"{LINE}'api' matches no file of 'main'") == "Did you mean 'api/**'?"
    fix = after(lines, f"{LINE}'web/**' matches no file of 'main'")
    assert fix == "Check its spelling: case counts."
    assert not [line for line in lines if "'api/*'" in line]


@pytest.mark.parametrize("answer", [tree("README.md", truncated=True), Answer(403)])
async def test_without_all_files_it_says_what_looks_like_a_folder(
    tmp_path: Path, github: StubGitHub, answer: Answer
) -> None:
    github.on(TREE, answer)
    lines = await doctor(tmp_path, github, "api", "web/**")
    line = f"{LINE}'api' matches one file of that name, and nothing below it"
    assert after(lines, line) == "For all files below a folder write 'api/**'."
    assert not [line for line in lines if "web/**" in line]


async def test_without_globs_no_files_are_asked_for(github: StubGitHub) -> None:
    client = GitHubClient(github.url, Token("t0ken"))
    assert await GitHubTrees(client).check(repo_config()) == []
    assert github.seen == []
    await client.aclose()


async def test_a_branch_with_a_slash_is_one_name(github: StubGitHub) -> None:
    github.on(f"GET /repos/{REPO}/git/trees/release%2F1", tree("a", "b/c", folders=("b",)))
    client = GitHubClient(github.url, Token("t0ken"))
    assert await GitHubTrees(client).files(REPO, "release/1") == ["a", "b/c"]
    assert github.seen[-1][0].endswith("?recursive=1")
    await client.aclose()


WRONG: list[Any] = [{}, {"tree": [{}], "truncated": False}, [], {"tree": []}]


@pytest.mark.parametrize("body", WRONG)
async def test_another_answer_than_the_documented_one_is_none(
    github: StubGitHub, body: Any
) -> None:
    github.on(TREE, Answer(body=body))
    client = GitHubClient(github.url, Token("t0ken"))
    with pytest.raises(SourceUnavailable, match="not what it documents"):
        await GitHubTrees(client).files(REPO, "main")
    await client.aclose()
