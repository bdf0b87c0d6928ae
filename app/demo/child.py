"""A program in its own process group that ends with us, ended by pid; knows no program."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# The shell becomes the program; what stays beside it reads our end of a pipe, which closes however
# we die, and then ends the whole group.
_WATCHED = """exec 3<&0
( trap '' TERM; cat <&3 >/dev/null; kill -s TERM -- -$$; sleep 3; kill -s KILL -- -$$ ) &
exec "$@" 3<&- </dev/null"""


_PORTS = (10_000, 32_000)


class ChildError(Exception):
    """A program that we started ended or was not ready in time; says what it wrote last."""


def free_port() -> int:
    """Return a loopback port that nobody listened on a moment ago.

    It is none of those that a system gives to outgoing connections (from 32768 on under Linux), one
    of which could take it before it is listened on.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = random.randrange(*_PORTS)
            probe.bind(("127.0.0.1", port))
            return port


class Child:
    """One running program, its output in a file."""

    def __init__(
        self,
        argv: Sequence[str],
        output: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start the program; its group's id is its pid."""
        self.name = Path(argv[0]).name
        self.output = output
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHED, "sh", *argv],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=None if env is None else dict(env),
                cwd=cwd,
            )

    @property
    def pid(self) -> int:
        """Return the program's process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code, None while the program runs."""
        return self._process.poll()

    def last_lines(self, count: int = 20) -> str:
        """Return the end of what the program wrote."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-count:])

    async def ready(self, is_ready: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
        """Wait until the program answers; raises ChildError when it ended or the time is over."""
        deadline = time.monotonic() + seconds
        while not await is_ready():
            if (code := self.exit_code()) is not None:
                raise ChildError(f"{self.name} ended with code {code}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise ChildError(f"{self.name} not ready in {seconds:g} s:\n{self.last_lines()}")
            await asyncio.sleep(0.02)

    async def end(self, grace_seconds: float = 5) -> None:
        """End the program: ask its group, wait, then kill whatever of the group is left."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, grace_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # The watcher ignores SIGTERM, so until here the group's id cannot be another's.
            self._signal(signal.SIGKILL)
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()

    def kill(self) -> None:
        """Kill the program alone, as a crash would; `end` still has to be called."""
        self._process.kill()
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            # macOS answers EPERM for a group of which only zombies are left.
            return
