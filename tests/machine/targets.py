"""The world that is deployed to: targets of every class, which keep their own count of effects."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.core.errors import NotStarted
from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment

Recovery = Literal["keyed", "queryable", "blind"]
Behaviour = Literal["works", "fails", "hangs", "refuses", "breaks", "loses", "forgets", "vanishes"]
SEND_MS = 30_000
ANYWHERE = "*"


def where_of(attempt: Attempt) -> str:
    """Name what an attempt acts on."""
    return f"{attempt.repo}/{attempt.environment}/{attempt.service or 'e2e'}"


@dataclass
class Ground:
    """What really happened, whoever believes what.

    `forgets`: it happened, and the target knows nothing of it. `vanishes`: it never happened, and
    nobody can tell. `breaks`: the connection ends before, `loses`: after the target took it.
    """

    clock: int = 0
    effects: list[Attempt] = field(default_factory=list[Attempt])
    sends: Counter[str] = field(default_factory=Counter[str])
    before: dict[str, str | None] = field(default_factory=dict[str, str | None])
    runs: dict[str, str] = field(default_factory=dict[str, str])
    hanging: dict[str, Attempt] = field(default_factory=dict[str, Attempt])
    fates: dict[str, Behaviour | Literal["cancelled"]] = field(
        default_factory=dict[str, Behaviour | Literal["cancelled"]]
    )
    prepared: dict[str, Behaviour] = field(default_factory=dict[str, Behaviour])
    broke: int = 0
    looked: dict[str, frozenset[str] | None] = field(
        default_factory=dict[str, frozenset[str] | None]
    )

    def fate_of(self, attempt: Attempt) -> Behaviour:
        """Return what was prepared for the next attempt; tests stay red until told otherwise."""
        where = where_of(attempt)
        if attempt.kind == "e2e" and self.prepared.get(where) == "fails":
            return "fails"
        return self.prepared.pop(where, None) or self.prepared.pop(ANYWHERE, "works")

    def by_hand(self, where: str, sha: str) -> None:
        """Let somebody change a target behind everybody's back."""
        self.runs[where] = sha

    def happen(self, attempt: Attempt, fate: Behaviour) -> None:
        """Let an effect happen."""
        self.effects.append(attempt)
        self.before[attempt.attempt_id] = self.runs.get(where_of(attempt))
        self.fates[attempt.attempt_id] = fate
        if fate == "hangs":
            self.hanging[attempt.attempt_id] = attempt
        elif fate != "fails":
            self.runs[where_of(attempt)] = attempt.sha

    def turn_red(self, where: str) -> None:
        """Let what hangs there fail."""
        for attempt in [a for a in self.hanging.values() if where_of(a) == where]:
            self.fates[self.hanging.pop(attempt.attempt_id).attempt_id] = "fails"

    def release(self) -> None:
        """Let what hangs come to its end."""
        for attempt in self.hanging.values():
            self.runs[where_of(attempt)] = attempt.sha
            self.fates[attempt.attempt_id] = "works"
        self.hanging.clear()


@dataclass(frozen=True)
class Target:
    """A deployer of one class onto the ground."""

    recovers: Recovery
    ground: Ground

    def recovery(self, arguments: Mapping[str, Any]) -> Recovery:
        """Return its class."""
        return self.recovers

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        """Find nothing wrong."""
        return []

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        """Return the exact arguments."""
        return {"where": options["where"], "argv": ["deploy", service or "e2e", environment, sha]}

    async def start(self, attempt: Attempt) -> str:
        """Take a request that arrives now."""
        ground = self.ground
        fate = ground.fate_of(attempt)
        if fate == "refuses":
            raise NotStarted("the target refuses")
        if fate == "breaks":
            ground.broke += 1
            raise ConnectionError("broken before it arrived")
        if self.recovers == "keyed" and attempt.attempt_id in ground.fates:
            return f"ref-{attempt.attempt_id}"
        if fate == "vanishes":
            ground.fates[attempt.attempt_id] = fate
        else:
            ground.happen(attempt, fate)
        if fate == "loses":
            raise TimeoutError
        return f"ref-{attempt.attempt_id}"

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        """Answer as a target of this class can."""
        fate = self.ground.fates.get(attempt.attempt_id)
        if self.recovers == "blind" and not reference:
            return Observation(status="unknown", summary="a blind target cannot be asked")
        match fate:
            case None:
                return Observation(status="missing")
            case "forgets" | "vanishes":
                return Observation(status="unknown", summary="the target lost its memory")
            case "fails":
                red = ("checkout",) if attempt.kind == "e2e" else ()
                return Observation(status="failed", summary="it failed", failing_tests=red)
            case "cancelled":
                return Observation(status="cancelled", summary="cancelled")
            case "hangs":
                return Observation(status="running", line="still at it")
            case _:
                return Observation(status="succeeded", summary="done")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        """End what hangs."""
        if self.ground.hanging.pop(attempt.attempt_id, None) is None:
            return False
        self.ground.fates[attempt.attempt_id] = "cancelled"
        return True

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        """Say what runs; a blind target cannot."""
        return None if self.recovers == "blind" else self.ground.runs.get(options["where"])
