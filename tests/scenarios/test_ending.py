"""The service ends on a signal as it should: nothing is left running, nothing is lost."""

import os
import signal
import sys
from pathlib import Path

import pytest

from app.demo.child import Child
from tests.scenarios.world import world
from tests.waiting import is_ready, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_service_and_its_embedded_redis(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with world(tmp_path) as w:
        await w.stop()
        argv = [sys.executable, "-m", "app.cli", "serve"]
        service = Child(argv, tmp_path / "ending.txt", env=w.env, cwd=tmp_path)
        await service.ready(lambda: is_ready(w.url))
        redis = int((tmp_path / ".deploybot" / "redis" / "redis.pid").read_text())
        os.kill(service.pid, number)
        await until(lambda: service.exit_code() is not None)
        await until(lambda: not Path(f"/proc/{redis}").exists())
        assert service.exit_code() == 0
        await service.end()
