"""Where a process can be told to die, to freeze or to hang; nothing of it is in the app."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["kill", "stop", "hang"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens when a point ("before append approval_granted", …) is passed the n-th time."""

    point: str
    nth: int = 1
    kind: Kind = "kill"

    def encoded(self) -> str:
        """Return it as a process is told."""
        return json.dumps(asdict(self))


@dataclass
class Points:
    """Counts what one process passes, and does the fault; `fired` gets a line before.

    `strike` kills or stops the process. `trace`, if any, gets a line for every point passed.
    """

    fault: Fault | None
    fired: Path
    strike: Callable[[Kind], None]
    trace: Path | None = None
    passed: int = 0

    async def at(self, point: str) -> None:
        """Pass a point."""
        if self.trace:
            _append(self.trace, point)
        if self.fault is None or point != self.fault.point:
            return
        self.passed += 1
        if self.passed != self.fault.nth:
            return
        _append(self.fired, point)
        if self.fault.kind == "hang":
            await asyncio.Event().wait()
        self.strike(self.fault.kind)


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")
