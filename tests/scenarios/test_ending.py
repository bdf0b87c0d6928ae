"""The service ends on a signal as it should: nothing is left running, nothing is lost."""

import os
import signal
from pathlib import Path

import pytest

from tests.scenarios.world import World, world
from tests.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_service_and_its_embedded_redis(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with world(tmp_path) as w:
        assert w.service
        redis = int((tmp_path / ".deploybot" / "redis" / "redis.pid").read_text())
        os.kill(w.service.pid, number)
        await until(lambda: _ended(w) and not Path(f"/proc/{redis}").exists())
        assert w.service.exit_code() == 0


def _ended(w: World) -> bool:
    return w.service is None or w.service.exit_code() is not None
