"""`make setup`: quick when nothing changed, clear when it cannot go on."""

import subprocess
import time
from pathlib import Path

from tests.packaging.files import ROOT


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in this checkout, apart from a make that runs these tests."""
    command = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_second_setup_is_quick() -> None:
    assert make("setup").returncode == 0
    started = time.monotonic()
    assert make("setup").returncode == 0
    assert time.monotonic() - started < 1


def test_a_python_that_is_too_old_is_named_as_the_reason(tmp_path: Path) -> None:
    done = make("setup", f"VENV={tmp_path}/venv", "PYTHON=false")
    assert done.returncode != 0
    assert "deploybot needs Python 3.11 or newer" in done.stderr
