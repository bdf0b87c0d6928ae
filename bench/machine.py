"""What the numbers were measured with: the machine, how busy it was, and every version."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from bench.peering import versions

OURS = ("fastapi", "uvicorn", "redis", "hiredis", "pydantic")


def machine(store: str, load_before: float) -> list[str]:
    """Return a line for each thing that a reader has to know."""
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    theirs = ", ".join(f"{name} {number}" for name, number in versions().items())
    return [
        f"{_processor()}, {os.cpu_count()} cores, {_memory()} GB; {platform.system()} "
        f"{platform.release()}; Python {platform.python_version()}",
        f"other programs: a load average of {load_before:.1f} before the run, in which this one "
        f"itself makes about 1",
        f"store: {store}, embedded, append-only with `appendfsync always`, over a Unix socket",
        f"ours: {ours}",
        f"theirs: {theirs}",
    ]


def load() -> float:
    """Return how many processes wanted to run, over the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
