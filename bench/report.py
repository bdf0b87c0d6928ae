"""Writes bench/README.md: the introduction, which is a file beside, and the tables of a run."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.acks import BARE, INTAKE, WHOLE
from bench.clicks import INSTANCES
from bench.cycles import COLD, FLOOR, WARM
from bench.first_deploy import table as people_table
from bench.paused import Burden
from bench.recovery import SPARE_SECONDS
from bench.results import Results, percentile

_Row = Sequence[str]

INTRODUCTION = Path(__file__).with_name("introduction.md")

MEANING = """\
Killed with SIGKILL while the tool was at work, after it had its effect; then resumed as
documented: `invoke(None)`, or the stored run state approved and run again; deploybot by another
instance, or a new start. *Twice*: the same approval delivered to two processes at once. A *keyed*
target refuses a known attempt id, a *queryable* one can be asked by it; nobody can ask a *blind*
one, so people are asked.
"""


def readme(results: Results, machine: Sequence[str], when: str, seconds: float) -> str:
    """Return the whole document."""
    facts = [f"- {when}, `make bench`, {seconds / 60:.1f} minutes", *(f"- {m}" for m in machine)]
    parts = [
        INTRODUCTION.read_text(),
        "## This run\n",
        "\n".join(facts) + "\n",
        "## Goals\n",
        _table(("what", "goal", "measured", "met"), _goals(results)),
        "## One pause-and-resume cycle\n",
        _cycles(results),
        "## Acknowledgements at 50 requests a second\n",
        _acks(results),
        "## Kill -9 in the middle of a tool, and one approval twice\n",
        MEANING,
        _verdicts(results),
        "## Recovery\n",
        _recovery(results),
        "## Paused threads\n",
        _burdens(results),
        "## What people wait for\n",
        people_table(results.people) + "\n",
    ]
    return "\n".join(parts)


def _goals(r: Results) -> list[_Row]:
    ratio = r.cycle_ms(COLD, 100) / r.cycle_ms(FLOOR, 100)
    warm = r.cycle_ms(WARM, 100) / r.cycle_ms(FLOOR, 100)
    sizes = sorted(r.cycles[COLD])
    written = [r.cycle_kb(COLD, size) for size in sizes]
    ack = r.ack_ms(INTAKE, 99) / r.ack_ms(BARE, 99)
    whole = r.ack_ms(WHOLE, 99) / r.ack_ms(BARE, 99)
    click = 1000 * percentile(r.clicks, 99)
    rows = [
        _goal("cycle at 100 events, cold, by the bare log's", "≤ 3x", f"{ratio:.1f}x", ratio <= 3),
        _goal("the same, warm", "≤ 3x", f"{warm:.1f}x", warm <= 3),
        _goal(
            f"written by a cycle at {_and(sizes)} events",
            "flat",
            f"{_and([f'{kb:.1f}' for kb in written])} KB",
            max(written) < 1.1 * min(written),
        ),
        _goal(
            "acknowledgement p99, intake alone, by the bare route's",
            "≤ 1.5x",
            f"{ack:.1f}x",
            ack <= 1.5,
        ),
        _goal("the same, the whole service", "≤ 1.5x", f"{whole:.1f}x", whole <= 1.5),
        _goal(
            f"click → execution starts, p99 of {len(r.clicks)}, {INSTANCES} instances",
            "≤ 250 ms",
            f"{click:.0f} ms",
            click <= 250,
        ),
    ]
    rows += [_recovered(lease, seconds) for lease, seconds in r.recovery.items()]
    return [*rows, _independent(r.burdens), _once(r)]


def _goal(what: str, goal: str, measured: str, met: bool) -> _Row:
    return (what, goal, measured, "yes" if met else "**no**")


def _recovered(lease: float, seconds: Sequence[float]) -> _Row:
    bound = lease + SPARE_SECONDS
    what = f"kill -9 → the thread goes on, lease {lease:g} s"
    return _goal(what, f"≤ {bound:g} s", f"{max(seconds):.1f} s", max(seconds) <= bound)


def _independent(burdens: Sequence[Burden]) -> _Row:
    none, most = min(burdens[0].starts), min(burdens[-1].starts)
    what = f"start-up with {burdens[-1].threads:,} paused threads, by that with none"
    return _goal(what, "the same", f"{most / none:.2f}x", most < 1.25 * none)


def _once(r: Results) -> _Row:
    ours = [v for name, v in r.verdicts.items() if name.startswith("deploybot")]
    ran = max(max(v.killed, v.twice or 0) for v in ours)
    return _goal("our tool ran, after a kill -9 or approved twice", "once", f"{ran}x", ran == 1)


def _cycles(r: Results) -> str:
    sizes = sorted(r.cycles[FLOOR])
    head = ["", *(f"{size:,} events, ms" for size in sizes), "by the floor", "written, KB"]
    rows: list[_Row] = []
    for name, costs in r.cycles.items():
        times = [_spread([1000 * cost.seconds for cost in costs[size]]) for size in sizes]
        ratios = [f"{r.cycle_ms(name, s) / r.cycle_ms(FLOOR, s):.1f}" for s in sizes]
        written = [f"{r.cycle_kb(name, s):.0f}" for s in sizes]
        rows.append((name, *times, f"{' / '.join(ratios)}x", " / ".join(written)))
    some = r.cycles[COLD][sizes[0]]
    note = (
        f"Medians of {len(some)} rounds (fastest-slowest). Our cycle appends {some[0].events} "
        f"events in {some[0].writes} writes.\n"
    )
    return f"{note}\n{_table(head, rows)}"


def _acks(r: Results) -> str:
    rows: list[_Row] = []
    for name, rounds in r.acks.items():
        p99 = [1000 * percentile(taken, 99) for taken in rounds]
        ratio = r.ack_ms(name, 99) / r.ack_ms(BARE, 99)
        p50 = f"{r.ack_ms(name, 50):.1f}"
        rows.append((name, p50, f"{_spread(p99)}", f"{ratio:.1f}x"))
    note = (
        f"Medians of {len(r.acks[BARE])} rounds of {len(r.acks[BARE][0])} requests, each the "
        "webhook of another merge, timed from when it was due (open loop). The bare route is "
        "FastAPI on uvicorn, too; it checks and reads nothing. The whole service works on what "
        "arrives meanwhile, in the same process: 3,000 merges a minute.\n"
    )
    return f"{note}\n{_table(('', 'p50, ms', 'p99, ms', 'p99 by the bare one'), rows)}"


def _verdicts(r: Results) -> str:
    rows = [
        (name, f"{v.killed}x", v.told or "-", "-" if v.twice is None else f"{v.twice}x")
        for name, v in r.verdicts.items()
    ]
    return _table(("", "killed: the tool ran", "and then", "approved twice: it ran"), rows)


def _recovery(r: Results) -> str:
    rows = [
        (f"{lease:g} s", str(len(seconds)), _spread(seconds), f"{lease + SPARE_SECONDS:g} s")
        for lease, seconds in r.recovery.items()
    ]
    note = (
        "Two instances; the one that works on a thread is killed with SIGKILL in the middle of a "
        "send. Seconds until the other has found out what became of it.\n"
    )
    return f"{note}\n{_table(('lease', 'kills', 'seconds', 'bound'), rows)}"


def _burdens(r: Results) -> str:
    none = r.burdens[0]
    rows: list[_Row] = []
    for burden in r.burdens:
        each = "-"
        if burden.threads:
            in_redis = (burden.in_redis - none.in_redis) / burden.threads / 1000
            in_service = (burden.in_service - none.in_service) / burden.threads / 1000
            each = f"{in_redis:.1f} KB / {in_service:.2f} KB"
        rows.append(
            (
                f"{burden.threads:,}",
                f"{burden.in_redis / 1e6:.1f} MB",
                f"{burden.in_service / 1e6:.0f} MB",
                each,
                _spread(burden.starts),
            )
        )
    note = (
        "`deploybot serve` until `/readyz` is 200, Python's own start and imports included; each "
        "thread has 12 events, two messages in Slack, and waits at a card.\n"
    )
    head = ("threads", "in Redis", "service", "each, Redis / service", "start-up, s")
    return f"{note}\n{_table(head, rows)}"


def _table(head: _Row, rows: Sequence[_Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


def _and(values: Sequence[object]) -> str:
    return " / ".join(str(value) for value in values)
