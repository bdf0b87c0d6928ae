"""Which services a change touches."""

import pytest

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
