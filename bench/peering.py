"""How the other frameworks' programs are run: their own Python, requests by lines, or once."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cycle import TEXT, Cost
from bench.running import ROOT
from bench.store import Store

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PROGRAMS = ROOT / "bench" / "peers"


@dataclass(frozen=True)
class Peer:
    """A framework on a store: its name here, its program, where its state is."""

    name: str
    program: str
    store: str

    def argv(self, *more: str) -> list[str]:
        """Return the command of one process."""
        return [str(PYTHON), str(PROGRAMS / self.program), self.store, *more]


def peers(redis_url: str, folder: Path) -> list[Peer]:
    """List everybody that is compared with; SQLite files are in the folder."""
    langgraph = "langgraph_peer.py"
    return [
        Peer("LangGraph, `ValkeySaver`", langgraph, redis_url),
        Peer("LangGraph, `SqliteSaver`", langgraph, str(folder / "whole.sqlite")),
        Peer(
            "LangGraph, `SqliteSaver`, `DeltaChannel` (beta)",
            langgraph,
            f"delta:{folder / 'delta.sqlite'}",
        ),
        Peer("OpenAI Agents SDK, run state in Valkey", "agents_peer.py", redis_url),
    ]


class Cycles:
    """A peer's process that runs pause-and-resume cycles."""

    def __init__(self, process: asyncio.subprocess.Process, store: Store) -> None:
        self._process = process
        self._store = store

    async def cycle(self, thread: str, events: int) -> Cost:
        """Bring a thread of so many events to its pause, and measure one cycle."""
        await self._ask({"thread": thread, "texts": [TEXT] * (events - 1)})
        before = await self._store.written()
        answer = await self._ask({"thread": thread})
        in_store = await self._store.written() - before
        return Cost(answer["seconds"], in_store + answer["written"])

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await self._process.stdout.readline()
        assert line, "the peer's program has ended"
        return json.loads(line)


@asynccontextmanager
async def cycling(peer: Peer, store: Store) -> AsyncGenerator[Cycles]:
    """Run a peer's process for the body."""
    process = await asyncio.create_subprocess_exec(
        *peer.argv("serve"),
        env=quiet(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Cycles(process, store)
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


def start(peer: Peer, verb: str, log: Path, deploy_seconds: float = 0) -> subprocess.Popen[bytes]:
    """Start one process of a peer, whose tool takes so long."""
    env = quiet() | {"DEPLOY_SECONDS": str(deploy_seconds)}
    return subprocess.Popen(peer.argv(verb, str(log)), env=env)


def versions() -> dict[str, str]:
    """Return the versions of what is compared with."""
    listed = subprocess.run(
        [PYTHON, "-c", _VERSIONS], capture_output=True, text=True, check=True, env=quiet()
    )
    return json.loads(listed.stdout)


_VERSIONS = """
import json
from importlib.metadata import version
names = ["langgraph", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-aws", "openai-agents"]
print(json.dumps({name: version(name) for name in names}))
"""


def quiet() -> dict[str, str]:
    """Return an environment in which nobody calls home."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANGSMITH_TRACING": "false",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }
