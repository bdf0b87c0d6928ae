"""An agent of the OpenAI Agents SDK with one tool that people approve; its run state in Valkey.

    agents_peer.py STORE serve                     one JSON request a line, one answer a line
    agents_peer.py STORE start|approve|resume LOG  one process of the kill -9 comparison

As documented: a tool with `needs_approval`, the paused run kept as `RunState.to_string()`, read
back with `RunState.from_string`, approved, and run on. The model is a stub; nothing is traced.
"""

# Its packages are only in the bench's own .venv, out of the type checker's sight.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false
# pyright: reportUntypedFunctionDecorator=false, reportUntypedBaseClass=false

import asyncio
import json
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import (
    Agent,
    Model,
    ModelResponse,
    Runner,
    RunState,
    Usage,
    function_tool,
    set_tracing_disabled,
)
from agents.testing import function_call
from redis.asyncio import Redis
from serving import SHA, Measured, deploy, serve

THREAD = "killed"
TURNS = 100


class Stub(Model):
    """Always calls the same tool."""

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        call = function_call("deploy_frontend_to_prod", {"sha": SHA}, call_id=uuid.uuid4().hex)
        return ModelResponse(output=[call], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


def build(tool: Callable[[], str]) -> Any:
    """Build the agent."""

    @function_tool(needs_approval=True)
    async def deploy_frontend_to_prod(sha: str) -> str:
        return tool()

    return Agent(name="deploybot", model=Stub(), tools=[deploy_frontend_to_prod])


class Runs:
    """Runs whose paused states are in a Redis."""

    def __init__(self, store: str, tool: Callable[[], str]) -> None:
        set_tracing_disabled(True)
        self._redis = Redis.from_url(store, decode_responses=True)
        self._agent = build(tool)

    async def start(self, thread: str, texts: list[str]) -> None:
        """Run to the first pause."""
        said = [{"role": "user", "content": text} for text in texts]
        await self._keep(thread, await Runner.run(self._agent, said))

    async def resume(self, thread: str) -> None:
        """Approve what waits, and run to the next pause."""
        kept = await self._redis.get(f"run:{thread}")
        state = await RunState.from_string(self._agent, str(kept))
        for interruption in state.get_interruptions():
            state.approve(interruption)
        await self._keep(thread, await Runner.run(self._agent, state, max_turns=TURNS))

    async def items(self, thread: str) -> int:
        """Return how many items a paused run holds."""
        kept = json.loads(str(await self._redis.get(f"run:{thread}")))
        return len(kept["original_input"]) + len(kept["generated_items"])

    async def _keep(self, thread: str, result: Any) -> None:
        assert result.interruptions
        await self._redis.set(f"run:{thread}", result.to_state().to_string())


class Cycles:
    """Serves pause-and-resume cycles."""

    def __init__(self, store: str) -> None:
        self._runs = Runs(store, lambda: "deployed")

    async def prepare(self, thread: str, texts: list[str]) -> None:
        """Bring a run with these messages to its first pause."""
        await self._runs.start(thread, texts)
        assert await self._runs.items(thread) >= len(texts) + 1

    async def cycle(self, thread: str) -> float:
        """Approve, run the tool, and come to the next pause; return the seconds."""
        with Measured() as measured:
            await self._runs.resume(thread)
        return measured.seconds


async def once(store: str, verb: str, log: Path) -> None:
    """Run one process of the comparison under kill -9; after a crash one approves again."""
    runs = Runs(store, lambda: deploy(log))
    if verb == "start":
        await runs.start(THREAD, ["deploy"])
    else:
        await runs.resume(THREAD)


if __name__ == "__main__":
    if sys.argv[2] == "serve":
        serve(Cycles(sys.argv[1]))
    else:
        asyncio.run(once(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
