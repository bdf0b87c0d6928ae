"""The worker goes down: threads are given back at once, and what is being sent is sent whole."""

import asyncio

from app.core.ports import ModelAnswer, Turn
from tests.core.box import REPO, SHA, Box
from tests.waiting import until


class SlowModel:
    """A model that never answers."""

    name = "slow"

    def __init__(self) -> None:
        self.asked = 0

    async def next_step(self, turn: Turn) -> ModelAnswer:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError("it never answers")


async def test_a_thread_whose_model_is_slow_is_given_back() -> None:
    slow = SlowModel()
    box = Box(model=slow)
    running = asyncio.create_task(box.worker.run())
    await box.starts()
    await until(lambda: slow.asked)
    box.worker.stop()
    await running
    claim = await box.log.claim(REPO, "work")
    assert claim
    assert claim.thread_id == box.thread_id


async def test_what_is_being_sent_is_sent_and_recorded() -> None:
    box = Box()
    gate = asyncio.Event()
    box.deployer.gate = gate
    running = asyncio.create_task(box.worker.run())
    await box.starts()
    await until(lambda: box.deployer.effects)
    box.worker.stop()
    await asyncio.sleep(0)
    running.cancel()
    gate.set()
    await asyncio.gather(running, return_exceptions=True)
    assert "tool_sent" in await box.types()
    assert box.deployer.effects == [f"staging frontend {SHA[:7]}"]
