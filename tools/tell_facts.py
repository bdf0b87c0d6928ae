"""tell_facts: answer what people ask about the day from records, with links that code writes."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from app.core import (
    answers,
    days,
    lanes,
    ledger,
    locks,
    obstacles,
    what_waits,
    where_now,
    who_approves,
)
from app.core.answers import Answer
from app.core.config import RepoConfig
from app.core.events import AnswerTold, Event, Running
from app.core.fold import fold
from app.core.happened import Record, place, records, under_way
from app.core.ledger import PULL
from app.core.obstacles import Seen
from app.core.ports import HISTORY_KEPT
from app.core.rules.production import target_lock
from app.core.state import State
from app.core.what_waits import THREADS
from app.core.where_now import Now
from tools.order import contains
from tools.tool import Arguments, Desk, Tool, ToolError, known_sha

About = Literal[
    "production",
    "went_out",
    "last_approval",
    "commit",
    "waiting",
    "approvers",
    "blocked",
    "thread",
]
_PULL = re.compile(r"#?(\d{1,9})")


class TellArguments(Arguments):
    about: About = Field(
        description="production: what runs. went_out: what production got on a day. last_approval: "
        "who approved last. commit: when a SHA went out. waiting: what waits for people, for "
        "a lock, for staging and in which order, what is red or expired. approvers: who can "
        "approve the cards that wait, in all threads. blocked: "
        "who locked or froze a service, why it is on hold, which deploy uses it, whose card waits. "
        "thread: what happens in this thread or with a pull request, why, what it waits for, and "
        "whether it is on production."
    )
    of: str = Field(
        description=f"went_out: {days.FORM}. commit: its SHA. thread: a pull request like #42, "
        "empty for this thread. Else a service, empty for all.",
        max_length=200,
    )


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    description = (
        "Answer a person's question about production, a day, an approval, a commit, what waits or "
        "what is blocked: code writes the whole answer, with links. It answers like reply does."
    )
    return [Tool("tell_facts", description, TellArguments, _tell, when="answering", settles=False)]


async def _tell(desk: Desk, arguments: TellArguments) -> Sequence[Event]:
    answer = await _answer(desk, arguments.about, arguments.of.strip())
    told = AnswerTold(call_id=desk.call_id, title=answer.title, lines=answer.lines, cut=answer.cut)
    return [told]


async def _answer(desk: Desk, about: About, of: str) -> Answer:
    match about:
        case "production":
            return answers.on_production(_running(desk, of), await _records(desk))
        case "went_out":
            span = days.span(of or "today", desk.repo.zone, desk.now)
            if span is None:
                raise ToolError(f"{of[:60]!r} is no day; there are: {days.FORM}")
            return answers.went_out(await _records(desk), span)
        case "last_approval":
            services = _services(desk, of)
            recorded = [*under_way(desk.state), *await _records(desk)]
            return answers.last_approval(recorded, services[0] if of else "")
        case "commit":
            sha = known_sha(desk.state, of)
            return answers.of_commit(sha, await _records(desk), _running(desk, ""))
        case "approvers":
            threads = await _under_way(desk, desk.facts)
            return who_approves.told(desk.repo, threads, _services(desk, of))
        case "waiting":
            facts = await desk.log.facts(desk.repo.name)
            threads = await _under_way(desk, facts)
            return what_waits.waiting(desk.repo, threads, facts, desk.now)
        case "thread":
            return await _where(desk, of)
        case "blocked":
            return await _blocked(desk, of)


async def _records(desk: Desk) -> list[Record]:
    return records(await desk.log.history(desk.repo.name, HISTORY_KEPT))


def _services(desk: Desk, of: str) -> tuple[str, ...]:
    services = tuple(desk.repo.production.services)
    if of and of not in services:
        raise ToolError(f"{of[:60]!r} is no service; there are: {', '.join(services)}")
    return (of,) if of else services


def _running(desk: Desk, of: str) -> list[Running]:
    services = _services(desk, of)
    facts = desk.state.facts.running if desk.state.facts else ()
    return [running for running in facts if running.service in services]


async def _threads(desk: Desk) -> list[State]:
    ids = await desk.log.threads(desk.repo.name, THREADS)
    return [fold(await desk.log.read(thread_id)) for thread_id in ids]


async def _under_way(desk: Desk, facts: Mapping[str, str]) -> list[State]:
    """Return the newest threads, and older ones whose merge is under way, the newest first."""
    newest = await desk.log.threads(desk.repo.name, THREADS)
    return [fold(await desk.log.read(id_)) for id_ in what_waits.to_read(newest, facts)]


async def _where(desk: Desk, of: str) -> Answer:
    if not of and what_waits.only_opened(desk.state):
        return await _answer(desk, "waiting", "")
    facts = await desk.log.facts(desk.repo.name)
    state = ships = await _of_pull(desk, of) if of else desk.state
    while ships.joined:
        ships = fold(await desk.log.read(ships.joined.into.thread_id))
    return where_now.where(desk.repo, state, ships, facts, desk.now, await _now(desk, state))


async def _now(desk: Desk, state: State) -> Now:
    """Return what production runs, and where that has a thread's merge."""
    runs = {running.service: running.sha for running in _running(desk, "")}
    shas = {sha for sha in runs.values() if sha} if lanes.merge_of(state) else set[str]()
    having = {sha for sha in shas if await contains(desk, sha, state.sha or "")}
    return Now(runs, [service for service, sha in runs.items() if sha in having])


async def _of_pull(desk: Desk, of: str) -> State:
    """Return the newest thread of a pull request's merge, however old it is."""
    named = _PULL.fullmatch(of)
    if named is None:
        raise ToolError(f"{of[:60]!r} is no pull request; write it like #42")
    number = int(named[1])
    thread_id = await desk.log.find(desk.repo.name, PULL, str(number))
    if thread_id is None:  # a version that noted no numbers began it
        told = await _records(desk)
        thread_id = next((record.thread for record in told if record.pull == number), None)
    if thread_id is None:
        raise ToolError(
            f"no merge of #{number} into {desk.repo.branch} has reached me; "
            'ask "when did 1a2b3c4 go out?" with its commit, or "what is on production?"'
        )
    return fold(await desk.log.read(thread_id))


async def _blocked(desk: Desk, of: str) -> Answer:
    facts = await desk.log.facts(desk.repo.name)
    services = _services(desk, of)
    jobs = desk.repo.production.jobs.items()
    brought = (job for job, its in jobs if not of or its.before in services)
    locked_jobs = (job for job in brought if locks.lock_on(facts, job, desk.now))
    services = (*services, *locked_jobs)
    found = {service: locks.lock_on(facts, service, desk.now) for service in services}
    locked = {
        service: (lock, await _place(desk, lock.thread_id))
        for service, lock in found.items()
        if lock
    }
    in_use = await desk.log.locks(desk.repo.name)
    targets = {service: in_use.get(target_lock(service), "") for service in services}
    using = {
        s: fold(await desk.log.read(thread_id)) for s, thread_id in targets.items() if thread_id
    }
    holders = {service: ledger.holder(facts, service) for service in services}
    held = {service: await _place(desk, holder) for service, holder in holders.items() if holder}
    seen = Seen(_running(desk, of), locked, using, await _threads(desk), held)
    return obstacles.blocked(desk.repo, seen, services)


async def _place(desk: Desk, thread_id: str) -> str:
    return place(fold(await desk.log.read(thread_id)))
