"""Processes of the service: forked, killed, frozen, restarted; knows nothing of what they do."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from app.demo.child import free_port
from tests.crash.points import Fault
from tests.forks import Zygote
from tests.waiting import is_ready, until


class Service:
    """One service process at its port; it can be killed, frozen and started again."""

    def __init__(self, zygote: Zygote, env: Mapping[str, str], output: Path) -> None:
        self._zygote = zygote
        self.port = free_port()
        self._env = {**env, "PORT": str(self.port)}
        self._output = output
        self._pid = 0
        self._dead_since: float | None = None
        self._was_ready = False

    async def start(self, fault: Fault | None = None) -> None:
        """Start it with a fault to come; return when it is ready or dead."""
        env = self._env | ({"FAULT": fault.encoded()} if fault else {})
        self._dead_since, self._was_ready = None, False
        self._pid = self._zygote.start("tests.crash.service", env, self._output)
        await until(self._is_ready_or_dead, 60)
        self._was_ready = self.lives()

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, if it is there."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def lives(self) -> bool:
        """Tell whether the process is there, frozen or not."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return self._pid > 0

    def serves(self) -> bool:
        """Tell whether the process is there and was ready once."""
        return self.lives() and self._was_ready

    def is_dead_for(self, seconds: float) -> bool:
        """Tell whether it was seen dead that long ago, and at every look since."""
        if self.lives():
            self._dead_since = None
            return False
        if self._dead_since is None:
            self._dead_since = time.monotonic()
        return time.monotonic() - self._dead_since >= seconds

    async def end(self) -> None:
        """Kill it."""
        if self._pid:
            self.signal(signal.SIGKILL)
            await until(lambda: not self.lives())

    async def terminate(self, seconds: float = 60) -> float:
        """Ask it to end, and return how many seconds it took."""
        asked = time.monotonic()
        self.signal(signal.SIGTERM)
        await until(lambda: not self.lives(), seconds)
        return time.monotonic() - asked

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def _is_ready_or_dead(self) -> bool:
        return not self.lives() or await is_ready(self.url(""))
