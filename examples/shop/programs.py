"""The running programs: started detached, asked for their version, ended by pid."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import places


def command(service, environment, release, sha):
    """Return the command that runs a release as a target."""
    return [
        *(sys.executable, str(release / "server.py"), "--sha", sha),
        *("--port", str(places.port(service, environment))),
        *("--backend", places.address("backend", environment)),
        *("--catalogue", str(places.catalogue(environment))),
    ]


def start(service, environment, release, sha):
    """Start a release as a program that outlives us."""
    folder = places.folder(service, environment)
    held = _lock(folder)
    if held is None:
        raise RuntimeError(f"{service} on {environment} runs already")
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command(service, environment, release, sha),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # The program inherits the lock, so the pid is valid for as long as it is held.
            pass_fds=[held.fileno()],
            env={"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    (folder / "pid").write_text(str(process.pid))
    held.close()
    return process


def stop(service, environment):
    """End the program of a target if one runs, and return whether one did."""
    folder = places.folder(service, environment)
    held = _lock(folder)
    if held is not None:
        held.close()
        return False
    pid = int((folder / "pid").read_text())
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if _within(5, lambda: _is_free(folder)):
            return True
    raise RuntimeError(f"pid {pid} does not end")


def remember(service, environment, sha):
    """Keep which commit was deployed last, for a start after everything was stopped."""
    (places.folder(service, environment) / "deployed").write_text(sha)


def deployed(service, environment):
    """Return the commit that was deployed last, None before the first."""
    kept = places.folder(service, environment) / "deployed"
    return kept.read_text() if kept.exists() else None


def last_words(service, environment):
    """Return the last line that a target's program wrote."""
    lines = (
        (places.folder(service, environment) / "log.txt").read_text(errors="replace").split("\n")
    )
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")


def version(service, environment):
    """Return the SHA that a target says it runs, None where nothing answers."""
    try:
        with urlopen(places.address(service, environment) + "/version", timeout=5) as response:
            return str(json.load(response)["sha"])
    except (URLError, OSError, ValueError, KeyError):
        return None


def runs(service, environment, sha, process, seconds=15):
    """Wait until a started program reports the SHA; return whether it does."""
    _within(
        seconds,
        lambda: process.poll() is not None or version(service, environment) == sha,
    )
    return process.poll() is None and version(service, environment) == sha


def _within(seconds, predicate):
    deadline = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lock(folder):
    held = (folder / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held


def _is_free(folder):
    held = _lock(folder)
    if held is None:
        return False
    held.close()
    return True
