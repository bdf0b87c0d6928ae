"""Runs the whole bench and writes bench/README.md: python -m bench [--tiny].

`--tiny` is for working on the bench itself: it measures little, and prints instead of writing.
"""

import asyncio
import logging
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bench import kills
from bench.acks import acks
from bench.clicks import clicks
from bench.cycles import cycles
from bench.first_deploy import measure
from bench.machine import load, machine
from bench.paused import paused
from bench.peering import peers
from bench.recovery import recovery
from bench.report import readme
from bench.results import Results
from bench.store import Store, store

README = Path(__file__).with_name("README.md")


@dataclass(frozen=True)
class Sizes:
    """How much of each is measured."""

    cycle_rounds: int = 15
    ack_rounds: int = 4
    ack_seconds: float = 5
    click_deploys: int = 30
    leases: tuple[tuple[float, int], ...] = ((1, 4), (30, 1))  # the lease, and how many kills
    threads: tuple[int, ...] = (0, 1_000, 10_000)
    starts: int = 3
    people_clicks: int = 8


TINY = Sizes(2, 1, 1, 1, ((1, 1),), (0, 50), 1, 1)


async def run(sizes: Sizes) -> str:
    """Measure everything, and return the document."""
    began, before = time.monotonic(), load()
    results = Results()
    async with store() as there:
        version = await there.version()
        with tempfile.TemporaryDirectory(prefix="deploybot-bench-") as folder:
            await _measure(results, sizes, there, Path(folder))
    _say("what people wait for")
    results.people = await measure(sizes.people_clicks)
    when = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    return readme(results, machine(version, before), when, time.monotonic() - began)


async def _measure(results: Results, sizes: Sizes, there: Store, folder: Path) -> None:
    _say("pause-and-resume cycles")
    results.cycles = await cycles(there, folder, (10, 100, 1_000), sizes.cycle_rounds)
    _say("acknowledgements")
    results.acks = await acks(there, folder, sizes.ack_rounds, sizes.ack_seconds)
    _say("clicks")
    await there.empty()
    results.clicks = await clicks(there, folder, sizes.click_deploys)
    _say("recovery")
    for lease, count in sizes.leases:
        results.recovery[lease] = await recovery(there, folder, lease, count)
    _say("paused threads")
    results.burdens = await paused(there, folder, sizes.threads, sizes.starts)
    _say("kill -9")
    await _kill(results, there, folder)


async def _kill(results: Results, there: Store, folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    verdicts = results.verdicts
    verdicts["deploybot, a program here, embedded store"] = await kills.command(own)
    for recovery_class in ("keyed", "queryable", "blind"):
        verdict = await kills.ours(recovery_class, there, folder)
        verdicts[f"deploybot, a {recovery_class} target"] = verdict
    for peer in peers(there.url, folder):
        verdicts[peer.name] = await kills.peer(peer, there, folder)


def _say(what: str) -> None:
    sys.stdout.write(f"Measuring: {what}\n")
    sys.stdout.flush()


def main() -> None:
    """Run, and write or print."""
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    if "--tiny" in sys.argv[1:]:
        sys.stdout.write(asyncio.run(run(TINY)))
        return
    README.write_text(asyncio.run(run(Sizes())))
    sys.stdout.write(f"Written: {README}\n")


if __name__ == "__main__":
    main()
