"""`make soak`: the suites of chance at full size, then the state machine for SOAK_MINUTES (30).

The state machine goes in rounds, each with a new seed; the last one is let come to its end. Every
suite appends what it counted to the report as lines of JSON; they are written to docs/measured.md.
The exit code is 1 if a suite failed.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MEASURED = Path("docs/measured.md")
BEGIN, END = "<!-- soak -->", "<!-- end of soak -->"


@dataclass(frozen=True, slots=True)
class Suite:
    """One command with the sizes that it gets by environment."""

    name: str
    command: tuple[str, ...]
    sizes: Mapping[str, str] = field(default_factory=dict[str, str])


def _tests(name: str, *arguments: str, **sizes: str) -> Suite:
    command = (sys.executable, "-m", "pytest", "-q", *arguments)
    return Suite(name, command, {"SOAK": "1", **sizes})


RANDOM_KILLS = "tests/crash/test_random_kills.py"
ONCE = (
    _tests("random kills", RANDOM_KILLS, KILLS="1000"),
    _tests("kill matrix and instances", "tests/crash", f"--ignore={RANDOM_KILLS}"),
    _tests("outages", "tests/faults"),
    _tests("200 merges in a minute", "tests/load"),
    _tests("attacks", "tests/attacks"),
    _tests("parsers", "tests/fuzz", FUZZ_SECONDS="600"),
    Suite("coverage", ("make", "--silent", "cover")),
    Suite("mutants", ("make", "--silent", "mutants")),
)
ROUND = _tests("state machine", "tests/machine", MACHINE_STEPS="100", ORDERS="300")


@dataclass(frozen=True, slots=True)
class Result:
    """How a suite ended, in its own last words, and the seed that runs it again."""

    suite: str
    seed: int
    passed: bool
    words: str
    seconds: float


def run(suite: Suite, report: Path) -> Result:
    """Run one suite with a new seed, and show what it writes."""
    seed, began = secrets.randbelow(10**9), time.monotonic()
    sys.stdout.write(f"== {suite.name}, SOAK_SEED={seed}\n")
    environ = os.environ | suite.sizes | {"SOAK_SEED": str(seed), "SOAK_REPORT": str(report)}
    words = ""
    with subprocess.Popen(
        suite.command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            words = line.strip(" =\n") or words
    passed = process.returncode == 0
    return Result(suite.name, seed, passed, words, time.monotonic() - began)


def run_all(minutes: float, report: Path) -> Iterator[Result]:
    """Run what has a fixed size, then rounds of the state machine until the time is up."""
    for suite in ONCE:
        yield run(suite, report)
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until:
        yield run(ROUND, report)


def _told(results: list[Result], counts: list[dict[str, Any]]) -> str:
    """Return the part of docs/measured.md that a soak writes."""
    day = datetime.now(UTC).strftime("%d %B %Y")
    lines = [BEGIN, f"Last `make soak`: {day}.", "", "| suite | seed | | last words | minutes |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| {r.suite} | {r.seed} | {'green' if r.passed else '**red**'} "
        f"| {r.words} | {r.seconds / 60:.1f} |"
        for r in results
    ]
    lines += ["", "What they counted:", ""]
    for count in counts:
        rest = ", ".join(f"{key} {value}" for key, value in count.items() if key != "what")
        lines.append(f"- {count['what']}: {rest}")
    return "\n".join([*lines, END])


def main() -> int:
    """Run the soak and write down what it counted."""
    minutes = float(os.environ.get("SOAK_MINUTES", "30"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "counts.jsonl")
        report.touch()
        results = list(run_all(minutes, report))
        counts = [json.loads(line) for line in report.read_text().splitlines()]
    told = _told(results, counts)
    sys.stdout.write(f"\n{told}\n")
    text = MEASURED.read_text()
    before, _, rest = text.partition(BEGIN)
    MEASURED.write_text(before + told + rest.partition(END)[2])
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
