"""What the scenarios deploy to: it keeps its own list of effects, and turns red when told to.

Usage: target.py deploy|e2e|version <environment> <service or -> [<sha> <attempt folder>]
TARGET_HOME holds effects.txt, one line an effect, red/<environment>-<service or e2e> with the
number of runs that are to fail, slow/<the same> for as long as they are not to end, and says.txt,
which a run prints and names its failing test after.
"""

import os
import sys
import time
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
    said = (home / "says.txt").read_text() if (home / "says.txt").exists() else "checkout"
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
    while (home / "slow" / f"{environment}-{what}").exists():
        time.sleep(0.02)
    red = home / "red" / f"{environment}-{what}"
    failures = int(red.read_text()) if red.exists() else 0
    if failures:
        red.write_text(str(failures - 1))
        from xml.sax.saxutils import quoteattr  # five times what all the rest costs

        (Path(argv[4]) / "junit.xml").write_text(JUNIT.replace("checkout", quoteattr(said)[1:-1]))
        sys.stdout.write(f"AssertionError: {said} answered 500\n")
        return 1
    if kind == "deploy":
        version.write_text(argv[3])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
