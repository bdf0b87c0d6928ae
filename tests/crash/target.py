"""The targets of the tests: a stand-in that keeps its own count, and the deployer that asks it.

Another deployer joins the crash tests with a name, a case in `build_deployer`, and a stand-in that
counts as `Target` does.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, cast

import httpx
from aiohttp import web

from app.core.events import Attempt
from app.core.ports import Deployer, Observation
from app.core.spec import Environment
from app.github.actions import GitHubActions
from app.github.client import GitHubClient
from tests.crash.points import Points
from tools.deployers.github_actions import GitHubActionsDeployer

Recovery = Literal["keyed", "queryable", "blind"]
CLASSES: tuple[str, ...] = ("keyed", "queryable", "blind")
ACTIONS: Mapping[str, Recovery] = {
    "github_actions": "queryable",
    "github_actions, refusing": "keyed",
}
LISTED_WITHIN_SECONDS = 0.3


class Target:
    """Runs what it is told, and counts; outside of the service, so it survives it.

    `keyed` ignores a known attempt id; `queryable` can be asked by it; `blind` only by the
    reference that it answered the start with. `refusals` counts the starts that `keyed` ignored.
    What is `held` goes on, what is `red` fails.
    """

    def __init__(self, name: str) -> None:
        self.name = self.recovery = name
        self.effects: list[str] = []
        self.starts: Counter[str] = Counter()
        self.held: set[str] = set()
        self.red: set[str] = set()
        self._places: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._runs: dict[str, str] = {}

    @property
    def wrong(self) -> list[str]:
        """Return nothing: it takes whatever it gets."""
        return []

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
        self._places[attempt_id] = at
        reference = f"ref-{attempt_id}"
        self._references[reference] = attempt_id
        return web.json_response({"reference": reference})

    async def _observe(self, request: web.Request) -> web.Response:
        attempt_id, reference = request.query["attempt_id"], request.query["reference"]
        if self.recovery == "blind":
            status = self._status(self._references.get(reference)) or "unknown"
        else:
            status = self._status(attempt_id) or "missing"
        return web.json_response({"status": status})

    def _status(self, attempt_id: str | None) -> str:
        at = self._places.get(attempt_id or "")
        if at in self.held:
            return "running"
        return ("failed" if at in self.red else "succeeded") if at else ""

    async def _current(self, request: web.Request) -> web.Response:
        return web.json_response({"sha": self._runs.get(request.query["at"])})


class TargetDeployer:
    """Deploys to the stand-in."""

    def __init__(self, recovery: Recovery, url: str) -> None:
        self._recovery: Recovery = recovery
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
        body = {"attempt_id": attempt.attempt_id, **attempt.arguments}
        answer = await self._client.post("/start", json=body)
        return str(answer.json()["reference"])

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        query = {"attempt_id": attempt.attempt_id, "reference": reference}
        answer = await self._client.get("/observe", params=query)
        return Observation(status=answer.json()["status"], summary="as the target says")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        return False

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        answer = await self._client.get("/current", params={"at": options["at"]})
        return answer.json()["sha"]


class PointedDeployer:
    """Any deployer, with points around every call."""

    def __init__(self, deployer: Deployer, points: Points) -> None:
        self._deployer = deployer
        self._points = points

    def recovery(self, arguments: Mapping[str, Any]) -> Recovery:
        return self._deployer.recovery(arguments)

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        return self._deployer.problems(options, service, environment)

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return self._deployer.arguments(options, service, environment, sha)

    async def start(self, attempt: Attempt) -> str:
        await self._points.at(f"before start {place(attempt)}")
        reference = await self._deployer.start(attempt)
        await self._points.at(f"after start {place(attempt)}")
        return reference

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        await self._points.at(f"before observe {place(attempt)}")
        seen = await self._deployer.observe(attempt, reference)
        await self._points.at(f"after observe {place(attempt)}")
        return seen

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        return await self._deployer.cancel(attempt, reference)

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        await self._points.at("before current")
        current = await self._deployer.current(options, repo, service, environment)
        await self._points.at("after current")
        return current


def place(attempt: Attempt) -> str:
    """Name where an attempt acts, as points have it; of jobs and rollbacks, on what."""
    if attempt.kind in ("job", "rollback"):
        return f"{attempt.kind} {attempt.service}"
    tests = attempt.kind == "e2e" and attempt.environment == "production"
    return "verification" if tests else attempt.environment


def options(name: str, environment: Environment, service: str) -> dict[str, Any]:
    """Configure one target of a class; `service` may be the tests."""
    if name not in ACTIONS:
        return {"at": f"{environment} {service}"}
    inputs = {"environment": "{environment}"}
    return {
        "workflow": "deploy.yml",
        "inputs": inputs if service == "e2e" else {**inputs, "service": "{service}"},
        "refuses_known_attempts": ACTIONS[name] == "keyed",
    }


def build_deployer(name: str, url: str, github: GitHubClient, points: Points) -> Deployer:
    """Build the deployer of a class."""
    if name in ACTIONS:
        workflows = GitHubActions(github)
        actions = GitHubActionsDeployer(workflows=workflows, listed_within=LISTED_WITHIN_SECONDS)
        return PointedDeployer(actions, points)
    assert name in CLASSES, name
    return PointedDeployer(TargetDeployer(cast("Recovery", name), url), points)
