"""The Dockerfile's own steps, carried out in an empty virtual environment."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.packaging.files import ROOT, instructions, locked
from tests.packaging.image import build


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("image"))


def test_the_command_starts_from_the_image(venv: Path) -> None:
    done = subprocess.run(
        [venv / "bin/deploybot", "--help"], cwd=venv, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_the_image_holds_the_run_time_lock_and_nothing_more(venv: Path) -> None:
    listed = subprocess.run(
        [venv / "bin/python", "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    )
    names = {package["name"].lower().replace("_", "-") for package in json.loads(listed.stdout)}
    extra = names - set(locked("requirements.lock")) - {"deploybot", "pip", "setuptools"}
    assert not extra


def test_texts_and_scripts_are_shipped(venv: Path) -> None:
    packages = next(venv.glob("lib/python3*/site-packages"))
    data = [
        path.relative_to(ROOT)
        for folder in ("app", "tools", "prompts")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert [path for path in data if not (packages / path).is_file()] == []


def test_every_install_is_pinned_by_hash_or_our_own() -> None:
    installs = [
        step
        for keyword, rest in instructions()
        if keyword == "RUN"
        for step in rest.split("&&")
        if "pip install" in step
    ]
    assert installs
    assert all("--require-hashes" in step or "--no-index" in step for step in installs)


def test_the_service_does_not_run_as_root() -> None:
    users = [rest for keyword, rest in instructions() if keyword == "USER"]
    assert users == ["10001"]


def test_the_service_is_what_starts_and_what_is_asked_for_health() -> None:
    steps = dict(instructions())
    assert json.loads(steps["CMD"]) == ["deploybot", "serve"]
    assert "/healthz" in steps["HEALTHCHECK"]
    assert steps["EXPOSE"] == "8000"
