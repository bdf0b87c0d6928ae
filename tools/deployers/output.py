"""What a program's output says in a few clean lines; knows files, and not what wrote them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.parsers import expat

from app.core import untrusted

TAIL_LINES = 20
LINE_LENGTH = 300
MAX_TESTS = 50
TEST_LENGTH = 120
SHORTEST_SECRET = 4
_READ_BYTES = 64 * 1024
_READ_AT_MOST = 4096  # of a test's name
_MAX_REPORT_BYTES = 10 * 1024 * 1024


def tail(log: Path, secrets: Sequence[str], ended: bool = True) -> tuple[str, ...]:
    """Return the last lines that say something, without escapes, control characters and secrets.

    Until the program has `ended`, a line that is not whole is left out: half a secret hides in it.
    """
    try:
        with log.open("rb") as file:
            start = max(0, file.seek(0, 2) - _READ_BYTES)
            file.seek(start)
            text = file.read(_READ_BYTES).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    if not ended:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    first, *others = text.split("\n")
    # A line whose beginning was not read is left out, unless there is nothing else.
    rows = others if start and any(row.strip() for row in others) else [first, *others]
    # A longer line keeps its end: it was read whole there, so a secret in it is whole as well.
    kept = [_cut_front(row) for row in redact(map(clean, rows), secrets) if row.strip()]
    return tuple(kept[-TAIL_LINES:])


def clean(line: str) -> str:
    """Strip escape sequences and what does not show; a carriage return begins the line anew."""
    newest = untrusted.plain(line).rstrip("\r").rsplit("\r", 1)[-1]
    return untrusted.clean(newest)


def redact(lines: Iterable[str], secrets: Sequence[str]) -> list[str]:
    """Replace secrets, each line of those with several, and what looks like one."""
    parts = {clean(part).strip() for secret in secrets for part in secret.splitlines()}
    known = sorted((part for part in parts if len(part) >= SHORTEST_SECRET), key=len, reverse=True)
    return untrusted.masked_lines([_without(line, known) for line in lines])


def _without(line: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, "[redacted]")
    return line


def _cut_front(line: str) -> str:
    return line if len(line) <= LINE_LENGTH else "…" + line[1 - LINE_LENGTH :]


class _DoctypeRefused(Exception):
    """Report a document type: without one, no entity can expand."""


def failing_tests(report: Path, secrets: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the failed tests in a JUnit file; none if it is no such file."""
    try:
        if report.stat().st_size > _MAX_REPORT_BYTES:
            return ()
        names = _failed_cases(report.read_bytes())
    except (OSError, expat.ExpatError, _DoctypeRefused, ValueError, LookupError):
        return ()
    whole = redact((clean(name[:_READ_AT_MOST]) for name in names[:MAX_TESTS]), secrets)
    return tuple(n if len(n) <= TEST_LENGTH else n[: TEST_LENGTH - 1] + "…" for n in whole)


def _failed_cases(document: bytes) -> list[str]:
    case = ""
    failed: dict[str, None] = {}

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal case
        if name == "testcase":
            parts = (attributes.get("classname", ""), attributes.get("name", ""))
            case = ".".join(part for part in parts if part)
        elif name in ("failure", "error") and case:
            failed[case] = None

    def refuse(*_: object) -> None:
        raise _DoctypeRefused

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(document, True)
    return list(failed)
