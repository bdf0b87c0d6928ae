"""A deployer that keeps its own count: what it was asked to do, and what it runs now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from app.core.errors import NotStarted, SourceUnavailable
from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment

Recovery = Literal["keyed", "queryable", "blind"]
DONE = Observation(status="succeeded", summary="done")


@dataclass
class FakeDeployer:
    """Finishes every attempt at once, unless an outcome is prepared for it.

    `effects` lists what really happened, in order, as "<environment> <service or e2e> <sha7>".
    `drops` many starts are lost on their way, and `meanwhile` something else happens; `forgets`
    makes it know nothing of what it did. While it is `silent`, what is sent to it arrives, and
    nothing that it is asked is answered.
    """

    recovers: Recovery = "keyed"
    effects: list[str] = field(default_factory=list[str])
    runs: dict[str, str] = field(default_factory=dict[str, str])
    prepared: dict[str, list[Observation]] = field(default_factory=dict[str, list[Observation]])
    seen: dict[str, Attempt] = field(default_factory=dict[str, Attempt])
    cancelled: set[str] = field(default_factory=set[str])
    refuses: str = ""
    drops: int = 0
    meanwhile: Callable[[], Awaitable[None]] | None = None
    forgets: bool = False
    silent: bool = False
    references: list[str] = field(default_factory=list[str])
    gate: asyncio.Event | None = None

    def prepare(self, what: str, *outcomes: Observation) -> None:
        """Let the next attempts at "<environment> <service or e2e>" end like this, in order."""
        self.prepared.setdefault(what, []).extend(outcomes)

    def recovery(self, arguments: Mapping[str, Any]) -> Recovery:
        return self.recovers

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        return []

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return {"argv": ["deploy", service or "e2e", environment, sha], **options}

    async def start(self, attempt: Attempt) -> str:
        if attempt.attempt_id in self.seen:
            return "again"
        if self.refuses:
            raise NotStarted(self.refuses)
        if self.drops:
            self.drops -= 1
            if self.meanwhile:
                await self.meanwhile()
            raise TimeoutError
        self.seen[attempt.attempt_id] = attempt
        self.effects.append(f"{_what(attempt)} {attempt.sha[:7]}")
        if self.silent:
            raise SourceUnavailable("GitHub does not answer")
        if self.gate:
            await self.gate.wait()
        return "first"

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        self.references.append(reference)
        if self.forgets or attempt.attempt_id not in self.seen:
            return Observation(status="missing")
        if attempt.attempt_id in self.cancelled:
            return Observation(status="cancelled", summary="cancelled")
        outcomes = self.prepared.get(_what(attempt), [])
        if outcomes and outcomes[0].status == "running":
            return outcomes[0]
        seen = outcomes.pop(0) if outcomes else DONE
        if seen.status == "succeeded" and attempt.service:
            self.runs[_what(attempt)] = attempt.sha
        return seen

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        self._asked()
        if reference not in ("first", "again", ""):
            raise LookupError(f"no run is called {reference}")
        self.cancelled.add(attempt.attempt_id)
        return True

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        self._asked()
        if "/" not in repo or not service or environment not in get_args(Environment):
            raise LookupError(f"{repo} has no {service} in {environment}")
        return options.get("runs")

    def _asked(self) -> None:
        if self.silent:
            raise SourceUnavailable("GitHub does not answer")


def _what(attempt: Attempt) -> str:
    return f"{attempt.environment} {attempt.service or 'e2e'}"
