"""The targets of the tests: a stand-in that keeps its own count, and the deployer that asks it.

Another deployer joins the crash tests with a name in `CLASSES`, a case in `build_deployer`, and the
routes of its stand-in.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, cast

import httpx
from aiohttp import web

from app.core.events import Attempt
from app.core.ports import Deployer, Observation
from app.core.spec import Environment
from tests.crash.points import Points

Recovery = Literal["keyed", "queryable", "blind"]
CLASSES: tuple[str, ...] = ("keyed", "queryable", "blind")


class Target:
    """Runs what it is told, and counts; outside of the service, so it survives it.

    `keyed` ignores a known attempt id; `queryable` can be asked by it; `blind` only by the
    reference that it answered the start with. `refusals` counts the starts that `keyed` ignored.
    """

    def __init__(self, recovery: str) -> None:
        self.recovery = recovery
        self.effects: list[str] = []
        self.starts: Counter[str] = Counter()
        self._references: dict[str, str] = {}
        self._runs: dict[str, str] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return its routes, below an instance's own address."""
        return [
            web.post("/{instance}/start", self._start),
            web.get("/{instance}/observe", self._observe),
            web.get("/{instance}/current", self._current),
        ]

    @property
    def refusals(self) -> int:
        """Count the starts that were refused because their attempt is known."""
        known = sum(self.starts.values()) - len(self.starts)
        return known if self.recovery == "keyed" else 0

    def production(self) -> list[str]:
        """Return the effects on production, without the tests."""
        return [e for e in self.effects if e.startswith("production") and "e2e" not in e]

    async def _start(self, request: web.Request) -> web.Response:
        body = await request.json()
        attempt_id, at, sha = body["attempt_id"], body["at"], body["sha"]
        if self.recovery != "keyed" or not self.starts[attempt_id]:
            self.effects.append(f"{at} {sha[:7]}")
            self._runs[at] = sha
        self.starts[attempt_id] += 1
        reference = f"ref-{attempt_id}"
        self._references[reference] = attempt_id
        return web.json_response({"reference": reference})

    async def _observe(self, request: web.Request) -> web.Response:
        attempt_id, reference = request.query["attempt_id"], request.query["reference"]
        if self.recovery == "blind":
            status = "succeeded" if reference in self._references else "unknown"
        else:
            status = "succeeded" if self.starts[attempt_id] else "missing"
        return web.json_response({"status": status})

    async def _current(self, request: web.Request) -> web.Response:
        return web.json_response({"sha": self._runs.get(request.query["at"])})


class TargetDeployer:
    """Deploys to the stand-in, with points around every call."""

    def __init__(self, recovery: Recovery, url: str, points: Points) -> None:
        self._recovery: Recovery = recovery
        self._points = points
        self._client = httpx.AsyncClient(base_url=url, verify=False)  # else slow to build

    def recovery(self, arguments: Mapping[str, Any]) -> Recovery:
        return self._recovery

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        return []

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return {"at": options["at"], "sha": sha}

    async def start(self, attempt: Attempt) -> str:
        await self._points.at(f"before start {place(attempt)}")
        body = {"attempt_id": attempt.attempt_id, **attempt.arguments}
        answer = await self._client.post("/start", json=body)
        await self._points.at(f"after start {place(attempt)}")
        return str(answer.json()["reference"])

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        await self._points.at(f"before observe {place(attempt)}")
        query = {"attempt_id": attempt.attempt_id, "reference": reference}
        answer = await self._client.get("/observe", params=query)
        await self._points.at(f"after observe {place(attempt)}")
        return Observation(status=answer.json()["status"], summary="as the target says")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        return False

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        await self._points.at("before current")
        answer = await self._client.get("/current", params={"at": options["at"]})
        await self._points.at("after current")
        return answer.json()["sha"]


def place(attempt: Attempt) -> str:
    """Name where an attempt acts, as points have it."""
    tests = attempt.kind == "e2e" and attempt.environment == "production"
    return "verification" if tests else attempt.environment


def build_deployer(name: str, url: str, points: Points) -> Deployer:
    """Build the deployer of a class."""
    assert name in CLASSES, name
    return TargetDeployer(cast("Recovery", name), url, points)
