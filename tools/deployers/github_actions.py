"""Deploys by starting a workflow, or watches one that begins by itself; knows no HTTP."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

from app.core.errors import NotStarted, SourceMissing, SourceUnavailable
from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment
from app.core.workflows import WorkflowJob, WorkflowRun, Workflows
from tools.deployers import github_actions_options, github_actions_outcome
from tools.deployers.github_actions_options import Arguments, Options
from tools.deployers.github_actions_outcome import limit

LISTED_WITHIN_SECONDS = 30.0
_UNANSWERED_SECONDS = 30.0
_OVERDUE_SECONDS = 600.0  # what does not end that long after it should have is nobody's to wait for
_ATTEMPT_SECONDS = 3 * 24 * 3600.0  # longer than an attempt runs, waits to be seen or is sent again
_BY_NAME = "by name"
_BY_PUSH = "by push"
_NEEDED = "needs GITHUB_TOKEN, or GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY"


class GitHubActionsDeployer:
    """Run workflows that take a SHA and an attempt's id, and carry both in their run's name.

    How an attempt's run is found: by the id that GitHub answered the start with; else by its name,
    which exactly one run may carry, never by being the newest. A run that is not listed is waited
    for as long as GitHub may take to list one (`listed_within` seconds from when this process first
    missed it); only then it is `missing`, or `unknown` if GitHub had taken it.

    With `refuses_known_attempts` the workflow itself refuses an attempt that an older run carries,
    so the oldest one counts, and the attempt may be sent again.

    While GitHub does not answer, what ran still runs; after the attempt's own time limit without an
    answer it is `unknown`.
    """

    Options = Options

    def __init__(
        self,
        *_: object,
        workflows: Workflows | None,
        clock: Callable[[], float] = time.time,
        listed_within: float = LISTED_WITHIN_SECONDS,
        **_others: object,
    ) -> None:
        self._workflows = workflows
        self._clock = clock
        self._listed_within = listed_within
        self._missed: dict[str, float] = {}
        self._unanswered: dict[str, float] = {}
        self._newest: dict[tuple[str, str, str, str], WorkflowRun] = {}

    def recovery(self, arguments: Mapping[str, Any]) -> Literal["keyed", "queryable", "blind"]:
        """Return `keyed` where a second start has no effect, else `queryable`."""
        parsed = Arguments.model_validate(arguments)
        is_keyed = parsed.refuses_known_attempts or parsed.trigger == "push"
        return "keyed" if is_keyed else "queryable"

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        """Return what is wrong with a target's options: the key and a sentence each."""
        found = github_actions_options.problems(options, service, environment)
        return found if self._workflows else [("deployer", _NEEDED), *found]

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        """Return the exact workflow and inputs; only the attempt's id is filled in by `start`."""
        return github_actions_options.arguments(options, service, environment, sha)

    async def start(self, attempt: Attempt) -> str:
        """Start a run, unless one of a keyed attempt is there; return its id, if GitHub says it."""
        if self._workflows is None:
            raise NotStarted(f"not started: this deployer {_NEEDED}")
        arguments = Arguments.model_validate(attempt.arguments)
        if arguments.trigger == "push":
            return _BY_PUSH
        self._missed.pop(attempt.attempt_id, None)
        if arguments.refuses_known_attempts:
            runs = await self._named(self._workflows, attempt, arguments)
            if runs:
                return str(_oldest(runs).run_id)
        inputs = {**arguments.inputs, arguments.attempt_input: attempt.attempt_id}
        run_id = await self._workflows.dispatch(
            attempt.repo, arguments.workflow, arguments.ref, inputs
        )
        return _BY_NAME if run_id is None else str(run_id)

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        """Say how the attempt's run goes."""
        if self._workflows is None:
            return Observation("unknown", f"nobody can be asked: this deployer {_NEEDED}")
        arguments = Arguments.model_validate(attempt.arguments)
        try:
            seen = await self._observe(self._workflows, attempt, arguments, reference)
        except SourceUnavailable as error:
            return self._without_answer(attempt, arguments, str(error))
        self._unanswered.pop(attempt.attempt_id, None)
        return seen

    async def _observe(
        self, workflows: Workflows, attempt: Attempt, arguments: Arguments, reference: str
    ) -> Observation:
        run = await self._find(workflows, attempt, arguments, reference)
        if isinstance(run, Observation):
            return run
        self._missed.pop(attempt.attempt_id, None)
        now = self._clock()
        jobs: list[WorkflowJob] = []
        if _has_jobs(run):
            with suppress(SourceMissing):  # they only say where it is
                jobs = await workflows.jobs(attempt.repo, run.run_id)
        if github_actions_outcome.is_over(run):
            self._remember(attempt, arguments, run)
            return github_actions_outcome.ended(run, jobs, arguments.timeout)
        late = now - run.started - arguments.timeout
        if late <= 0 or arguments.trigger == "push":
            return github_actions_outcome.running(run, jobs, now)
        return await self._overdue(workflows, attempt, run, late)

    async def _overdue(
        self, workflows: Workflows, attempt: Attempt, run: WorkflowRun, late: float
    ) -> Observation:
        """Have a run ended that is over its limit; nobody knows what comes of one that goes on."""
        timeout = limit(Arguments.model_validate(attempt.arguments).timeout)
        if late > _OVERDUE_SECONDS:
            return Observation(
                "unknown", f"it still runs, long after its limit of {timeout}: {run.url}"
            )
        ends = await workflows.cancel(attempt.repo, run.run_id)
        asked = "GitHub was asked to end it" if ends else "these credentials may not end it"
        ending = f"over its limit of {timeout}: {asked}"
        return github_actions_outcome.running(run, [], self._clock(), ending)

    def _without_answer(self, attempt: Attempt, arguments: Arguments, why: str) -> Observation:
        now = self._clock()
        if now - self._unanswered.setdefault(attempt.attempt_id, now) > arguments.timeout:
            summary = f"GitHub could not be asked for {limit(arguments.timeout)}: {why}"
            return Observation("unknown", summary)
        return Observation("running", line=why, again_seconds=_UNANSWERED_SECONDS)

    async def _find(
        self, workflows: Workflows, attempt: Attempt, arguments: Arguments, reference: str
    ) -> WorkflowRun | Observation:
        """Return the attempt's run, or what can be said without one."""
        if arguments.trigger == "push":
            return await self._pushed(workflows, attempt, arguments)
        run = await workflows.run(attempt.repo, int(reference)) if reference.isdigit() else None
        is_keyed = arguments.refuses_known_attempts
        # One that was refused is red; the run that it was refused for is the attempt's.
        if run and not (is_keyed and github_actions_outcome.is_over(run) and not _is_green(run)):
            return run
        named = await self._named(workflows, attempt, arguments)
        if len(named) == 1 or (named and is_keyed):
            return _oldest(named)
        if named:
            ids = ", ".join(str(each.run_id) for each in named)
            return Observation("unknown", f"several runs carry this attempt's id: {ids}")
        return run or self._not_listed(attempt, arguments, reference)

    async def _named(
        self, workflows: Workflows, attempt: Attempt, arguments: Arguments
    ) -> list[WorkflowRun]:
        since = self._clock() - _ATTEMPT_SECONDS
        runs = await workflows.runs(
            attempt.repo, arguments.workflow, "workflow_dispatch", since=since
        )
        words = github_actions_outcome.words
        return [run for run in runs if attempt.attempt_id in words(run.name)]

    def _not_listed(self, attempt: Attempt, arguments: Arguments, reference: str) -> Observation:
        if self._missed_for(attempt) < self._listed_within:
            again = min(2.0, self._listed_within)
            line = "GitHub does not list its run yet"
            return Observation("running", line=line, again_seconds=again)
        workflow = arguments.workflow
        if reference.isdigit():
            return Observation("unknown", f"GitHub has no run {reference} of {workflow} any more")
        if reference:
            needs = f"run-name of {workflow} has to contain the input {arguments.attempt_input!r}"
            return Observation("unknown", f"no run carries this attempt's id: the {needs}")
        return Observation("missing", f"no run of {workflow} carries this attempt's id")

    def _missed_for(self, attempt: Attempt) -> float:
        now = self._clock()
        return now - self._missed.setdefault(attempt.attempt_id, now)

    async def _pushed(
        self, workflows: Workflows, attempt: Attempt, arguments: Arguments
    ) -> WorkflowRun | Observation:
        runs = await workflows.runs(attempt.repo, arguments.workflow, "push", head_sha=attempt.sha)
        mine = [r for r in runs if r.branch == arguments.ref and r.head_sha == attempt.sha]
        if mine:
            return max(mine, key=lambda run: run.run_id)
        if self._missed_for(attempt) < arguments.timeout:
            line = f"waits for {arguments.workflow} to begin by itself"
            return Observation("running", line=line, again_seconds=5)
        what = f"{arguments.workflow} for {attempt.sha[:7]} on {arguments.ref}"
        return Observation("failed", f"no run of {what} within {limit(arguments.timeout)}")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        """Ask GitHub to end the run; False for one that is over, or was not started by us."""
        arguments = Arguments.model_validate(attempt.arguments)
        if self._workflows is None or arguments.trigger == "push":
            return False
        run = await self._find(self._workflows, attempt, arguments, reference)
        if isinstance(run, WorkflowRun):
            return await self._workflows.cancel(attempt.repo, run.run_id)
        if run.status == "running":
            raise SourceUnavailable("GitHub does not list its run yet.")
        return False

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        """Return the SHA of the newest run that succeeded there, as the runs' names say."""
        if self._workflows is None:
            return None
        parsed = Options.model_validate(options)
        if parsed.trigger == "push":
            runs = await self._workflows.runs(repo, parsed.workflow, "push", successful=True)
            mine = [run for run in runs if run.branch == parsed.ref]
            return max(mine, key=_age).head_sha if mine else None
        runs = await self._workflows.runs(
            repo, parsed.workflow, "workflow_dispatch", successful=True
        )
        # A list may lag behind what was seen of the run itself.
        seen = self._newest.get((repo, parsed.workflow, service, environment))
        known = [*runs, seen] if seen else runs
        deployed = github_actions_outcome.deployed
        mine = [run for run in known if deployed(run, service, environment)]
        newest = max(mine, key=_age, default=None)
        return deployed(newest, service, environment) if newest else None

    def _remember(self, attempt: Attempt, arguments: Arguments, run: WorkflowRun) -> None:
        if attempt.service and _is_green(run):
            place = (attempt.repo, arguments.workflow, attempt.service, attempt.environment)
            self._newest[place] = run


def _age(run: WorkflowRun) -> tuple[float, int]:
    """Order runs by when they began; GitHub tells whole seconds, and counts its runs up."""
    return run.started, run.run_id


def _has_jobs(run: WorkflowRun) -> bool:
    return run.status == "in_progress" or (run.status == "completed" and not _is_green(run))


def _is_green(run: WorkflowRun) -> bool:
    return run.conclusion == "success"


def _oldest(runs: list[WorkflowRun]) -> WorkflowRun:
    return min(runs, key=lambda run: run.run_id)
