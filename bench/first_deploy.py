"""Measures what people wait for, on the stand-ins: python -m bench.first_deploy [<clicks>].

The deploy programs of the scenarios take next to nothing, and what they take is subtracted. Nothing
is said here of a real Slack, whose answers take longer.
"""

import asyncio
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.scenarios.world import CHANNEL, Json, World, buttons, world
from tests.waiting import until

MERGES = 5
CLICKS = 25
IDLE_SECONDS = 10
# People are no quicker; shorter would measure Slack's limits, which the sender keeps to.
PAUSE_SECONDS = 3


class Bench:
    """One run: the samples of each thing measured, in seconds or MB."""

    def __init__(self, w: World) -> None:
        self.w = w
        self.samples: dict[str, list[float]] = {}

    async def run(self, clicks: int) -> None:
        """Measure everything."""
        await asyncio.sleep(IDLE_SECONDS)
        self._memory("at rest")
        card = await self._merge(0)
        for number in range(1, MERGES):
            await self._stop(card)  # or its card would ask about the next merge
            card = await self._merge(number)
        for _ in range(clicks):
            card = await self._reject(card)
        self._memory("after all this")

    async def _merge(self, number: int) -> Json:
        files = {"version.txt": f"{number}\n"}
        await asyncio.sleep(PAUSE_SECONDS)
        pull = await self.w.github.open_pull_request(f"Change {number}", "", "alice", files)
        seen, ended = len(await self._messages()), len(self._programs())
        began = time.monotonic()
        await self.w.github.merge(pull.number, "alice")
        await self._until(lambda messages: len(messages) > seen)
        self._add("merge to first message (s)", time.monotonic() - began)
        card = await self._new_card(seen)
        took = sum(self._programs()[ended:])
        self._add("merge to card, without the deploy programs (s)", time.monotonic() - began - took)
        return card

    async def _stop(self, card: Json) -> None:
        await self.w.reply("bob", card, "stop")
        await self._until(lambda messages: not _buttons_of(card["ts"], messages))

    async def _reject(self, card: Json) -> Json:
        """Reject a card, wait until its buttons are gone, and ask for the next one."""
        seen = len(await self._messages())
        began = time.monotonic()
        await self.w.click("bob", card, "reject")
        await self._until(lambda messages: not _buttons_of(card["ts"], messages))
        self._add("click to buttons gone (s)", time.monotonic() - began)
        await self.w.sees("What should I do instead?")
        await asyncio.sleep(PAUSE_SECONDS)
        await self.w.reply("bob", card, "deploy the frontend")
        return await self._new_card(seen)

    async def _new_card(self, seen: int) -> Json:
        await self._until(lambda messages: bool(_cards(messages[seen:])))
        return _cards((await self._messages())[seen:])[-1]

    async def _until(self, holds: Callable[[list[Json]], bool]) -> None:
        async def shown() -> bool:
            return holds(await self._messages())

        await until(shown, 60)

    async def _messages(self) -> list[Json]:
        return await self.w.slack.messages(CHANNEL)

    def _programs(self) -> list[float]:
        """Return how long each deploy and test program took, oldest first."""
        ends = sorted(
            (self.w.folder / ".deploybot").rglob("end.json"), key=lambda p: p.stat().st_mtime_ns
        )
        return [float(json.loads(end.read_text())["seconds"]) for end in ends]

    def _memory(self, when: str) -> None:
        redis = self.w.folder / ".deploybot" / "redis" / "redis.pid"
        assert self.w.service
        self._add(f"memory of the service {when} (MB)", _resident(self.w.service.pid))
        self._add(f"memory of its Redis {when} (MB)", _resident(int(redis.read_text())))

    def _add(self, name: str, value: float) -> None:
        self.samples.setdefault(name, []).append(value)


def _buttons_of(ts: str, messages: list[Json]) -> list[Json]:
    return [button for message in messages if message["ts"] == ts for button in buttons(message)]


def _cards(messages: list[Json]) -> list[Json]:
    return [m for m in messages if any(b["action_id"] == "approve" for b in buttons(m))]


def _resident(pid: int) -> float:
    """Return a process's resident memory in MB, as Linux tells it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"process {pid} has no memory")


def table(samples: dict[str, list[float]]) -> str:
    """Return the samples as a Markdown table."""
    rows = ["| measured | n | p50 | p95 | worst |", "|---|---|---|---|---|"]
    rows += [_row(name, sorted(values)) for name, values in samples.items()]
    return "\n".join(rows)


def _row(name: str, values: Sequence[float]) -> str:
    p95 = values[math.ceil(0.95 * len(values)) - 1]
    numbers = (statistics.median(values), p95, values[-1])
    return f"| {name} | {len(values)} | {' | '.join(f'{number:.2f}' for number in numbers)} |"


async def measure(clicks: int) -> dict[str, list[float]]:
    """Run the service in a folder of its own, and return what was measured."""
    with tempfile.TemporaryDirectory(prefix="deploybot-bench-") as folder:
        async with world(Path(folder)) as w:
            bench = Bench(w)
            await bench.run(clicks)
    return bench.samples


async def main(clicks: int) -> None:
    """Measure, and print the table."""
    sys.stdout.write(table(await measure(clicks)) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CLICKS))
