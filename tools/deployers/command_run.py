"""Run one attempt's program to its end, detached; knows only the attempt's folder and the stdlib.

Started as a script by the `command` deployer, which hands over the folder's lock: as long as this
process lives, the lock is held. Files, in the order in which they appear:

    attempt.json   what to run (written by the deployer)
    started.json   from here on the program may have run: it is never started again
    log            its output
    cancel         a request to end it (written by the deployer)
    end.json       how it ended
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.1


def write_once(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file so that it is there completely or not at all, also after a power cut."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def run(folder: Path) -> None:
    """Run the program of this folder once and write down how it ended."""
    attempt = json.loads((folder / "attempt.json").read_text(encoding="utf-8"))
    begin = time.monotonic()
    end: dict[str, Any] = {"exit_code": None, "because": "exit"}
    if (folder / "cancel").exists():
        end["because"] = "cancel"
    else:
        write_once(folder / "started.json", {"runner": os.getpid(), "at": time.time()})
        try:
            end = _run_program(folder, attempt, begin + attempt["timeout"])
        except OSError as error:
            end = {"exit_code": None, "because": "error", "error": error.strerror or str(error)}
    write_once(folder / "end.json", {**end, "seconds": time.monotonic() - begin, "at": time.time()})


def _run_program(folder: Path, attempt: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    with (folder / "log").open("ab") as log:
        program = subprocess.Popen(
            attempt["argv"],
            cwd=attempt["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / "pid").write_text(str(program.pid), encoding="ascii")
    because = _wait(program, folder / "cancel", deadline)
    if because != "exit":
        _end_group(program)
    return {"exit_code": program.returncode, "because": because}


def _wait(program: "subprocess.Popen[bytes]", cancel: Path, deadline: float) -> str:
    while program.poll() is None:
        if cancel.exists():
            return "cancel"
        if time.monotonic() >= deadline:
            return "timeout"
        time.sleep(POLL_SECONDS)
    return "exit"


def _end_group(program: "subprocess.Popen[bytes]") -> None:
    """End the program and everything that it started in its process group."""
    _signal_group(program.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(GRACE_SECONDS)
    _signal_group(program.pid, signal.SIGKILL)
    program.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def main(folder: Path, lock: int) -> None:
    """Leave the deployer behind, so that nobody has to wait for us, and run."""
    os.set_inheritable(lock, False)
    if os.fork() == 0:
        run(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
