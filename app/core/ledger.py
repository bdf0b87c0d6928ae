"""What a repository remembers: the write that keeps it with a thread's events, and its reading."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.core import events as ev
from app.core import lanes, meanwhile, outgoing
from app.core.consequences import NO_FACTS, follow
from app.core.events import Commit, Running
from app.core.ports import Write
from app.core.state import State

ASKED = "undeployed"  # what was asked on a schedule; its thread shows when production moves on
ATTEMPT = "attempt"  # stands in the index where messages have their channel, and so does
PULL = "pull"  # for the thread of a pull request's merge
# After any of these a thread may be through, or wait for one that waits for it.
MAY_END_A_THREAD = (
    ev.WaitStarted,
    ev.ChangeSeen,
    ev.StagingEnded,
    ev.PlanEnded,
    ev.VerificationEnded,
    ev.ToolEnded,
    ev.OutcomeStated,
    ev.ApprovalExpired,
    ev.StopRequested,
    ev.LockWaited,
    ev.WaitEnded,
    ev.Coalesced,
    ev.Superseded,
)


def write(
    state: State,
    events: Sequence[ev.Event],
    now: int,
    version: int | None = None,
    index: Sequence[str] = (),
    known: Mapping[str, str] = NO_FACTS,
    wake: Sequence[str] = (),
    seen: Mapping[str, str] | None = None,
    facts: Mapping[str, str | None] | None = None,
    expects: Mapping[str, str | None] | None = None,
    **rest: Any,
) -> Write:
    """Build the write that appends these events to a thread, with all that follows for its repo.

    `known` are the repo's facts as they were read: what is kept no longer is taken out of them.
    `seen` are the facts that a person's deed was decided on: those that it changes have to be the
    same still when it is written, for other threads may change them, too.
    `facts` are set, and others expected, besides.
    """
    followed, history = follow(state, events, known, now)
    release = tuple(t for e in events if isinstance(e, ev.LocksReleased) for t in e.targets)
    started = (e.attempt.attempt_id for e in events if isinstance(e, ev.ToolStarted))
    ends = any(isinstance(e, MAY_END_A_THREAD) for e in events)
    shipped_by = (e.into.thread_id for e in events if isinstance(e, ev.Superseded))
    stands = {} if seen is None else {key: seen.get(key) for key in followed}
    locked = any(isinstance(e, ev.ServiceLocked | ev.ServiceUnlocked) for e in events)
    said = any(name.startswith(meanwhile.FACT) for name in facts or ())
    return Write(
        state.thread_id,
        events,
        version=version,
        expects={**stands, **(expects or {})},
        facts={**followed, **(facts or {})},
        history=history,
        release=release,
        index=(*index, *map(attempt_key, started)),
        elsewhere=locked or said,
        wake=(*wake, *shipped_by, *_asking(followed, known), *outgoing.threads(followed)),
        tells=(f"thread/{state.thread_id}",) if ends else (),
        **rest,
    )


def _asking(facts: Mapping[str, str | None], known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the threads that asked about what production runs, once that changes."""
    moved = [name.removeprefix("running/") for name in facts if name.startswith("running/")]
    told = (json.loads(asked(known, service) or "{}") for service in moved)
    threads = [each.get("thread") for each in told]
    threads += lanes.asking(known, moved)
    return tuple(dict.fromkeys(thread for thread in threads if thread))


def asked(facts: Mapping[str, str], service: str) -> str | None:
    """Return what was last asked about a service; once it was one fact for all of them."""
    return facts.get(f"{ASKED}/{service}", facts.get(ASKED))


def attempt_key(attempt_id: str) -> str:
    """Return how the index names the attempt: whoever hears of it finds its thread."""
    return f"{ATTEMPT}|{attempt_id}"


def production(facts: Mapping[str, str], service: str) -> str | None:
    """Return the full SHA that was last recorded as running in production, None if none was."""
    recorded = facts.get(f"running/{service}")
    return json.loads(recorded)["sha"] if recorded else None


def ran(facts: Mapping[str, str], job: str) -> str | None:
    """Return the full SHA that a job last succeeded for in production, None if it never did."""
    recorded = facts.get(f"ran/{job}")
    return json.loads(recorded)["sha"] if recorded else None


def hold(facts: Mapping[str, str], service: str) -> str | None:
    """Return the bad SHA for which a service is on hold, None if it is not."""
    recorded = facts.get(f"hold/{service}")
    return json.loads(recorded)["bad_sha"] if recorded else None


def holder(facts: Mapping[str, str], service: str) -> str:
    """Return the thread of the rollback that put a service on hold, "" if none did."""
    recorded = facts.get(f"hold/{service}")
    return str(json.loads(recorded).get("thread", "")) if recorded else ""


def running(
    facts: Mapping[str, str],
    service: str,
    current: str | None,
    blocks: tuple[ev.Block, ...] = (),
) -> Running:
    """Say what runs in production: the record, else what the deployer says, else unknown."""
    sha = production(facts, service)
    source = "recorded" if sha else "deployer" if current else "unknown"
    return Running(
        service=service,
        sha=sha or current,
        source=source,
        verified_sha=facts.get(f"verified/{service}"),
        hold=hold(facts, service),
        blocks=blocks,
    )


def staged(history: Sequence[str]) -> list[Commit]:
    """Return the commits that passed staging, or whose red tests were overridden, newest first."""
    passed = (json.loads(line) for line in history)
    commits = (
        Commit(sha=e["sha"], title=e.get("title", ""))
        for e in passed
        if e["kind"] in ("staged", "overridden")
    )
    return list({commit.sha: commit for commit in commits}.values())


def has_passed_staging(history: Sequence[str], sha: str) -> bool:
    """Tell whether a commit's tests were green on staging."""
    told = (json.loads(line) for line in history)
    return any(entry["kind"] == "staged" and entry["sha"] == sha for entry in told)
