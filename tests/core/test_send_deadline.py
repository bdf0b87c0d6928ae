"""A send has its time from when the thread was read; what is too late is not sent at all."""

import asyncio
from dataclasses import replace

from app.core.errors import StoreUnavailable
from app.core.ports import Claim, Queue
from app.desk import Ports
from app.worker import Worker
from tests.core.box import REPO, SHA, Box
from tests.fakes import FakeLog

TOO_LATE = "not started: it took too long to find out whether it still may be"


class DeafLog(FakeLog):
    """Does not answer when a claim is asked for, as often as it is told."""

    deaf = 0

    async def renew(self, claim: Claim, queue: Queue) -> None:
        if self.deaf:
            self.deaf -= 1
            raise StoreUnavailable("the store does not answer")
        await super().renew(claim, queue)


class SlowLog(FakeLog):
    """Takes for ever when a claim is asked for."""

    slow = False

    async def renew(self, claim: Claim, queue: Queue) -> None:
        if self.slow:
            await asyncio.Event().wait()
        await super().renew(claim, queue)


async def approved(box: Box) -> str:
    """Approve the backend; return what became of it, with nothing sent."""
    summary = await outcome(box)
    assert "production backend 4af9ec0" not in box.deployer.effects
    return summary


async def outcome(box: Box) -> str:
    """Approve the backend; return what became of it."""
    await box.approves()
    [run] = [run for run in (await box.state()).runs.values() if run.is_production_effect]
    return run.summary


def on(box: Box, log: FakeLog, **changes: float) -> None:
    """Let the box work on another log."""
    box.log = log
    ports = Ports(log, box.model, None, None, {"command": box.deployer})
    box.worker = Worker(replace(ports, **changes), {REPO: box.config}, lease_seconds=30)


async def test_what_is_too_late_is_not_sent() -> None:
    box, log = Box(), FakeLog()
    on(box, log)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    on(box, log, send_seconds=0.0)
    assert await approved(box) == TOO_LATE


async def test_a_look_that_takes_too_long_is_given_up_with_nothing_sent() -> None:
    box, log = Box(), SlowLog()
    on(box, log)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    on(box, log, send_seconds=0.05)
    log.slow = True
    assert await approved(box) == TOO_LATE


async def test_a_store_that_never_says_whose_claim_it_is_lets_nothing_be_sent() -> None:
    box, log = Box(), DeafLog()
    on(box, log)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    on(box, log, send_seconds=0.05)
    log.deaf = 1000
    assert await approved(box) == TOO_LATE


async def test_a_store_that_was_away_for_a_moment_is_asked_again_and_it_is_sent() -> None:
    box, log = Box(), DeafLog()
    on(box, log)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    log.deaf = 2
    assert await outcome(box) == "done"
    assert box.deployer.effects.count("production backend 4af9ec0") == 1
