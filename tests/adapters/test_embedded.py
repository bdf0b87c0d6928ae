"""The launcher: one server per directory, whoever starts it and whoever dies."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from redis.exceptions import RedisError

from app.core.errors import UserError
from app.redis.connect import connect
from app.redis.embedded import embedded, find_server, start_embedded, stop_embedded
from tests.waiting import until

ROOT = Path(__file__).parents[2]
START = """
import asyncio, sys
from pathlib import Path
from app.redis.embedded import start_embedded
print(asyncio.run(start_embedded(Path(sys.argv[1]))), flush=True)
sys.stdin.read()
"""


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[Path]:
    """Give a folder whose server, if any, ends with the test."""
    yield tmp_path / "data"
    await stop_embedded(tmp_path / "data")


async def ask(url: str, *command: str) -> Any:
    client = connect(url)
    try:
        return await cast("Any", client).execute_command(*command)
    finally:
        await client.aclose()


async def pid(url: str) -> int:
    return (await ask(url, "INFO", "server"))["process_id"]


async def kill(url: str) -> None:
    """Kill the server and wait until nobody answers."""
    os.kill(await pid(url), signal.SIGKILL)

    async def silent() -> bool:
        try:
            await ask(url, "PING")
        except RedisError:
            return True
        return False

    await until(silent)


def app(directory: Path) -> subprocess.Popen[str]:
    """Start a process that starts the server and stays, without any program on its PATH."""
    return subprocess.Popen(
        [sys.executable, "-c", START, directory],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_started_twice_is_one_server(directory: Path):
    first = await pid(await start_embedded(directory))
    assert await pid(await start_embedded(directory)) == first


async def test_four_simultaneous_starts_without_a_path_are_one_server(directory: Path):
    apps = [app(directory) for _ in range(4)]
    answers = [await asyncio.to_thread(each.communicate) for each in apps]
    assert [each.returncode for each in apps] == [0] * 4
    urls = {output.strip() for output, _ in answers}
    assert len(urls) == 1
    log = (directory / "redis.log").read_text()
    assert log.count("Server initialized") == 1


async def test_server_outlives_a_killed_app(directory: Path):
    first = app(directory)
    assert first.stdout
    url = (await asyncio.to_thread(first.stdout.readline)).strip()
    server = await pid(url)
    await ask(url, "SET", "kept", "yes")
    first.kill()
    await asyncio.to_thread(first.communicate)
    assert await pid(await start_embedded(directory)) == server
    assert await ask(url, "GET", "kept") == "yes"


async def test_killed_server_is_started_again_with_its_data(directory: Path):
    url = await start_embedded(directory)
    await ask(url, "SET", "kept", "yes")
    await kill(url)
    assert await ask(await start_embedded(directory), "GET", "kept") == "yes"


async def test_killed_server_comes_back_while_it_is_needed(directory: Path):
    async with embedded(directory) as url:
        await ask(url, "SET", "key", "value")
        os.kill(await pid(url), signal.SIGKILL)

        async def is_back() -> bool:
            with suppress(RedisError):
                return await ask(url, "GET", "key") == "value"
            return False

        await until(is_back)
    with pytest.raises(RedisError):
        await ask(url, "PING")


async def test_stopped_server_is_started_again_with_its_data(directory: Path):
    url = await start_embedded(directory)
    await ask(url, "SET", "kept", "yes")
    await stop_embedded(directory)
    assert await ask(await start_embedded(directory), "GET", "kept") == "yes"


async def test_hung_server_gets_no_second_one_beside_it(directory: Path):
    url = await start_embedded(directory)
    number = await pid(url)
    os.kill(number, signal.SIGSTOP)
    try:
        with pytest.raises(UserError, match="does not answer"):
            await start_embedded(directory, seconds=0.1)
    finally:
        os.kill(number, signal.SIGCONT)
    assert await pid(url) == number


async def test_hung_server_can_be_stopped(directory: Path):
    number = await pid(await start_embedded(directory))
    os.kill(number, signal.SIGSTOP)
    await stop_embedded(directory, seconds=0.1)
    assert await pid(await start_embedded(directory)) != number


async def test_server_that_cannot_start_is_an_error_that_names_its_log(directory: Path):
    (directory / "appendonlydir").mkdir(parents=True)
    (directory / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(UserError, match=r"redis\.log"):
        await start_embedded(directory)


async def test_directory_may_be_deeper_than_a_socket_path(directory: Path):
    deep = directory / ("deep" * 30) / "with spaces, 50% ?#"
    url = await start_embedded(deep)
    try:
        assert await ask(url, "PING")
        assert (deep / "redis.sock").exists()
    finally:
        await stop_embedded(deep)


async def test_server_writes_everything_and_evicts_nothing(directory: Path):
    url = await start_embedded(directory)
    wanted = {"appendonly": "yes", "appendfsync": "always", "save": ""}
    wanted |= {"maxmemory-policy": "noeviction", "port": "0"}
    assert {name: (await ask(url, "CONFIG", "GET", name))[name] for name in wanted} == wanted


async def test_server_is_for_its_owner_alone(directory: Path):
    await start_embedded(directory)
    for path in (directory, directory / "redis.sock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


async def test_stop_without_a_server_does_nothing(tmp_path: Path):
    await stop_embedded(tmp_path / "nowhere")
    await stop_embedded(tmp_path)


def test_platform_without_a_server_is_told_to_set_the_url():
    with pytest.raises(UserError, match="REDIS_URL"):
        find_server("no_such_package")
