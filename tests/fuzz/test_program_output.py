"""Whatever a deployment's program writes, and however it ends: a few clean lines, names, an end.

Logs, reports and ends share one minute.
"""

from pathlib import Path

from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation
from tools.deployers.command_outcome import outcome
from tools.deployers.output import (
    LINE_LENGTH,
    MAX_TESTS,
    TAIL_LINES,
    TEST_LENGTH,
    failing_tests,
    tail,
)

SECRET = "hunter2-secret"
LOG = (
    f"\x1b[32mstarting\x1b[0m\nprogress 10%\rprogress 100%\n  token={SECRET}\n"
    "https://user:password@example.com/path\n\x1b]8;;https://example.com\x07link\x1b]8;;\x07\n"
).encode()
REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="e2e" tests="2" failures="1">
<testcase classname="shop.cart" name="test_pay"><failure message="no">trace</failure></testcase>
<testcase classname="shop.cart" name="test_add"/><testcase name="hunter2-secret"><error/></testcase>
</testsuite></testsuites>"""
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n'


def is_clean(line: str) -> bool:
    return SECRET not in line and not any(ord(char) < 32 for char in line)


def log_of(case: Mutation) -> bytes:
    body = case.data(LOG, 8)
    return body * case.choice((1, 1, 1, 50, 2000)) if case.random() < 0.1 else body


def check_end(case: Mutation) -> None:
    end = {
        "exit_code": case.choice((0, 1, case.getrandbits(64) - 2**63)),
        "because": case.choice(("exit", "cancel", "timeout", "error", case.text("exit"))),
        "error": case.text("no such file"),
        "seconds": case.choice((0.0, case.random(), case.random() * 10**9)),
    }
    status, summary = outcome(end)
    assert status in ("succeeded", "failed", "cancelled")
    assert summary


def test_logs_and_reports_and_ends(tmp_path: Path) -> None:
    log, report = tmp_path / "log", tmp_path / "junit.xml"
    with Campaign("program output") as campaign:
        for case in campaign:
            log.write_bytes(log_of(case))
            lines = tail(log, [SECRET], ended=case.random() < 0.5)
            assert len(lines) <= TAIL_LINES
            assert all(len(line) <= LINE_LENGTH and is_clean(line) for line in lines)
            body = case.data(REPORT, 6)
            report.write_bytes(LAUGHS + body if case.random() < 0.05 else body)
            names = failing_tests(report, [SECRET])
            assert len(names) <= MAX_TESTS
            assert all(len(name) <= TEST_LENGTH and is_clean(name) for name in names)
            check_end(case)
