"""Asks a program which commit a target runs."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.deployers.command_options import DEFAULT_PATH, find_program

LIMIT_SECONDS = 10


def ask(argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> str | None:
    """Run the program and return the full SHA that it prints; None for anything else."""
    program = find_program(argv[0], cwd, environment.get("PATH", DEFAULT_PATH))
    if program is None:
        return None
    # A file and not a pipe: what the program leaves running cannot keep us waiting.
    with tempfile.TemporaryFile() as answer:
        try:
            process = subprocess.Popen(
                [program, *argv[1:]],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return None
        if _exit_code(process) != 0:
            return None
        answer.seek(0)
        sha = answer.read(100).decode("ascii", errors="replace").strip()
    return sha if re.fullmatch(r"[0-9a-f]{40}", sha) else None


def _exit_code(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
