"""Where a rollback goes: for each service one version, and which services one is about."""

import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from app.core import ledger
from app.core.config import RepoConfig
from app.core.happened import Record
from app.core.state import State
from app.core.versions import verified
from app.core.words import names
from app.core.writing import short


def earlier(
    repo: RepoConfig, facts: Mapping[str, str], records: Sequence[Record], service: str
) -> str | None:
    """Return the last version before the one that runs that passed the production tests.

    Where there are no such tests, it is the last one before it that ran.
    """
    runs = ledger.production(facts, service)
    passed = verified(facts, service) if repo.production.e2e else _ran(records, service)
    before = passed[: passed.index(runs)] if runs in passed else passed
    bad = ledger.hold(facts, service)
    return next((sha for sha in reversed(before) if sha not in (runs, bad)), None)


def takes_out(records: Sequence[Record], service: str, to: str | None) -> tuple[str, ...]:
    """Name what came to a service since a version, merges before bare commits; none if unknown."""
    since = came_since(records, service, to) if to else []
    named = (f"#{r.pull}" if r.pull else short(r.sha) for r in since)
    return tuple(dict.fromkeys(named))


def came_since(records: Sequence[Record], service: str, to: str) -> list[Record]:
    """Return the deploys that came to a service since a version, newest first; none if unknown."""
    came = [r for r in records if (r.service, r.outcome) == (service, "succeeded")]
    since = list(takewhile(lambda record: record.sha != to, came))
    if len(since) == len(came):  # the history does not reach back to it
        return []
    return [record for record in since if record.kind == "deploy"]


def _ran(records: Sequence[Record], service: str) -> list[str]:
    """Return what a service ran, oldest first; each once, where it ran last."""
    ran = [r.sha for r in records if r.service == service and r.outcome == "succeeded"]
    return list(dict.fromkeys(ran))[::-1]


def meant(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services that "roll back" is about where it names none, the last changed first.

    In the thread of a commit: what runs because of that, whoever brought it there; never what
    another team shipped meanwhile. In a thread that people began: what changed last.
    """
    if state.sha is None:
        return changed_last(repo, facts)
    runs = _newest_first(repo, facts)
    return tuple(
        service
        for service, fact in runs.items()
        if fact.get("kind") != "rollback" and _is_of(state, service, fact["sha"])
    )


def _is_of(state: State, service: str, sha: str) -> bool:
    own = sha == state.sha and not state.is_untouched(service)
    return own or sha == state.shipped.get(service)


def is_for_others(state: State, repo: RepoConfig, facts: Mapping[str, str], service: str) -> bool:
    """Tell whether a thread has no business with rolling back a service: nobody named it here.

    A thread may take back what it is about and what it tried to change; what people began without
    a commit is about whatever they say.
    """
    tried = (run.attempt.service for run in state.runs.values() if run.is_production_effect)
    if state.sha is None or service in (*tried, *meant(state, repo, facts)):
        return False
    return not any(names(said.text, service) for said in state.words)


def changed_last(repo: RepoConfig, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services that the newest thread to change production changed, the last first.

    None where its change was a rollback: going on from there is for people to say.
    """
    runs = _newest_first(repo, facts)
    if not runs:
        return ()
    newest = next(iter(runs.values()))
    together = [service for service, fact in runs.items() if fact["thread"] == newest["thread"]]
    back = any(runs[service].get("kind") == "rollback" for service in together)
    return () if back else tuple(together)


def _newest_first(repo: RepoConfig, facts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what is recorded of each service that runs, the last changed first."""
    told = {s: facts.get(f"running/{s}") for s in reversed(list(repo.production.services))}
    runs = {service: json.loads(fact) for service, fact in told.items() if fact}
    return dict(sorted(runs.items(), key=lambda told: -told[1]["at"]))


def jobs_since(repo: RepoConfig, records: Sequence[Record], service: str, sha: str) -> list[Record]:
    """Return the jobs that ran since a service got a version, the newest first."""
    since = takewhile(lambda record: (record.service, record.sha) != (service, sha), records)
    jobs = {name for name, job in repo.production.jobs.items() if job.before in (None, service)}
    return [r for r in since if r.kind == "job" and r.outcome == "succeeded" and r.service in jobs]


def no_way(
    repo: RepoConfig, back_to: Mapping[str, str | None], service: str, ran: Sequence[str]
) -> str:
    """Say that a service has no way back, which others have one, and what people can do."""
    tested = "passed the production tests" if repo.production.e2e else "ran"
    parts = [f"{service} cannot go back: it has no earlier version that {tested}."]
    can = [f"{name} to {short(sha)}" for name, sha in back_to.items() if sha and name != service]
    parts += [f"These can: {', '.join(can)}."] if can else []
    named = ", ".join(short(sha) for sha in ran[:3])
    parts += [f"It did run {named}, untested: people may name one to go back to."] if named else []
    return " ".join(parts)
