"""Which services a change touches."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.config import EnvironmentConfig, TargetConfig
from app.core.paths import touched
from tests.shop import repo_config


def target(*paths: str) -> TargetConfig:
    return TargetConfig(deployer="command", options={}, paths=paths)


SHOP = repo_config(
    production=EnvironmentConfig(
        services={
            "frontend": target("web/**", "package.json"),
            "backend": target("api/**/*.py", "**/schema.sql", "lib?/*.py"),
            "infra": target(),
        }
    )
)


@pytest.mark.parametrize(
    ("path", "services"),
    [
        ("web/index.html", ["frontend", "infra"]),
        ("web/a/b/c.ts", ["frontend", "infra"]),
        ("webs/index.html", ["infra"]),
        ("package.json", ["frontend", "infra"]),
        ("web2/package.json", ["infra"]),
        ("api/app.py", ["backend", "infra"]),
        ("api/a/b/app.py", ["backend", "infra"]),
        ("api/app.pyc", ["infra"]),
        ("schema.sql", ["backend", "infra"]),
        ("db/2026/schema.sql", ["backend", "infra"]),
        ("lib1/a.py", ["backend", "infra"]),
        ("lib1/deep/a.py", ["infra"]),
        ("lib/a.py", ["infra"]),
        ("api/a\nb.py", ["backend", "infra"]),
        ("docs/readme.md", ["infra"]),
    ],
)
def test_a_service_is_touched_by_its_paths(path: str, services: list[str]) -> None:
    assert list(touched(SHOP, [path])) == services


def test_one_file_of_many_is_enough() -> None:
    assert touched(SHOP, ["docs/a.md", "web/a.ts", "docs/b.md"]) == ("frontend", "infra")


def test_where_nobody_knows_the_files_all_are_touched() -> None:
    assert touched(SHOP, None) == ("frontend", "backend", "infra")


def test_a_change_of_nothing_touches_what_has_no_paths() -> None:
    assert touched(SHOP, []) == ("infra",)


@pytest.mark.parametrize("pattern", ["**/*a*a*a*.py", "*a" * 40, "**/" * 30 + "x", "**a" * 30])
def test_no_pattern_takes_long_on_any_path(pattern: str) -> None:
    shop = repo_config(production=EnvironmentConfig(services={"backend": target(pattern)}))
    before = time.thread_time()
    assert touched(shop, ["a" * 4000 + "b", "a/" * 2000 + "b", "a" * 3997 + "b.py"]) == (
        ("backend",) if pattern.endswith(".py") else ()
    )
    assert time.thread_time() - before < 2


@given(st.text("a/*?.", max_size=7), st.text("a/.\n", max_size=8))
@settings(max_examples=1000, deadline=None)
def test_a_pattern_means_what_its_regular_expression_means(pattern: str, path: str) -> None:
    shop = repo_config(production=EnvironmentConfig(services={"backend": target(pattern)}))
    assert bool(touched(shop, [path])) == bool(matched(pattern, path))


def matched(pattern: str, path: str) -> object:
    """Match by a regular expression, which is as short as it is slow."""
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts: list[str] = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    text = "".join(wildcards.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(text, path, re.DOTALL)
