"""The locks: complete, pinned by hash, and free of any index's address."""

import json

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.packaging.files import ROOT, locked, toml

LOCKS = (
    "attack-corpora.lock",
    "requirements.lock",
    "requirements-bench.lock",
    "requirements-build.lock",
    "requirements-dev.lock",
    "requirements-soak.lock",
)
STAND_INS = ("standins/package-lock.json", "standins/browser/package-lock.json")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_its_hashes(lock: str) -> None:
    assert locked(lock)
    assert [name for name, entry in locked(lock).items() if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [*LOCKS, *STAND_INS])
def test_no_lock_names_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert '"resolved"' not in text
    assert "index-url" not in text
    assert "registry." not in text


@pytest.mark.parametrize("smaller", ["requirements.lock", "requirements-build.lock"])
def test_development_runs_what_is_shipped(smaller: str) -> None:
    assert locked(smaller).items() <= locked("requirements-dev.lock").items()


def pinned(entry: str) -> list[str]:
    """Return version and hashes of an entry, without where it is needed."""
    version, *hashes = entry.split(" --hash=")
    return [version.partition(";")[0].strip(), *(each.strip() for each in hashes)]


def test_long_runs_use_the_packages_of_development() -> None:
    development, soak = locked("requirements-dev.lock"), locked("requirements-soak.lock")
    both = development.keys() & soak.keys()
    assert {name for name in both if pinned(development[name]) != pinned(soak[name])} == set()


@pytest.mark.parametrize("dependency", toml("pyproject.toml")["project"]["dependencies"])
def test_the_lock_is_not_older_than_the_project(dependency: str) -> None:
    wanted = Requirement(dependency)
    entry = locked("requirements.lock")[wanted.name]
    assert Version(entry.split("==")[1].split()[0]) in wanted.specifier


@pytest.mark.parametrize("lock", STAND_INS)
def test_stand_ins_are_pinned_by_hash(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    versions = packages.pop("")["dependencies"].values()
    assert [version for version in versions if not version[0].isdigit()] == []
    assert [name for name, package in packages.items() if not package["integrity"]] == []
