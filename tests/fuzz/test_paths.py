"""Paths of files, however long and strange: compared with any pattern in bounded time."""

from app.core.config import EnvironmentConfig, TargetConfig
from app.core.paths import touched
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation
from tests.shop import repo_config

PATTERNS = ("web/**", "**/*a*a*a*.py", "**/a/**/b/**/c", "lib?/*.py", "***/?**/*", "*.json")
PATHS = ("web/a/b.ts", "api/a/b/c.py", "lib1/a.py", "package.json", "docs/ü \n.md")
LONGEST = 4000  # bytes of a path, which is what file systems allow


def long(case: Mutation) -> str:
    """Return a path of a short piece again and again."""
    piece = case.text(case.choice(PATHS), 2)[: case.randint(1, 6)] or "a"
    return (piece * LONGEST)[: LONGEST - 3] + case.choice(("b", ".py", "/c"))


def test_paths_of_files() -> None:
    with Campaign("paths") as campaign:
        for case in campaign:
            pattern = case.text(case.choice(PATTERNS) * case.randint(1, 4), 4)
            service = TargetConfig(deployer="command", options={}, paths=(pattern,))
            repo = repo_config(production=EnvironmentConfig(services={"backend": service}))
            assert touched(repo, [case.text(case.choice(PATHS), 4), long(case)]) in (
                (),
                ("backend",),
            )
