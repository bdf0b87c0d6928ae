"""Which configured globs do not do what they look like."""

import pytest

from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.odd_globs import OddGlob, odd_globs
from tests.shop import repo_config

FILES = ["README.md", "api/app.py", "db/migrations/1.sql", "web/pages/[id].tsx"]


def shop(*paths: str) -> RepoConfig:
    target = TargetConfig(deployer="command", options={}, paths=paths)
    return repo_config(production=EnvironmentConfig(services={"backend": target}))


@pytest.mark.parametrize(
    ("glob", "meant"),
    [
        ("api", "api/**"),
        ("migrations/**", "**/migrations/**"),
        ("*.sql", "**/*.sql"),
        ("migrations", "**/migrations/**"),
        ("API/**", ""),
        ("web/[a-z]*", ""),
    ],
)
def test_a_glob_without_a_file_is_odd_and_what_was_meant_is_looked_for(
    glob: str, meant: str
) -> None:
    odd = OddGlob("production.services.backend.paths", glob, meant)
    assert odd_globs(shop("api/**", glob), FILES) == [odd]


@pytest.mark.parametrize("glob", ["README.md", "api/*.py", "**/*.sql", "web/pages/[id].tsx", "*"])
def test_a_glob_with_a_file_is_not(glob: str) -> None:
    assert odd_globs(shop(glob), FILES) == []


@pytest.mark.parametrize(
    ("glob", "is_odd"),
    [
        ("api", True),
        ("db/migrations", True),
        ("a.b/c", True),
        ("**/api", False),
        ("api/**", False),
        ("Dockerfile?", False),
        ("package.json", False),
    ],
)
def test_where_nobody_knows_the_files_it_is_what_looks_like_a_folder(
    glob: str, is_odd: bool
) -> None:
    odd = OddGlob("production.services.backend.paths", glob, f"{glob}/**")
    assert odd_globs(shop(glob), None) == ([odd] if is_odd else [])


def test_every_key_that_takes_globs_is_looked_at() -> None:
    target = TargetConfig(deployer="command", options={}, paths=("a",), risky=("b",))
    production = EnvironmentConfig(services={"backend": target}, jobs={"migrate": target})
    repo = repo_config(risky=("c",), production=production)
    assert [odd.key for odd in odd_globs(repo, FILES)] == [
        "risky",
        "production.services.backend.paths",
        "production.services.backend.risky",
        "production.jobs.migrate.paths",
        "production.jobs.migrate.risky",
    ]
