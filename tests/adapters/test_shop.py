"""The example shop deploys, breaks and recovers: real programs, and GitHub's API as emulated."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from app.configuration import load_repos
from app.core.config import TargetConfig
from app.core.events import Attempt
from app.demo.journal import Journal
from app.demo.shop import BAD, FIX, FOLDER, GOOD, Shop, ShopError, next_change
from app.demo.standins import Emulate, free_port
from tests.waiting import until
from tools.deployers.command import CommandDeployer


@dataclass
class World:
    """The shop's repository and its four programs."""

    github: Emulate
    shop: Shop
    first: str
    home: Path
    ports: list[int]

    def settings(self) -> dict[str, str]:
        """Return the environment of the shop's programs."""
        python = Path(sys.executable).parent
        return {
            "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
            "SHOP_HOME": str(self.home),
            "SHOP_GITHUB_API": self.github.url,
            "SHOP_PORTS": ",".join(map(str, self.ports)),
        }

    async def run(self, program: str, *arguments: str) -> tuple[int, str]:
        """Run one of the shop's programs; return its exit code and output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            program,
            *arguments,
            cwd=FOLDER,
            env=self.settings(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def deploy(self, service: str, environment: str, sha: str) -> str:
        """Deploy, which must succeed, and return what was said."""
        code, output = await self.run("deploy.py", service, environment, sha)
        assert code == 0, output
        return output

    async def deploy_all(self, environment: str, sha: str) -> None:
        """Deploy both services in the order that always works."""
        await self.deploy("backend", environment, sha)
        await self.deploy("frontend", environment, sha)

    async def version(self, service: str, environment: str) -> str:
        """Return what `current` says."""
        return (await self.run("version.py", service, environment))[1].strip()

    async def get(self, target: int, path: str) -> Any:
        """Read from one of the four programs."""
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{self.ports[target]}{path}")).text


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with Emulate.run() as github:
        shop = Shop(github, Journal(tmp_path / "merges.jsonl"))
        ports = [free_port() for _ in range(4)]
        world = World(github, shop, await shop.seed(), tmp_path / "shop", ports)
        yield world
        await world.run("stop.py")


async def test_a_deploy_makes_the_program_report_its_commit(world: World) -> None:
    output = await world.deploy("backend", "staging", world.first)
    assert output.splitlines()[-1].startswith(f"backend on staging reports {world.first[:7]}")
    assert await world.version("backend", "staging") == world.first
    assert (await world.run("version.py", "backend", "production"))[0] == 1


async def test_the_deployed_commit_decides_what_the_shop_does(world: World) -> None:
    await world.deploy_all("staging", world.first)
    assert "in stock" not in await world.get(1, "/")
    await world.deploy_all("staging", (await world.shop.merge_next()).merged.sha)
    assert "in stock" in await world.get(1, "/")


async def test_the_frontend_cannot_go_before_the_backend_it_needs(world: World) -> None:
    await world.deploy_all("production", world.first)
    newer = (await world.shop.merge_next()).merged.sha
    code, output = await world.run("deploy.py", "frontend", "production", newer)
    assert code == 1
    assert "needs backend API 2, the backend here offers API 1: deploy the backend first" in output
    assert await world.version("frontend", "production") == world.first


async def test_a_commit_that_github_does_not_know_is_refused(world: World) -> None:
    code, output = await world.run("deploy.py", "backend", "staging", "0" * 40)
    assert (code, "GitHub answered 404" in output) == (1, True)


async def test_e2e_is_red_where_not_both_run_the_commit(world: World, tmp_path: Path) -> None:
    await world.deploy_all("staging", world.first)
    other = (await world.shop.merge_next()).merged.sha
    code, _ = await world.run("e2e.py", "staging", other, str(tmp_path))
    report = ElementTree.parse(tmp_path / "junit.xml").getroot()
    failing = [case.get("name") for case in report if case.find("failure") is not None]
    assert (code, failing) == (1, ["test_both_services_answer"])


async def test_the_bad_commit_passes_on_staging_and_a_rollback_repairs_production(
    world: World,
) -> None:
    await world.deploy_all("production", world.first)
    bad = (await world.shop.merge_bad()).merged.sha
    await world.deploy_all("staging", bad)
    assert (await world.run("e2e.py", "staging", bad))[0] == 0
    await world.deploy_all("production", bad)
    code, output = await world.run("e2e.py", "production", bad)
    assert code == 1
    assert "51 products are for sale, the home page lists 48" in output
    await world.deploy("backend", "production", world.first)
    assert (await world.run("e2e.py", "production", world.first))[0] == 0


async def test_every_good_merge_is_green_on_production(world: World) -> None:
    merges = [await world.shop.merge_next() for _ in range(len(GOOD) + 1)]
    sha = merges[-1].merged.sha
    await world.deploy_all("production", sha)
    code, output = await world.run("e2e.py", "production", sha)
    assert code == 0, output


async def test_the_fix_comes_after_the_bad_one_and_is_green(world: World) -> None:
    await world.shop.merge_bad()
    with pytest.raises(ShopError, match="already"):
        await world.shop.merge_bad()
    fixed = await world.shop.merge_next()
    assert fixed.key == FIX
    await world.deploy_all("production", fixed.merged.sha)
    assert (await world.run("e2e.py", "production", fixed.merged.sha))[0] == 0


async def test_a_program_that_does_not_come_up_leaves_the_old_one(world: World) -> None:
    await world.deploy("backend", "staging", world.first)
    broken = await world.github.commit(
        {"backend/server.py": "import sys\nif '--check' not in sys.argv: sys.exit('no')\n"},
        "Break it",
        {"name": "Alice", "email": "alice@acme.example"},
        [world.first],
        tree_of=world.first,
    )
    code, output = await world.run("deploy.py", "backend", "staging", broken)
    assert (code, f"{world.first[:7]} runs again" in output) == (1, True)
    assert await world.version("backend", "staging") == world.first


async def test_the_example_configuration_works_with_its_deployer(
    world: World, tmp_path: Path
) -> None:
    settings = world.settings()
    deployer = CommandDeployer(tmp_path, root=FOLDER, environ=settings, host="here", sole=True)
    (repo,) = load_repos(FOLDER / "deploybot.toml", {"command": deployer}).values()
    backend, tests = repo.production.services["backend"], repo.production.e2e
    assert tests
    assert list(repo.production.services) == ["frontend", "backend"]
    assert await attempt(deployer, backend, "backend", world.first) == ("succeeded", ())
    assert await world.version("backend", "production") == world.first
    # Without a frontend the tests that look at pages are red.
    status, failing = await attempt(deployer, tests, None, world.first)
    assert status == "failed"
    assert "test_home_page_lists_every_product" in " ".join(failing)


async def attempt(
    deployer: CommandDeployer, target: TargetConfig, service: str | None, sha: str
) -> tuple[str, tuple[str, ...]]:
    """Run a target on production to its end; return its status and the failing tests."""
    run = Attempt(
        attempt_id=hashlib.sha256(repr((service, sha)).encode()).hexdigest(),
        kind="deploy" if service else "e2e",
        repo="acme/shop",
        environment="production",
        service=service,
        sha=sha,
        deployer="command",
        arguments=deployer.arguments(target.options, service, "production", sha),
    )
    reference = await deployer.start(run)

    async def ended() -> bool:
        return (await deployer.observe(run, reference)).status != "running"

    await until(ended)
    seen = await deployer.observe(run, reference)
    return seen.status, seen.failing_tests


async def test_a_local_github_that_forgot_gets_the_same_commits_again(
    world: World, tmp_path: Path
) -> None:
    merges = [await world.shop.merge_next(), await world.shop.merge_bad()]
    async with Emulate.run() as again:
        shop = Shop(again, Journal(tmp_path / "merges.jsonl"))
        assert await shop.seed() == world.first
        assert await again.head() == merges[-1].merged.sha
        assert [(m.key, m.number) for m in merges] == [(GOOD[0], 1), (BAD, 2)]
        assert (await shop.merge_next()).number == 3


def test_merges_never_run_out() -> None:
    merged: list[str] = []
    for _ in range(20):
        merged.append(next_change(merged).key)
    assert len(set(merged)) == 20


def test_names_are_unique_on_staging_only() -> None:
    def unique(environment: str) -> bool:
        rows = json.loads((FOLDER / "data" / f"{environment}.json").read_text())
        return len({row["name"] for row in rows}) == len(rows)

    assert (unique("staging"), unique("production")) == (True, False)
