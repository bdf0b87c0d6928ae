"""What the scenarios deploy to: it keeps its own list of effects, and turns red when told to.

Usage: target.py deploy|e2e|version <environment> <service or -> [<sha> <attempt folder>]
TARGET_HOME holds effects.txt, one line an effect, and red/<environment>-<service or e2e> with the
number of runs that are to fail.
"""

import os
import sys
from pathlib import Path

JUNIT = """<testsuite name="e2e" tests="2" failures="1">
<testcase name="login"/><testcase name="checkout"><failure message="500"/></testcase>
</testsuite>"""


def main(argv: list[str]) -> int:
    kind, environment, service = argv[:3]
    home = Path(os.environ["TARGET_HOME"])
    version = home / f"{environment}-{service}.version"
    if kind == "version":
        sys.stdout.write(version.read_text() if version.exists() else "none")
        return 0
    what = "e2e" if kind == "e2e" else service
    with (home / "effects.txt").open("a") as effects:
        effects.write(f"{environment} {what} {argv[3][:7]}\n")
    sys.stdout.write(f"{kind} {what} on {environment}\n")
    red = home / "red" / f"{environment}-{what}"
    failures = int(red.read_text()) if red.exists() else 0
    if failures:
        red.write_text(str(failures - 1))
        (Path(argv[4]) / "junit.xml").write_text(JUNIT)
        sys.stdout.write("AssertionError: checkout answered 500\n")
        return 1
    if kind == "deploy":
        version.write_text(argv[3])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
