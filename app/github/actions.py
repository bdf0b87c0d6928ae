"""Starts, watches and ends workflow runs by GitHub's REST API; knows nothing of deploys."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from pydantic import AwareDatetime, BaseModel, BeforeValidator, TypeAdapter, ValidationError

from app.core.errors import NotStarted, SourceMissing, SourceUnavailable
from app.core.untrusted import clean, masked, one_line
from app.core.workflows import Trigger, WorkflowJob, WorkflowRun, WorkflowStep
from app.github.client import API_VERSION, GitHubClient, NoAnswer, NotReached, checked, parsed

# Since this version a dispatch answers with the id of its run. It takes `merge_commit_sha` out of
# pull requests, which merges need, so the rest of the client stays with the one before.
# https://docs.github.com/en/rest/about-the-rest-api/breaking-changes
ACTIONS_VERSION = "2026-03-10"
PAGE = 100
_PAGES = 10  # of one search: https://docs.github.com/en/rest/actions/workflow-runs
_BAD_VERSION = 400
_AMBIGUOUS = (408, *range(500, 600))
_NAME_LENGTH = 300
_MESSAGE_LENGTH = 200


def _harmless(value: object) -> object:
    # Masked before it is cut to what is shown; what is longer than this is read by nobody.
    return masked(one_line(value[:4096]))[:_NAME_LENGTH] if isinstance(value, str) else value


def _matchable(value: object) -> object:
    """Clean a run's title alone: in it an attempt is found by its id, which masking may hit."""
    return clean(value[:4096]) if isinstance(value, str) else value


_Name = Annotated[str, BeforeValidator(_harmless)]


class RunItem(BaseModel):
    """A run in GitHub's form."""

    id: int
    display_title: Annotated[str, BeforeValidator(_matchable)] = ""
    event: str
    head_branch: str | None
    head_sha: str
    status: str | None
    conclusion: str | None
    html_url: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    run_started_at: AwareDatetime | None = None

    def run(self) -> WorkflowRun:
        """Return it in ours."""
        return WorkflowRun(
            run_id=self.id,
            name=self.display_title,
            event=self.event,
            branch=self.head_branch or "",
            head_sha=self.head_sha,
            status=self.status or "",
            conclusion=self.conclusion,
            url=self.html_url,
            started=(self.run_started_at or self.created_at).timestamp(),
            updated=self.updated_at.timestamp(),
        )


class RunItems(BaseModel):
    """A list of runs in GitHub's form."""

    workflow_runs: list[RunItem]


class _Step(BaseModel):
    name: _Name
    status: str
    conclusion: str | None


class _Job(BaseModel):
    name: _Name
    status: str
    conclusion: str | None
    steps: list[_Step] = []


class _Jobs(BaseModel):
    jobs: list[_Job]


class _Dispatched(BaseModel):
    workflow_run_id: int


RUN = TypeAdapter(RunItem)
_JOBS = TypeAdapter(_Jobs)
RUNS = TypeAdapter(RunItems)


