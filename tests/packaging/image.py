"""Runs the build stage of the Dockerfile in a folder; stands in for an image builder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.packaging.files import ROOT, instructions

PLACES = ("/opt/deploybot", "/opt/build")


def build(root: Path) -> Path:
    """Carry out the first stage below `root`, with this Python as its base image.

    Returns the virtual environment that the second stage takes over.
    """
    workdir = root / "src"
    workdir.mkdir()
    for keyword, rest in first_stage():
        if keyword == "COPY":
            *sources, target = rest.split()
            copy(sources, workdir / target)
        elif keyword == "RUN":
            run(rest, root, workdir)
    return root / "opt/deploybot"


def first_stage() -> list[tuple[str, str]]:
    """Return the instructions between the first FROM and the second."""
    steps = instructions()
    second = [keyword for keyword, _ in steps].index("FROM", 1)
    return steps[1:second]


def copy(sources: list[str], target: Path) -> None:
    """Copy what the build context holds: only what .dockerignore lets in."""
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    for source in sources:
        assert f"!{source}" in let_in, f"{source} is not in the build context"
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)


def run(command: str, root: Path, workdir: Path) -> None:
    """Run one step as the builder would, its absolute places moved below `root`."""
    for place in PLACES:
        command = command.replace(place, f"{root}{place}")
    bin_folder = root / "bin"
    bin_folder.mkdir(exist_ok=True)
    python = bin_folder / "python"
    if not python.exists():
        python.symlink_to(Path(sys.base_prefix) / "bin/python3")
    environ = {**os.environ, "PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(root)}
    environ |= {"PIP_CACHE_DIR": str(ROOT / ".cache/pip"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environ["PIP_NO_COMPILE"] = "1"  # which takes longest, and is pip's affair
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=workdir, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
