"""What a step would bring to production or take out of it: commits, files, work for jobs, risk."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core import ledger
from app.core.config import RepoConfig
from app.core.errors import SourceUnavailable
from app.core.events import ChangeSeen, Commit, Files, PullRequest
from app.core.paths import matching
from app.core.ports import Source
from app.core.spec import EffectKind
from tools.order import is_older
from tools.tool import Desk, SourceNeeded, ToolError

NAMED = 3


@dataclass(frozen=True, slots=True)
class Change:
    """The commits that go in (of a rollback: out), how many, and the files; None if unknown.

    `compared`: by somebody who knows them, else they are only those that are known here.
    """

    commits: tuple[Commit, ...]
    total: int
    unchecked: tuple[str, ...]
    files: tuple[str, ...] | None = None
    compared: bool = False


async def change_of(desk: Desk, kind: EffectKind, was: str | None, sha: str) -> Change:
    """Find out what a step changes; raise `ToolError` for a deploy that would go back."""
    known = (desk.state.known.get(sha, Commit(sha=sha)),)
    if kind == "rollback":  # that one stays; which ones go out only GitHub can say
        known = ()
    if desk.source is None:
        await _refuse_earlier(desk, kind, was, sha)
        note = "no GitHub credentials: the difference and the order of commits were not checked"
        return Change(known, len(known), (note,))
    if was is None:
        note = "the difference, since no version to compare with is known"
        return Change(known, len(known), () if kind == "job" else (note,))
    base, head = (sha, was) if kind == "rollback" else (was, sha)
    try:
        compared = await desk.source.compare(desk.repo.name, base, head)
    except SourceUnavailable as error:
        if kind != "rollback":
            raise SourceNeeded(error) from None
        return Change((), 0, (f"GitHub could not be asked: {error}",))
    notes: tuple[str, ...] = ()
    if kind == "deploy" and compared.behind:
        if not compared.ahead:
            raise _older(sha, was)
        notes = (f"it takes out {compared.behind} commits that production has now",)
    return Change(compared.commits, compared.ahead, notes, compared.files, True)


async def _refuse_earlier(desk: Desk, kind: EffectKind, was: str | None, sha: str) -> None:
    """Raise `ToolError` where the merge of what runs arrived later: that has to do for ancestry."""
    repo = desk.repo
    if kind == "deploy" and was and await is_older(desk.log, repo.name, repo.branch, sha, was):
        raise _older(sha, was)


def _older(sha: str, was: str) -> ToolError:
    return ToolError(
        f"{sha[:7]} is older than {was[:7]}, which runs in production. Only a rollback may go back."
    )


def compare_url(pull_request: PullRequest | None, was: str | None, sha: str) -> str:
    """Return the address of a comparison, where the pull request tells where it is."""
    if pull_request is None or was is None or "/pull/" not in pull_request.url:
        return ""
    return f"{pull_request.url.split('/pull/')[0]}/compare/{was[:12]}...{sha[:12]}"


# Jobs.


async def jobs_due(
    repo: RepoConfig,
    source: Source | None,
    facts: Mapping[str, str],
    change: ChangeSeen | None,
    sha: str,
) -> dict[str, Files]:
    """Return the jobs that a SHA brings work for since they last ran, with the files.

    `change` is what its merge was seen to have: it counts where no comparison tells of files.
    Raise `SourceUnavailable`.
    """
    due: dict[str, Files] = {}
    for name, job in repo.production.jobs.items():
        base = run_from(repo, facts, name)
        if not job.paths or base == sha:
            continue
        compared = await source.compare(repo.name, base, sha) if source and base else None
        if compared is not None and compared.files is not None:
            found = matching(job.paths, compared.files)
        else:
            found = change.jobs.get(name) if change else None
        if found and found.total:
            due[name] = found
    return due


def run_from(repo: RepoConfig, facts: Mapping[str, str], job: str) -> str | None:
    """Return from which SHA on a job has work: where it ran last, else what its service runs."""
    before = repo.production.jobs[job].before
    ran = ledger.ran(facts, job)
    return ran or (ledger.production(facts, before) if before else None)


async def files_for_jobs(
    desk: Desk, kind: EffectKind, name: str, sha: str, change: Change
) -> dict[str, Files]:
    """Return the files for jobs that a step has to do with: its own, or those of its service.

    Of a rollback, they are in what is taken out, and no job takes them back.
    """
    mine = [
        job for job, its in desk.repo.production.jobs.items() if name in (job, its.before or "")
    ]
    if kind == "rollback":
        found = {j: matching(desk.repo.production.jobs[j].paths, change.files or ()) for j in mine}
        return {job: files for job, files in found.items() if files.total}
    seen = desk.state.change if desk.state.sha == sha else None
    try:
        due = await jobs_due(desk.repo, desk.source, desk.facts, seen, sha) if mine else {}
    except SourceUnavailable as error:
        raise SourceNeeded(error) from None
    return {job: due[job] for job in mine if job in due}


# Risk.


def risk_of(
    repo: RepoConfig, kind: EffectKind, name: str, change: Change, jobs: Mapping[str, Files]
) -> str:
    """Say why a step is to be asked about twice; empty where one click is enough."""
    if kind == "job":
        return "no rollback takes back what a job did"
    for job, files in jobs.items():
        between = "lies between, and stays" if kind == "rollback" else "is in it"
        return f"work for {job} {between}: {named(files)}"
    globs = repo.risky_of(name)
    if not globs:
        return ""
    if change.files is None:
        return "which files it changes is unknown"
    found = matching(globs, change.files)
    return f"it changes {named(found)}" if found.total else ""


def named(files: Files) -> str:
    """Name a few files, and say how many more there are."""
    shown = ", ".join(files.names[:NAMED])
    more = files.total - min(NAMED, len(files.names))
    return f"{shown} and {more} more" if more else shown
