"""The Dockerfile's own steps, carried out in an empty virtual environment."""

import json
import subprocess
from pathlib import Path

from tests.packaging.files import ROOT, instructions, locked
from tests.packaging.image import build

OF_A_VENV = ("pip", "setuptools")


def test_the_image_starts_and_holds_the_lock_and_the_texts(tmp_path: Path) -> None:
    venv = build(tmp_path)  # once: it takes half a minute
    done = subprocess.run(
        [venv / "bin/deploybot", "--help"], cwd=venv, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout
    assert not _installed(venv) - set(locked("requirements.lock")) - {"deploybot", *OF_A_VENV}
    packages = next(venv.glob("lib/python3*/site-packages"))
    assert [path for path in _data() if not (packages / path).is_file()] == []


def _installed(venv: Path) -> set[str]:
    listed = subprocess.run(
        [venv / "bin/python", "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    )
    return {package["name"].lower().replace("_", "-") for package in json.loads(listed.stdout)}


def _data() -> list[Path]:
    """Return every text and script that the service reads."""
    return [
        path.relative_to(ROOT)
        for folder in ("app", "tools", "prompts")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


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
