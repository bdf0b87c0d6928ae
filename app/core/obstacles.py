"""Answers what keeps services as they are, from facts and threads; no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.core import asked
from app.core.answers import SHOWN, Answer
from app.core.config import RepoConfig
from app.core.events import Line, Piece, Running
from app.core.happened import place
from app.core.locks import Lock
from app.core.pieces import text, thread, time, user
from app.core.state import State
from app.core.what_waits import card_of, run_of, whose
from app.core.writing import short


@dataclass(frozen=True, slots=True)
class Seen:
    """What can keep services as they are.

    `locked` has each person's lock and where its thread is, `using` the thread that has a service's
    target to itself, `held` where the thread of the rollback is that put a service on hold;
    `threads` are the newest ones, the newest first.
    """

    running: Sequence[Running]
    locked: Mapping[str, tuple[Lock, str]]
    using: Mapping[str, State]
    threads: Sequence[State]
    held: Mapping[str, str] = field(default_factory=dict[str, str])


# What keeps services as they are.


def blocked(repo: RepoConfig, seen: Seen, services: Sequence[str]) -> Answer:
    """Say what keeps services as they are, and which cards for them wait for approval."""
    lines: list[Line] = []
    for service in services:
        lines += [_lock(*seen.locked[service])] if service in seen.locked else []
        lines += [line for r in seen.running if r.service == service for line in _kept(r, seen)]
        lines += [_in_use(repo, service, seen.using[service])] if service in seen.using else []
    users = {state.thread_id for state in seen.using.values()}
    others = (state for state in reversed(seen.threads) if state.thread_id not in users)
    cards = [line for state in others for line in _asks(repo, state, services)]
    title = "Blocked:" if lines else _free(services)
    told = (*lines, *cards)
    return Answer(title, told[:SHOWN], max(0, len(told) - SHOWN))


def _free(services: Sequence[str]) -> str:
    it = "it" if len(services) == 1 else "them"
    nothing = "no lock, no freeze, no hold, and no deploy is using"
    return f"Nothing blocks {' or '.join(services)}: {nothing} {it}."


def _kept(running: Running, seen: Seen) -> list[Line]:
    frozen = (block for block in running.blocks if not block.user)
    lines = [_freeze(running, block.reason, block.until) for block in frozen]
    if running.hold is not None:
        told = f"{running.service}: on hold since {short(running.hold)} was rolled back; "
        released = "a newer change has to pass staging, then an approver releases it on its card"
        where = thread(seen.held.get(running.service, ""))
        lines.append((text(f"{told}{released}"), *where))
    return lines


def _lock(lock: Lock, where: str) -> Line:
    block = lock.block
    line = [text(f"{block.service}: locked by "), user(block.user)]
    line += [text(" since "), time(block.since), *_until(block.until)]
    return (*line, *([text(f": {block.reason}")] if block.reason else []), *thread(where))


def _freeze(running: Running, reason: str, until: int | None) -> Line:
    return (text(f"{running.service}: frozen"), *_until(until), text(f": {reason}"))


def _until(ms: int | None) -> list[Piece]:
    return [] if ms is None else [text(" until "), time(ms)]


# A thread that has a service to itself.


def _in_use(repo: RepoConfig, service: str, state: State) -> Line:
    start = text(f"{service}: in use by ")
    return (start, *whose(state), *_doing(repo, state), *thread(place(state)))


def _doing(repo: RepoConfig, state: State) -> list[Piece]:
    """Say what a thread does with what it has, or what it waits for from whom."""
    run, card = state.running, state.pending
    if state.unknown:
        service = state.unknown.attempt.service
        return [text(f": somebody has to say there whether {service} was changed")]
    if run:
        return [text(f", {run_of(run)} since "), time(run.started_at)]
    red = ", whose production e2e tests are red" if state.red else ""
    if card:
        told = [text(f"{red}; there "), *card_of(card)]
        return [*told, text(f": {asked.who_may(repo, card)}")]
    if state.red and not state.effects:
        return [text(f"{red}: say there what is to happen")]
    if state.question:
        return [text(", which waits for an answer since "), time(state.question.at)]
    return []


def _asks(repo: RepoConfig, state: State, services: Sequence[str]) -> list[Line]:
    """Say of a card for one of the services that it waits, and who may approve it."""
    card = state.pending
    if card is None or not any(spec.service in services for spec in card.request.specs):
        return []
    who = text(f": {asked.who_may(repo, card)}")
    return [(*card_of(card), who, *thread(place(state)))]
