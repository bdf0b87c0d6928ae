"""On SIGTERM an instance gives its threads to the others at once, and ends in time."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chance import report
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import Deploy
from tests.crash.instances import Service
from tests.crash.points import Fault
from tests.crash.standby import FIRST, SECOND, standby, taken_over
from tests.crash.target import CLASSES
from tests.forks import Zygote
from tests.waiting import until

# What is promised.
EXIT_SECONDS = 25
TAKEN_OVER_SECONDS = 2
LEASE_SECONDS = 30  # no lease ends here, so a thread moves only if it is given back
EFFECTS = ["production backend 4af9ec0", "production frontend 4af9ec0"]
HANGING = ("before model", "before observe production", "before github commits", "before current")


@pytest.mark.parametrize("point", HANGING)
async def test_a_thread_whose_step_hangs_is_taken_over(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, point: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote, LEASE_SECONDS) as box:
        async with standby(box, Fault(point, kind="hang")) as deploy:
            await taken_over_at_once(box, deploy, point)
        await deploy.plays(instance=SECOND)
        assert sorted(box.target.production()) == EFFECTS


async def taken_over_at_once(box: Crashes, deploy: Deploy, what: str) -> None:
    """End the first instance, and fail unless the second goes on in time."""
    asked = time.time()
    ending = asyncio.create_task(box.services[FIRST].terminate())
    seconds = await taken_over(box, deploy, asked, EXIT_SECONDS)
    took = await ending
    report("SIGTERM", hangs=what, taken_over=round(seconds, 2), exit=round(took, 2))
    assert seconds <= TAKEN_OVER_SECONDS
    assert took <= EXIT_SECONDS


async def test_messages_of_one_that_hangs_in_slack_are_sent_by_another(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote
) -> None:
    async with crashes(tmp_path, clean_redis_url, "keyed", zygote, LEASE_SECONDS) as box:
        async with standby(box, Fault("before slack chat.postMessage", kind="hang")) as deploy:
            assert not box.outside.messages
            asked = time.monotonic()
            ending = asyncio.create_task(box.services[FIRST].terminate())
            await until(lambda: box.outside.messages, EXIT_SECONDS)
            seconds = time.monotonic() - asked
            assert await ending <= EXIT_SECONDS
            assert seconds <= TAKEN_OVER_SECONDS
        await deploy.plays(instance=SECOND)
        assert max(box.outside.posted().values()) == 1


@pytest.mark.parametrize("recovery", CLASSES)
async def test_a_send_that_hangs_is_waited_for_and_its_instance_still_ends_in_time(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote, LEASE_SECONDS) as box:
        async with standby(box, Fault("before start production", kind="hang")) as deploy:
            async with idle_connections(box.services[FIRST], 10), half_a_request(box):
                took = await box.services[FIRST].terminate()
            report("SIGTERM", hangs=f"a send, {recovery}", exit=round(took, 2))
            assert took <= EXIT_SECONDS
            since = time.time() - took
            await taken_over(box, deploy, since, took + TAKEN_OVER_SECONDS)
        await deploy.plays(instance=SECOND)
        assert sorted(box.target.production()) == EFFECTS


@asynccontextmanager
async def idle_connections(service: Service, number: int) -> AsyncGenerator[None]:
    """Hold connections open that asked something once."""
    writers: list[asyncio.StreamWriter] = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"200" in await reader.readline()
        writers.append(writer)
    yield
    for writer in writers:
        writer.close()


@asynccontextmanager
async def half_a_request(box: Crashes) -> AsyncGenerator[None]:
    """Send a webhook whose body does not come."""
    _, writer = await asyncio.open_connection("127.0.0.1", box.services[FIRST].port)
    head = "POST /github/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
    writer.write(f"{head}x-hub-signature-256: sha256=0\r\n\r\nhalf".encode())
    await writer.drain()
    yield
    writer.close()
