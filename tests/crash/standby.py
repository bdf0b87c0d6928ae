"""Two instances, of which the second takes over: it sleeps until something befalls the first."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.core.events import Entry
from app.core.state import State
from tests.crash.crashes import Crashes
from tests.crash.deploy import Deploy
from tests.crash.points import Fault
from tests.waiting import until

FIRST, SECOND = 0, 1


@asynccontextmanager
async def standby(box: Crashes, fault: Fault) -> AsyncGenerator[Deploy]:
    """Deploy with the first instance alone until its fault; then wake the second for the body.

    People did all they were asked for until then, and do nothing more.
    """
    box.pause = float("inf")
    await box.start(fault, None)
    box.services[SECOND].signal(signal.SIGSTOP)
    deploy = box.deploy()
    playing = asyncio.create_task(deploy.plays(instance=FIRST))
    try:
        await until(box.fired, 30)
        box.services[SECOND].signal(signal.SIGCONT)
        await _ended(playing)
        yield deploy
    finally:
        await _ended(playing)


async def _ended(task: asyncio.Task[State]) -> None:
    while not task.done():
        task.cancel()  # a client may swallow one
        await asyncio.wait([task], timeout=0.1)


async def taken_over(box: Crashes, deploy: Deploy, since: float, seconds: float) -> float:
    """Wait until the second goes on with the thread; return how long after `since` (epoch)."""
    found: list[Entry] = []

    async def goes_on() -> bool:
        entries = await box.log.read(deploy.thread_id)
        found[:] = [e for e in entries if e.at > since * 1000 and e.event.type != "message_posted"]
        return bool(found)

    await until(goes_on, seconds)
    return found[0].at / 1000 - since


async def wakes(box: Crashes) -> None:
    """Let a frozen first instance go on, until it knows that its claim is lost."""
    known = box.claims_lost()
    box.services[FIRST].signal(signal.SIGCONT)
    await until(lambda: box.claims_lost() > known, 30)
