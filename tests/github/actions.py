"""GitHub Actions as far as we use it, with a count of its own of what its runs did.

Every request and every answer is checked against GitHub's description; what was not as described
is in `wrong`, and fails the test at its end.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from openapi_core.testing import MockResponse

from tests.github.description import (
    CLOUD,
    ENTERPRISE,
    NEWEST,
    OLDEST,
    Description,
    NotAsDescribed,
    described,
)
from tests.shop import REPO

EPOCH = datetime(2027, 1, 15, 8, tzinfo=UTC)
FIRST_ID = 5001
RUN_NAME = "Deploy {service} → {environment}: {sha} ({attempt_id})"
REFUSING = "Refuse a known attempt"

Json = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Workflow:
    """A workflow file: `requires` and `takes` are its inputs, `title` its run-name.

    `refuses`: its first step fails when an older run carries the same attempt's id.
    """

    requires: tuple[str, ...] = ("sha", "attempt_id")
    takes: tuple[str, ...] = ("service", "environment")
    title: str = RUN_NAME
    refs: tuple[str, ...] = ("main",)
    is_dispatched: bool = True
    is_disabled: bool = False
    refuses: bool = False


@dataclass
class Run:
    """A run; `looks` counts the lists that it was left out of."""

    run_id: int
    workflow: str
    title: str
    event: str
    head_sha: str
    branch: str
    inputs: Mapping[str, str]
    created: datetime
    status: str = "queued"
    conclusion: str | None = None
    updated: datetime = EPOCH
    jobs: list[Json] = field(default_factory=list[Json])
    looks: int = 0

    @property
    def where(self) -> str:
        """Return what a run that was dispatched acts on: "<environment> <service>", or e2e."""
        return f"{self.inputs.get('environment', '')} {self.inputs.get('service') or 'e2e'}"


@dataclass
class Trouble:
    """What befalls the next request: an answer instead of the real one, or none at all.

    `is_done` says that what was asked for happens nevertheless.
    """

    status: int = 0
    message: str = "Server Error"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_done: bool = False


class FakeActions:
    """One repository's Actions. Runs end green at once, unless they are `held`.

    `effects` lists what runs did, as "<environment> <service> <sha7>"; `starts` is how often each
    attempt was dispatched. `lag` is how many lists a new run is left out of, `refused_cancels` the
    status that refuses to cancel one. An `old` server is one
    of GitHub Enterprise, which knows no version of the API that answers with a run's id.
    """

    def __init__(self, **workflows: Workflow) -> None:
        self.workflows = {f"{name}.yml": each for name, each in workflows.items()}
        self.runs: list[Run] = []
        self.effects: list[str] = []
        self.starts: Counter[str] = Counter()
        self.tags: list[Json] = []
        self.cancels: list[int] = []
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.troubles: list[Trouble | None] = []
        self.away: Trouble | None = None
        self.now = EPOCH
        self.held = self.old = False
        self.lag = self.refused_cancels = 0
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def run(cls, **workflows: Workflow) -> AsyncGenerator["FakeActions"]:
        """Serve it on a free port of loopback."""
        fake = cls(**(workflows or {"deploy": Workflow()}))
        for server, version in ((CLOUD, NEWEST), (ENTERPRISE, OLDEST)):
            described(server, version)  # takes seconds, and no client is to wait for it
        app = web.Application()
        app.router.add_route("*", f"/repos/{REPO}/{{rest:.*}}", fake.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield fake
        finally:
            await runner.cleanup()
        assert not fake.wrong, fake.wrong

    # What happens on GitHub's side.

    def pushes(self, workflow: str, sha: str, branch: str = "main") -> Run:
        """Begin a run by a push."""
        return self._begin(workflow, "push", sha, branch, "Merge pull request #7", {})

    def begins(self, workflow: str, title: str) -> int:
        """Begin a run by hand, and return its id."""
        return self._begin(workflow, "workflow_dispatch", "d" * 40, "main", title, {}).run_id

    def steps(self, run: Run, job: str, step: str) -> None:
        """Let a run come to a step."""
        run.status, run.updated = "in_progress", self.now
        run.jobs = [_job(job, "in_progress", None, [_step(step, "in_progress", None)])]

    def ends(self, run: Run, conclusion: str, *reds: tuple[str, str]) -> None:
        """End a run; `reds` are the jobs and steps that failed."""
        run.status, run.conclusion, run.updated = "completed", conclusion, self.now
        run.jobs = [
            _job(job, "completed", "failure", [_step(step, "completed", "failure")])
            for job, step in reds
        ]
        if conclusion == "success" and run.inputs:
            self.effects.append(f"{run.where} {run.inputs['sha'][:7]}")

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def clock(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.now.timestamp()

    # What it is asked.

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request below the repository, and check both."""
        path, body = f"/repos/{REPO}/{request.match_info['rest']}", await request.read()
        version = request.headers.get("X-GitHub-Api-Version", OLDEST)
        self.asked.append(f"{request.method} {path.removeprefix(f'/repos/{REPO}')}")
        if self.old and version != OLDEST:
            return _error(400, f"{version} is not a supported version")
        description = described(ENTERPRISE if self.old else CLOUD, version)
        asked = description.request(request.method, path, request.query, body)
        trouble = self.troubles.pop(0) if self.troubles else self.away
        try:
            description.check_once(asked)
            status, data = 0, None
            if trouble is None or trouble.is_done:
                status, data = self._do(description, request, path, body, version)
                given = b"" if data is None else json.dumps(data).encode()
                description.check_once(asked, MockResponse(given, status))
        except NotAsDescribed as error:
            self.wrong.append(str(error))
            return _error(500, "not as described")
        if trouble:
            return _troubled(request, trouble)
        return web.Response(status=204) if data is None else web.json_response(data, status=status)

    def _do(
        self, d: Description, request: web.Request, path: str, body: bytes, version: str
    ) -> Answer:
        match path.removeprefix(f"/repos/{REPO}").split("/")[1:]:
            case ["actions", "workflows", name, "dispatches"]:
                return self._dispatch(name, json.loads(body), version)
            case ["actions", "workflows", name, "runs"]:
                return self._list(d, request.query, lambda run: run.workflow == name)
            case ["actions", "runs"]:
                return self._list(d, request.query, lambda run: True)
            case ["actions", "runs", run_id]:
                run = self._of(run_id)
                return (200, _shown(d, run)) if run else _missing()
            case ["actions", "runs", run_id, "jobs"]:
                jobs = [{**d.example("job"), **job} for job in self._found(run_id).jobs]
                return 200, {"total_count": len(jobs), "jobs": jobs}
            case ["actions", "runs", run_id, "cancel"]:
                return self._cancel(self._found(run_id))
            case ["tags"]:
                return 200, self.tags
            case _:
                raise NotAsDescribed(f"{path} is not played")

    def _dispatch(self, name: str, body: Json, version: str) -> Answer:
        workflow, inputs, ref = self.workflows.get(name), body.get("inputs", {}), body["ref"]
        if workflow is None:
            return _missing()
        refusal = _refusal(workflow, inputs, ref)
        if refusal:
            return 422, {"message": refusal, "documentation_url": "https://docs.github.com/rest"}
        attempt_id = str(inputs.get("attempt_id", ""))
        self.starts[attempt_id] += 1
        empty = dict.fromkeys((*workflow.requires, *workflow.takes), "")
        title = workflow.title.format(**{**empty, **inputs})
        known = [run for run in self.runs if run.inputs.get("attempt_id") == attempt_id]
        run = self._begin(name, "workflow_dispatch", "d" * 40, ref, title, inputs)
        if workflow.refuses and known:
            self.ends(run, "failure", ("deploy", REFUSING))
        elif not self.held:
            self.ends(run, "success")
        if version < NEWEST:
            return 204, None
        url = f"https://api.github.com/repos/{REPO}/actions/runs/{run.run_id}"
        return 200, {"workflow_run_id": run.run_id, "run_url": url, "html_url": _url(run)}

    def _begin(
        self, workflow: str, event: str, sha: str, branch: str, title: str, inputs: Json
    ) -> Run:
        number = FIRST_ID + len(self.runs)
        run = Run(number, workflow, title, event, sha, branch, inputs, self.now, updated=self.now)
        self.runs.append(run)
        return run

    def _list(
        self, d: Description, query: Mapping[str, str], wanted: Callable[[Run], bool]
    ) -> Answer:
        listed: list[Run] = []
        for run in reversed(self.runs):
            run.looks += 1
            if run.looks > self.lag and wanted(run) and _asked_for(run, query):
                listed.append(run)
        size, number = int(query.get("per_page", "30")), int(query.get("page", "1"))
        page = listed[size * (number - 1) : size * number]
        return 200, {"total_count": len(listed), "workflow_runs": [_shown(d, run) for run in page]}

    def _cancel(self, run: Run) -> Answer:
        if self.refused_cancels:
            return self.refused_cancels, {"message": "Must have admin rights to Repository."}
        if run.status == "completed":
            return 409, {"message": "Cannot cancel a workflow run that is completed."}
        self.cancels.append(run.run_id)
        return 202, {}

    def _of(self, run_id: str) -> Run | None:
        return next((run for run in self.runs if str(run.run_id) == run_id), None)

    def _found(self, run_id: str) -> Run:
        run = self._of(run_id)
        assert run, run_id
        return run


