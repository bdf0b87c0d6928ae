"""Changes what decides over effects, one small change at a time: the tests have to notice.

A copy of the sources is changed by mutmut and run with the tests that `[tool.mutmut]` names. Prints
what nobody noticed; fails where fewer than `LEAST` of a file's changes were noticed. A change that
makes the tests go on for ever is noticed, too, and counted apart: a busy machine can be that slow.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.chance import report

ROOT = Path(__file__).parents[1]
COPY = ROOT / ".cache" / "mutants"
COPIED = ("app", "tools", "prompts", "tests", "pyproject.toml")
LEAST = 0.9
FAILED = 1
SURVIVED = (0, 5, 33)  # mutmut's exit codes: the tests passed, or there were none


def main() -> int:
    """Run everything anew and report each file."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, COPY / name)
    argv = [sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count() or 1)]
    with (COPY / "output.txt").open("w") as output:
        subprocess.run(argv, cwd=COPY, stdout=output, stderr=subprocess.STDOUT, check=True)
    noticed = [_report(file, codes) for file, codes in _results()]
    return 0 if noticed and all(noticed) else 1


def _results() -> Iterator[tuple[str, dict[str, int | None]]]:
    changed = COPY / "mutants"
    for meta in sorted(changed.rglob("*.py.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        if codes:
            yield str(meta.relative_to(changed).with_suffix("")), codes


def _report(file: str, codes: dict[str, int | None]) -> bool:
    survivors = [name for name, code in codes.items() if code in SURVIVED or code is None]
    failed = sum(code == FAILED for code in codes.values())
    endless = len(codes) - failed - len(survivors)
    counts = {"file": file, "killed": failed, "endless": endless, "survived": len(survivors)}
    sys.stdout.write(f"{json.dumps(counts)}\n")
    sys.stdout.writelines(f"  {name}\n" for name in survivors)
    report("mutants", **counts)
    return failed + endless >= LEAST * len(codes)


if __name__ == "__main__":
    raise SystemExit(main())
