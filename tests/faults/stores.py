"""Redis servers as the log may find them, each behind proxies of ours: embedded, plain, cluster."""

import subprocess
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from redis.exceptions import RedisError

from app.demo.child import free_port
from app.redis.connect import connect
from app.redis.embedded import find_server
from tests.faults.proxy import Fault, Proxy, proxy_to
from tests.waiting import until

SCRIPTS = [f for f in files("app.redis").iterdir() if f.name.endswith(".lua")]


@dataclass(frozen=True)
class Store:
    """A Redis to reach through proxies (`url`), or past them (`direct`)."""

    url: str
    direct: str
    proxies: Sequence[Proxy]

    def order(self, fault: Fault, count: int) -> None:
        """Let a fault happen to the next commands of the log, whichever node they go to."""
        for proxy in self.proxies:
            proxy.done = 0
            proxy.order(fault, count, is_ours)

    def done(self) -> int:
        """Return how many faults have happened; what has not will not."""
        for proxy in self.proxies:
            proxy.forget()
        return sum(proxy.done for proxy in self.proxies)

    async def empty(self, *, knows_scripts: bool = True) -> None:
        """Let it hold nothing, and know the log's scripts or none."""
        async with client_of(self.direct) as client:
            await client.flushall()
            await client.script_flush()
            for script in SCRIPTS if knows_scripts else ():
                await client.script_load(script.read_text())


def is_ours(request: bytes) -> bool:
    """Tell a command of the log, which has keys, from what the client says by itself."""
    return b"{acme/" in request


@asynccontextmanager
async def client_of(url: str) -> AsyncGenerator[Any]:
    """Connect, and close."""
    client = connect(url)
    try:
        yield cast("Any", client)
    finally:
        await client.aclose()


@asynccontextmanager
async def one_server(address: Path | tuple[str, int], direct: str) -> AsyncGenerator[Store]:
    """Put a proxy in front of one server."""
    async with proxy_to(address) as proxy:
        yield Store(f"redis://127.0.0.1:{proxy.port}", direct, [proxy])


@asynccontextmanager
async def three_nodes(nodes: Sequence["Node"]) -> AsyncGenerator[Store]:
    """Put a proxy in front of each node, where the nodes tell clients to go."""
    async with AsyncExitStack() as stack:
        proxies = [
            await stack.enter_async_context(proxy_to(("127.0.0.1", node.port), node.announced))
            for node in nodes
        ]
        url = f"redis+cluster://127.0.0.1:{nodes[0].announced}"
        yield Store(url, url, proxies)


@dataclass(frozen=True)
class Node:
    """One node of a cluster: where it listens, and where it says that it does."""

    port: int
    bus: int
    announced: int

    @classmethod
    def at_free_ports(cls) -> "Node":
        return cls(free_port(), free_port(), free_port())

    @property
    def options(self) -> list[str]:
        announced = ["--cluster-announce-ip", "127.0.0.1"]
        announced += ["--cluster-announce-port", str(self.announced)]
        return ["--cluster-enabled", "yes", "--cluster-port", str(self.bus), *announced]


@contextmanager
def server(directory: Path, port: int, *options: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a server at a port, with a file of its own."""
    directory.mkdir(exist_ok=True)
    argv = [find_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    argv += ["--appendonly", "yes", "--appendfsync", "no", *options]  # the machine does not die
    process = subprocess.Popen(argv, cwd=directory, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def answers(url: str, command: str = "PING", wanted: str = "True") -> bool:
    """Tell whether a server gives the wanted answer."""
    with suppress(RedisError, OSError):
        async with client_of(url) as client:
            return wanted in str(await client.execute_command(command))
    return False


async def form_cluster(nodes: Sequence[Node]) -> None:
    """Make the nodes meet, each with a third of the slots; return when all agree."""
    urls = [f"redis://127.0.0.1:{node.port}" for node in nodes]
    share = -(-16384 // len(nodes))
    for number, url in enumerate(urls):
        await until(lambda url=url: answers(url))
        async with client_of(url) as client:
            await client.execute_command(
                "CLUSTER ADDSLOTSRANGE", number * share, min(16384, (number + 1) * share) - 1
            )
            await client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port, nodes[0].bus)

    async def agree() -> bool:
        states = [await answers(url, "CLUSTER INFO", "'cluster_state': 'ok'") for url in urls]
        return all(states)

    await until(agree, 20)


class OwnServer:
    """A server of a test's own, which may be killed, filled up and started again on its data."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    @classmethod
    @asynccontextmanager
    async def run(cls, directory: Path) -> AsyncGenerator["OwnServer"]:
        """Run one."""
        own = cls(directory)
        await own.start()
        try:
            yield own
        finally:
            own.kill()

    async def start(self) -> None:
        """Start it; return when it answers."""
        self._stack.enter_context(server(self._directory, self.port))
        await until(lambda: answers(self.url))

    def kill(self) -> None:
        """Kill it as a crash would."""
        self._stack.close()

    async def fill(self) -> None:
        """Let it be full from now on."""
        await self._limit(1)

    async def widen(self) -> None:
        """Let it have all the memory that it wants."""
        await self._limit(0)

    async def _limit(self, maxmemory: int) -> None:
        async with client_of(self.url) as client:
            await client.config_set("maxmemory", maxmemory)