def _refusal(workflow: Workflow, inputs: Json, ref: str) -> str:
    """Return why GitHub would not take a dispatch, in its words; empty if it would."""
    if workflow.is_disabled:
        return "Cannot trigger a 'workflow_dispatch' on a disabled workflow"
    if ref not in workflow.refs:
        return f"No ref found for: {ref}"
    if not workflow.is_dispatched:
        return "Workflow does not have 'workflow_dispatch' trigger"
    unknown = sorted(set(inputs) - {*workflow.requires, *workflow.takes})
    if unknown:
        return f"Unexpected inputs provided: {json.dumps(unknown)}"
    missing = [name for name in workflow.requires if name not in inputs]
    return f"Required input '{missing[0]}' not provided" if missing else ""


def _asked_for(run: Run, query: Mapping[str, str]) -> bool:
    return (
        query.get("event", run.event) == run.event
        and query.get("head_sha", run.head_sha) == run.head_sha
        and query.get("status", run.status) in (run.status, run.conclusion)
    )


def _url(run: Run) -> str:
    return f"https://github.com/{REPO}/actions/runs/{run.run_id}"


def _shown(d: Description, run: Run) -> Json:
    return d.example("workflow-run") | {
        "id": run.run_id,
        "name": "Deploy",
        "path": f".github/workflows/{run.workflow}",
        "display_title": run.title,
        "event": run.event,
        "head_branch": run.branch,
        "head_sha": run.head_sha,
        "status": run.status,
        "conclusion": run.conclusion,
        "html_url": _url(run),
        "created_at": _time(run.created),
        "run_started_at": _time(run.created),
        "updated_at": _time(run.updated),
    }


def _job(name: str, status: str, conclusion: str | None, steps: list[Json]) -> Json:
    times = {"created_at": _time(EPOCH), "started_at": _time(EPOCH), "completed_at": None}
    return {"name": name, "status": status, "conclusion": conclusion, "steps": steps, **times}


def _step(name: str, status: str, conclusion: str | None) -> Json:
    return {"name": name, "status": status, "conclusion": conclusion, "number": 1}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _missing() -> Answer:
    return 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _troubled(request: web.Request, trouble: Trouble) -> web.StreamResponse:
    if trouble.status:
        body = {"message": trouble.message}
        return web.json_response(body, status=trouble.status, headers=trouble.headers)
    assert request.transport
    request.transport.close()
    raise asyncio.CancelledError
