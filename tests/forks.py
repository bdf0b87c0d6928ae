"""Programs that are forked instead of started anew, which takes seconds; ended by pid."""

import asyncio
import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.certificates import CERTIFICATE
from tests.waiting import until

ROOT = Path(__file__).parents[1]


class Zygote:
    """Forks programs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        program: str,
        env: Mapping[str, str],
        output: Path,
        argv: Sequence[str] = (),
        cwd: Path = ROOT,
        *,
        errors: Path | None = None,
        end: Path | None = None,
    ) -> int:
        """Call `main` of a module in a process group of its own, and return its pid."""
        assert self._process.stdin
        assert self._process.stdout
        request = {
            "program": program,
            "argv": list(argv),
            "env": {**env, **dict([CERTIFICATE])},
            "output": str(output),
            "errors": str(errors or output),
            "end": str(end or ""),
            "cwd": str(cwd),
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """End it and all that it started."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def the_zygote() -> Zygote:
    """Return the one of this process, which ends with it."""
    zygote = Zygote()
    atexit.register(zygote.end)
    return zygote


def run(
    program: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors, end = (Path(folder) / name for name in ("output", "errors", "end"))
        os.mkfifo(end)
        the_zygote().start(program, env, output, argv, cwd, errors=errors, end=end)
        code = int(end.read_text())  # once it is written
        return subprocess.CompletedProcess(argv, code, output.read_text(), errors.read_text())


class Forked:
    """One running program, its output in a file."""

    def __init__(
        self, program: str, argv: Sequence[str], output: Path, *, env: Mapping[str, str], cwd: Path
    ) -> None:
        """Start it; its group's id is its pid."""
        output.touch()
        self.output = output
        self.pid = the_zygote().start(program, env, output, argv, cwd)

    def lives(self) -> bool:
        """Tell whether it runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    async def ready(self, is_ready: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
        """Wait until the program answers; fail when it ended or the time is over."""
        deadline = time.monotonic() + seconds
        while not await is_ready():
            assert self.lives(), f"it ended:\n{self._end_of_output()}"
            late = time.monotonic() > deadline
            assert not late, f"not ready in {seconds:g} s:\n{self._end_of_output()}"
            await asyncio.sleep(0.02)

    async def end(self, grace_seconds: float = 5) -> None:
        """Ask its group to end, wait, then kill whatever of the group is left."""
        self._signal(signal.SIGTERM)
        with suppress(AssertionError):
            await until(lambda: not self.lives(), grace_seconds)
        self._signal(signal.SIGKILL)

    def _end_of_output(self) -> str:
        return self.output.read_text(errors="replace")[-3000:]

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)
