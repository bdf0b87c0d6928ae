"""`deploybot approve` as a process that dies at a named point; THREAD, CALL, TOKEN say what of.

Its configuration is the service's, so only what reads a file and asks for the hash is left out.
"""

import asyncio
import os
from collections.abc import Sequence

from app import signed
from app.approving import Wish, settled
from app.redis.connect import connect
from app.settings import load_settings
from tests.crash.service import PointedLog, own_points
from tests.crash.shops import configured
from tests.shop import REPO

KEY = "k" * 32


def main(_: Sequence[str]) -> int:
    """Approve the card once."""
    asyncio.run(_approve())
    return 0


async def _approve() -> None:
    settings = load_settings()
    log = PointedLog(connect(settings.redis_url), settings.deploybot_lease_seconds)
    log.points = own_points()
    token = signed.read(KEY, os.environ["TOKEN"], await log.now(REPO) // 1000)
    repo = configured(os.environ["SHOP"], os.environ["RECOVERY"])
    await settled(log, repo, Wish(os.environ["THREAD"]), os.environ["CALL"], token)
    await log.close()
