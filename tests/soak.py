"""`make soak`: the suites of chance at their full size, as long as SOAK_MINUTES says (default 60).

What has a fixed size comes first; the state machine has the rest of the time, each round with a
new seed. Every suite appends what it counted to the report as lines of JSON; they are written to
docs/measured.md. The exit code is 1 if a suite failed or had no time.
"""

import json
import os
import secrets
import signal
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
GRACE_SECONDS = 60
BEGIN, END = "<!-- soak -->", "<!-- end of soak -->"


@dataclass(frozen=True, slots=True)
class Suite:
    """One command with the sizes that it gets by environment."""

    name: str
    command: tuple[str, ...]
    sizes: Mapping[str, str] = field(default_factory=dict[str, str])


def _tests(name: str, *paths: str, **sizes: str) -> Suite:
    command = (sys.executable, "-m", "pytest", "-q", *paths)
    return Suite(name, command, {"SOAK": "1", **sizes})


ONCE = (
    _tests("random kills", "tests/crash/test_random_kills.py", KILLS="1000"),
    _tests(
        "kill matrix and instances", "tests/crash", "--deselect=tests/crash/test_random_kills.py"
    ),
    _tests("outages", "tests/faults"),
    _tests("parsers", "tests/fuzz", FUZZ_SECONDS="600"),
    Suite("coverage", ("make", "cover")),
    Suite("mutants", ("make", "mutants")),
)
ROUND = _tests("state machine", "tests/machine", MACHINE_RUNS="10000", MACHINE_STEPS="100")


@dataclass(frozen=True, slots=True)
class Result:
    """How a suite ended, and the seed that runs it again."""

    suite: str
    seed: int
    ended: str
    seconds: float


class Soak:
    """Runs suites until the time is up."""

    def __init__(self, minutes: float, report: Path) -> None:
        self._until = time.monotonic() + minutes * 60
        self._report = report

    @property
    def left(self) -> float:
        """Return how many seconds are left."""
        return self._until - time.monotonic()

    def run(self) -> Iterator[Result]:
        """Run what is run once, then rounds of the state machine as long as there is time."""
        for suite in ONCE:
            yield self._ended(suite)
        while self.left > 0:
            yield self._ended(ROUND)

    def _ended(self, suite: Suite) -> Result:
        seed, began = secrets.randbelow(10**9), time.monotonic()
        sys.stdout.write(f"== {suite.name}, seed {seed}, {max(0, self.left) / 60:.0f} min left\n")
        sys.stdout.flush()
        environ = os.environ | suite.sizes
        environ |= {"SOAK_SEED": str(seed), "SOAK_REPORT": str(self._report)}
        ended = self._outcome(suite, environ)
        return Result(suite.name, seed, ended, time.monotonic() - began)

    def _outcome(self, suite: Suite, environ: Mapping[str, str]) -> str:
        if self.left <= 0:
            return "no time"
        process = subprocess.Popen(suite.command, env=environ, start_new_session=True)
        try:
            return "failed" if process.wait(self.left) else "green"
        except subprocess.TimeoutExpired:
            _interrupt(process)
            return "cut at the end of the time"


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    """End a suite as Ctrl-C would, so that it ends what it has started."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _told(results: list[Result], counts: list[dict[str, Any]]) -> str:
    """Return the part of docs/measured.md that a soak writes."""
    day = datetime.now(UTC).strftime("%d %B %Y")
    lines = [BEGIN, f"Last `make soak`: {day}.", "", "| suite | seed | ended | minutes |"]
    lines.append("|---|---|---|---|")
    lines += [f"| {r.suite} | {r.seed} | {r.ended} | {r.seconds / 60:.1f} |" for r in results]
    lines += ["", "What they counted:", ""]
    for count in counts:
        rest = ", ".join(f"{key} {value}" for key, value in count.items() if key != "what")
        lines.append(f"- {count['what']}: {rest}")
    return "\n".join([*lines, END])


def main() -> int:
    """Run the soak and write down what it counted."""
    minutes = float(os.environ.get("SOAK_MINUTES", "60"))
    report = Path(tempfile.mkstemp(suffix=".jsonl")[1])
    results = list(Soak(minutes, report).run())
    counts = [json.loads(line) for line in report.read_text().splitlines()]
    report.unlink()
    told = _told(results, counts)
    sys.stdout.write(f"\n{told}\n")
    text = MEASURED.read_text()
    before, _, rest = text.partition(BEGIN)
    MEASURED.write_text(before + told + rest.partition(END)[2])
    return 1 if any(result.ended in ("failed", "no time") for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
