"""What is copied to begin with: the example configuration, and what the README says of both."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from app.configuration import load_repos
from app.core.errors import ConfigError
from app.core.ports import Deployer
from app.parts import build_deployers, build_github
from app.settings import Settings
from app.tables import FreezeTable, JobRules, ProductionTable, RepoTable, ServiceRules
from tests.adapters.test_settings import command_deployer
from tests.packaging.files import ROOT, toml
from tools.deployers.github_actions_options import Options

NAME = "deploybot.example.toml"
README = (ROOT / "README.md").read_text()


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Copy the example beside the programs that it names."""
    for name in ("deploy.sh", "version.sh", "e2e.sh", "migrate.sh"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    copied = tmp_path / "deploybot.toml"
    copied.write_text((ROOT / NAME).read_text())
    return copied


def test_the_example_loads(example: Path) -> None:
    repo = load_repos(example, command_deployer(example.parent))["acme/shop"]
    assert list(repo.production.services) == ["frontend", "backend"]
    assert repo.approvers_of("frontend") == ("U02BOB", "U03CARA")
    assert repo.approvals_needed_for("backend") == 2


def test_the_example_shows_every_key_that_is_accepted(example: Path) -> None:
    deployer = command_deployer(example.parent)["command"]
    assert _keys(toml(NAME)["repos"]["acme/shop"]) >= _accepted() | set(
        deployer.Options.model_fields
    )


def commented(example: Path, *left_out: str) -> Path:
    """Take the example's service that a workflow deploys out of its comment, but for some keys."""
    text = example.read_text()
    at = text.index('# [repos."acme/shop".production.services.search]')
    lines = [line.removeprefix("# ") for line in text[at:].splitlines()]
    kept = [line for line in lines if line.partition(" ")[0] not in left_out]
    example.write_text("\n".join([text[:at], *kept]))
    return example


def deployers(root: Path, token: str) -> Mapping[str, Deployer]:
    """Build the deployers as the service does."""
    settings = Settings(github_token=token, deploybot_config=root / "deploybot.toml")
    return build_deployers(settings, build_github(settings))


def test_the_commented_workflow_loads(example: Path) -> None:
    given = deployers(example.parent, "t0ken")
    repo = load_repos(commented(example), given)["acme/shop"]
    assert list(repo.production.services) == ["frontend", "backend", "search"]


def test_the_commented_workflow_shows_every_key_and_its_default(example: Path) -> None:
    shown = tomllib.loads(commented(example).read_text())
    search = shown["repos"]["acme/shop"]["production"]["services"]["search"]
    assert set(search) == {*Options.model_fields, "deployer"}
    differ = ("deployer", "workflow", "inputs", "refuses_known_attempts")
    options = Options.model_validate({"workflow": "deploy.yml"}).model_dump()
    for key in set(search) - {*differ}:
        assert search[key] == options[key]


def test_without_credentials_a_workflow_is_refused_by_its_key(example: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_repos(commented(example), deployers(example.parent, ""))
    [problem] = refused.value.problems
    key = 'repos."acme/shop".production.services.search.deployer'
    assert problem.startswith(f"{key}: needs GITHUB_TOKEN")


def test_a_push_to_production_is_refused_by_its_key(example: Path) -> None:
    sent = ("inputs", "sha_input", "attempt_input", "refuses_known_attempts")
    path = commented(example, *sent)
    path.write_text(path.read_text().replace('trigger = "dispatch"', 'trigger = "push"'))
    with pytest.raises(ConfigError) as refused:
        load_repos(path, deployers(example.parent, "t0ken"))
    [problem] = refused.value.problems
    key = 'repos."acme/shop".production.services.search.trigger'
    assert problem == f"{key}: production never begins by itself: nobody would have approved it"


def _accepted() -> set[str]:
    """Return the keys that the reader of the configuration itself takes."""
    kinds = (ProductionTable, RepoTable, ServiceRules, JobRules, FreezeTable)
    return {key for kind in kinds for key in kind.model_fields} | {"deployer"}


def _keys(table: dict[str, Any]) -> set[str]:
    lists = (cast("list[Any]", v) if isinstance(v, list) else [v] for v in table.values())
    below = (cast("dict[str, Any]", v) for vs in lists for v in vs if isinstance(v, dict))
    return set(table) | {key for inner in below for key in _keys(inner)}


def test_the_readme_names_the_two_commands() -> None:
    assert re.search(r"^make demo\b", README, re.M)
    assert re.search(r"^make test\b", README, re.M)


def test_the_readme_lists_every_variable() -> None:
    named = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    rows = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    wanted = {*named, *(name.upper() for name in Settings.model_fields)}
    assert [name for name in sorted(wanted) if f"`{name}`" not in rows] == []


def test_the_readme_keeps_to_its_length() -> None:
    assert 100 <= len(README.splitlines()) <= 200
