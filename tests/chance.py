"""How big the suites of chance are, their seeds, where their counts go: the environment says it.

SOAK=1 asks for full size, SOAK_SEED for a series, SOAK_REPORT names a file for the counts.
"""

import json
import os
from pathlib import Path

SOAK = bool(os.environ.get("SOAK"))
SEED = int(os.environ.get("SOAK_SEED", "7"))


def report(what: str, **counts: object) -> None:
    """Append one line of JSON to the report, if there is one."""
    path = os.environ.get("SOAK_REPORT")
    if path:
        with Path(path).open("a") as file:
            file.write(json.dumps({"what": what, **counts}) + "\n")
