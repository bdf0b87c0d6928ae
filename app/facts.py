"""What is found out before the agent speaks: the change, what runs where, commits, SHAs."""

from collections.abc import Sequence
from contextlib import suppress

from app.core import events as ev
from app.core import ledger, locks, way_back
from app.core.config import TargetConfig
from app.core.errors import SourceUnavailable
from app.core.happened import records
from app.core.paths import jobs_in, touched
from app.core.ports import HISTORY_KEPT
from app.desk import Job
from tools.changes import jobs_due
from tools.order import is_older
from tools.tool import nearest_commits

COMMITS_SHOWN = 20
STAGED_SHOWN = 5
NO_FILES = "which files changed, since GitHub does not list them all: all services count"


async def look_at_change(job: Job) -> None:
    """Append which services the merge touches; all, where its files cannot be had now."""
    files, unchecked = await _files(job)
    services = touched(job.repo, files)
    channel = job.repo.channel_of(services)
    jobs = jobs_in(job.repo, files or ())
    seen = ev.ChangeSeen(touched=services, channel=channel, unchecked=unchecked, jobs=jobs)
    await job.decide_on([seen])


async def _files(job: Job) -> tuple[Sequence[str] | None, str]:
    pull_request = job.state.pull_request
    if job.ports.source is None or pull_request is None:
        return None, "which services this touches is unknown without GitHub credentials"
    try:
        files = await job.ports.source.files(job.repo.name, pull_request.number)
    except SourceUnavailable as error:
        return None, f"which services this touches: {error}"
    return files, "" if files is not None else NO_FILES


async def look_at_production(job: Job) -> None:
    """Append what every service runs whose deployer can be asked."""
    versions: dict[str, str] = {}
    for service, target in job.repo.production.services.items():
        deployer = job.ports.deployers[target.deployer]
        with suppress(SourceUnavailable):
            current = await deployer.current(target.options, job.repo.name, service, "production")
            versions |= {service: current} if current else {}
    await job.decide_on([ev.ProductionSeen(versions=versions)])


async def fetch_facts(job: Job) -> None:
    """Append what the agent will surely need: what runs, commits since then, what is staged."""
    repo = job.repo
    history = await job.ports.log.history(repo.name, HISTORY_KEPT)
    happened = records(history)
    running: list[ev.Running] = []
    for service, target in repo.production.services.items():
        told = await _running(job, service, target)
        back_to = way_back.earlier(repo, job.facts, happened, service)
        out = way_back.takes_out(happened, service, back_to)
        running.append(told.model_copy(update={"back_to": back_to, "takes_out": out}))
    staged = ledger.staged(history)[:STAGED_SHOWN]
    head = job.state.sha or (staged[0].sha if staged else None)
    ahead, commits, problems = await _compared(job, running, head)
    told = (r.model_copy(update={"ahead_of": head}) if r.sha in ahead else r for r in running)
    facts = ev.FactsFetched(
        running=tuple(told),
        commits=commits,
        staged=tuple(staged),
        problems=problems,
        changed_last=way_back.meant(job.state, repo, job.facts),
        jobs=await _jobs_due(job, staged),
    )
    await job.decide_on([facts])


async def _running(job: Job, service: str, target: TargetConfig) -> ev.Running:
    """Say what a service runs; in shadow mode the deployer's word is first."""
    current, by_hand = None, job.state.shadow
    if by_hand or ledger.production(job.facts, service) is None:
        deployer = job.ports.deployers[target.deployer]
        with suppress(SourceUnavailable):
            current = await deployer.current(target.options, job.repo.name, service, "production")
    blocks = locks.on(job.repo, job.facts, service, job.now)
    told = ledger.running(job.facts, service, current, blocks)
    seen = {"sha": current, "source": "deployer"} if by_hand and current else {}
    return told.model_copy(update=seen)


async def _jobs_due(job: Job, staged: Sequence[ev.Commit]) -> dict[str, ev.Files]:
    """Return the jobs that are due for the commit in question; none where GitHub is silent."""
    head = job.state.sha or (staged[0].sha if staged else None)
    seen = job.state.change if head == job.state.sha else None
    with suppress(SourceUnavailable):
        if head:
            return await jobs_due(job.repo, job.ports.source, job.facts, seen, head)
    return {}


async def _compared(
    job: Job, running: Sequence[ev.Running], head: str | None
) -> tuple[set[str], tuple[ev.Commit, ...], tuple[str, ...]]:
    """Return what runs and is ahead of a commit, which commits production lacks, and problems."""
    bases = {r.sha for r in running if r.sha and r.sha != head}
    if head is None or not bases:
        return set(), (), ()
    repo, ports = job.repo, job.ports
    if ports.source is None:
        ahead = {b for b in bases if await is_older(ports.log, repo.name, repo.branch, head, b)}
        return ahead, (), ("no GitHub credentials: the commits since production are unknown",)
    found: dict[str, ev.Commit] = {}
    ahead = set[str]()
    try:
        for base in sorted(bases):
            compared = await ports.source.compare(repo.name, base, head)
            found.update({commit.sha: commit for commit in compared.commits})
            ahead |= {base} if compared.behind and not compared.ahead else set()
    except SourceUnavailable as error:
        return ahead, (), (f"GitHub could not be asked: {error}",)
    return ahead, tuple(found.values())[:COMMITS_SHOWN], ()


async def resolve_shas(job: Job, words: Sequence[str]) -> None:
    """Append what the SHAs in people's words stand for, or why they stand for nothing."""
    found: list[ev.Commit] = []
    refused: list[str] = []
    known = list(job.state.known.values())
    happened = records(await job.ports.log.history(job.repo.name, HISTORY_KEPT))
    history = [ev.Commit(sha=each.sha, title=each.title) for each in happened]
    for word in words:
        matches = {c.sha: c for c in (*known, *history) if c.sha.startswith(word)}
        commit = next(iter(matches.values())) if len(matches) == 1 else None
        if not matches:
            commit, problem = await _ask_source(job, word)
            if problem:
                refused.append(problem)
        elif commit is None:
            shas = ", ".join(sha[:12] for sha in matches)
            refused.append(f"{word!r} is ambiguous: {shas}")
        if commit:
            found.append(commit)
    await job.decide_on([ev.ShasResolved(found=tuple(found), refused=tuple(refused))])


async def _ask_source(job: Job, word: str) -> tuple[ev.Commit | None, str | None]:
    nearest = nearest_commits(list(job.state.known.values()))
    if job.ports.source is None:
        return None, f"{word!r} is in no thread of {job.repo.name}. Known: {nearest}"
    try:
        commit = await job.ports.source.commit(job.repo.name, word)
    except SourceUnavailable as error:
        return None, f"{word!r} could not be looked up: {error}"
    if commit is None:
        return None, f"{word!r} is no commit of {job.repo.name}. Known: {nearest}"
    return commit, None
