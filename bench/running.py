"""Processes that are measured: started, waited for, killed; nothing of what is measured."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.demo.child import free_port
from bench.outside import Outside
from bench.shop import GITHUB_SECRET, SLACK_SECRET
from tests.waiting import is_ready, until

ROOT = Path(__file__).parents[1]
SERVE = ("-m", "app.cli", "serve")
READY_SECONDS = 60
INSTANCE = ("-m", "bench.instance")


class Process:
    """A Python program that says at /readyz that it is ready."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._argv = argv
        self._env = {**env, "PORT": str(self.port)}
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> float:
        """Start it, and return the seconds until it was ready."""
        began = time.perf_counter()
        with (self._folder / f"{self.port}.txt").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self._argv),
                cwd=self._folder,
                env=self._env,
                stdout=output,
                stderr=output,
            )
        await until(self._is_ready, READY_SECONDS)
        return time.perf_counter() - began

    async def _is_ready(self) -> bool:
        assert self._process
        if self._process.returncode is not None:
            raise AssertionError((self._folder / f"{self.port}.txt").read_text()[-3000:])
        return await is_ready(self.url)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it with a signal, and wait until it is gone."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    def resident(self) -> int:
        """Return its resident memory in bytes, as Linux tells it."""
        assert self._process
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ValueError("it has no memory")


def environment(
    outside: Outside, redis_url: str, lease: float = 30, name: str = "0"
) -> dict[str, str]:
    """Return what a service needs to run here."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": redis_url,
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_SIGNING_SECRET": SLACK_SECRET,
        "SLACK_API_URL": f"{outside.url}/{name}/api/",
        "GITHUB_WEBHOOK_SECRET": GITHUB_SECRET,
        "DEPLOYBOT_LEASE_SECONDS": str(lease),
        "OUTSIDE": f"{outside.url}/{name}",
    }


@asynccontextmanager
async def instances(
    count: int, outside: Outside, redis_url: str, folder: Path, recovery: str, lease: float = 30
) -> AsyncGenerator[list[Process]]:
    """Run some instances of the service on one store; their names outside are "0", "1", …"""
    async with AsyncExitStack() as stack:
        running: list[Process] = []
        for number in range(count):
            env = environment(outside, redis_url, lease, str(number)) | {"RECOVERY": recovery}
            process = Process(INSTANCE, env, folder)
            stack.push_async_callback(process.end)
            running.append(process)
        await asyncio.gather(*[process.start() for process in running])
        yield running