class GitHubActions:
    """The `Workflows` of repositories on GitHub; needs "Actions", read and write.

    A server that does not know the version of the API is asked with the one before from then on: it
    says so with 400, before it does anything.
    https://docs.github.com/en/rest/actions/workflows, https://docs.github.com/en/rest/actions/workflow-runs
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._version = ACTIONS_VERSION

    async def dispatch(
        self, repo: str, workflow: str, ref: str, inputs: Mapping[str, str]
    ) -> int | None:
        """Start a run, once; None from a server that does not say which."""
        path = f"/actions/workflows/{quote(workflow, safe='')}/dispatches"
        try:
            response = await self._send(repo, path, {"ref": ref, "inputs": dict(inputs)})
        except NotReached as error:
            raise NotStarted(f"not started: {error}") from None
        if response.status_code in _AMBIGUOUS:
            raise NoAnswer(f"GitHub answered with status {response.status_code}.")
        if response.is_success:
            return _run_id(response)
        why = _refusal(response, repo, workflow, ref)
        raise NotStarted(f"not started: {why}")

    async def run(self, repo: str, run_id: int) -> WorkflowRun | None:
        """Return a run, None if there is none."""
        try:
            response = await self._get(repo, f"/actions/runs/{run_id}?exclude_pull_requests=true")
        except SourceMissing:
            return None
        return parsed(RUN, response).run()

    async def runs(
        self,
        repo: str,
        workflow: str,
        event: Trigger,
        *,
        successful: bool = False,
        head_sha: str = "",
        since: float | None = None,
    ) -> list[WorkflowRun]:
        """Return a workflow's newest 100 runs of a kind, newest first, or all begun since then.

        GitHub lists at most 1,000; raise `SourceUnavailable` where there may be more.
        """
        path = f"/actions/workflows/{quote(workflow, safe='')}/runs?event={event}&per_page={PAGE}"
        path += "&exclude_pull_requests=true"
        path += "&status=success" if successful else ""
        path += f"&head_sha={head_sha}" if head_sha else ""
        found: list[WorkflowRun] = []
        for page in range(1, _PAGES + 1):
            listed = await self._listed(repo, f"{path}&page={page}")
            found += listed
            if since is None or len(listed) < PAGE or listed[-1].started < since:
                return found
        raise SourceUnavailable(f"GitHub does not list all runs of {workflow}: there are too many.")

    async def _listed(self, repo: str, path: str) -> list[WorkflowRun]:
        items = parsed(RUNS, await self._get(repo, path)).workflow_runs
        return [item.run() for item in items]

    async def jobs(self, repo: str, run_id: int) -> list[WorkflowJob]:
        """Return the jobs of a run's newest try, at most 100."""
        path = f"/actions/runs/{run_id}/jobs?filter=latest&per_page={PAGE}"
        items = parsed(_JOBS, await self._get(repo, path)).jobs
        return [_job(item) for item in items]

    async def cancel(self, repo: str, run_id: int) -> bool:
        """Ask for a run to end; False if it has ended, or these credentials may not."""
        response = await self._send(repo, f"/actions/runs/{run_id}/cancel", None)
        if response.status_code == 202:
            return True
        try:
            checked(response, repo, ())
        except NoAnswer:
            raise
        except SourceUnavailable:
            return False
        raise AssertionError("unreachable")

    async def _get(self, repo: str, path: str) -> httpx.Response:
        if self._version != API_VERSION:
            response = await self._client.get(repo, path, (_BAD_VERSION,), self._version)
            if response.status_code != _BAD_VERSION:
                return response
        response = await self._client.get(repo, path)
        self._version = API_VERSION
        return response

    async def _send(self, repo: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        response = await self._client.send(repo, path, self._version, body)
        if response.status_code != _BAD_VERSION or self._version == API_VERSION:
            return response
        response = await self._client.send(repo, path, API_VERSION, body)
        if response.status_code != _BAD_VERSION:
            self._version = API_VERSION
        return response


def _job(item: _Job) -> WorkflowJob:
    steps = tuple(WorkflowStep(s.name, s.status, s.conclusion or "") for s in item.steps)
    return WorkflowJob(item.name, item.status, item.conclusion or "", steps)


def _run_id(response: httpx.Response) -> int | None:
    """Return the id that a dispatch was answered with; whatever else it says, it began."""
    try:
        return _Dispatched.model_validate_json(response.content).workflow_run_id
    except ValidationError:
        return None


def _refusal(response: httpx.Response, repo: str, workflow: str, ref: str) -> str:
    """Say why nothing began, and what a person can do about it."""
    said = _message(response)
    match response.status_code:
        case 404:
            return f"GitHub finds no workflow {workflow!r} in {repo}, or not with these credentials"
        case 403 if "rate limit" not in said.lower() and not _is_limited(response):
            return (
                f"these credentials may not start workflows of {repo}: they need "
                f"Actions, read and write. GitHub says: {said!r}"
            )
        case 422 if "disabled" in said:
            return f"{workflow} is disabled on GitHub: enable it"
        case 422 if "workflow_dispatch" in said:
            return f"{workflow} on {ref!r} has no workflow_dispatch trigger: add one"
        case 422 if said.startswith("No ref found"):
            return f"{repo} has no branch or tag {ref!r}: set `ref`"
        case 422 if "nputs" in said:
            return f"{workflow} on {ref!r} does not take these inputs. GitHub says: {said!r}"
        case 422:
            return f"GitHub refuses to start {workflow} on {ref!r}. It says: {said!r}"
        case _:
            return _general(response, repo)


def _is_limited(response: httpx.Response) -> bool:
    headers = response.headers
    return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def _general(response: httpx.Response, repo: str) -> str:
    try:
        checked(response, repo, ())
    except SourceUnavailable as error:
        return str(error)
    raise AssertionError("unreachable")


def _message(response: httpx.Response) -> str:
    """Return GitHub's own sentence; it may quote what people named their inputs."""
    try:
        said: Any = json.loads(response.content)["message"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return masked(one_line(said[:4096]))[:_MESSAGE_LENGTH] if isinstance(said, str) else ""
