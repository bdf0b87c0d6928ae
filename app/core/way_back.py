"""Where a rollback goes: for each service one version, and which services changed together."""

import json
from collections.abc import Mapping, Sequence
from itertools import takewhile

from app.core import ledger
from app.core.config import RepoConfig
from app.core.happened import Record
from app.core.versions import verified
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


def _ran(records: Sequence[Record], service: str) -> list[str]:
    """Return what a service ran, oldest first; each once, where it ran last."""
    ran = [r.sha for r in records if r.service == service and r.outcome == "succeeded"]
    return list(dict.fromkeys(ran))[::-1]


def changed_last(repo: RepoConfig, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services that the newest thread to change production changed, the last first.

    None where its change was a rollback: going on from there is for people to say.
    """
    told = {s: facts.get(f"running/{s}") for s in repo.production.services}
    runs = {service: json.loads(fact) for service, fact in told.items() if fact}
    newest_first = list(runs)[::-1]
    newest_first.sort(key=lambda service: -runs[service]["at"])
    if not newest_first:
        return ()
    newest = runs[newest_first[0]]
    together = [s for s in newest_first if runs[s]["thread"] == newest["thread"]]
    back = any(runs[service].get("kind") == "rollback" for service in together)
    return () if back else tuple(together)


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
