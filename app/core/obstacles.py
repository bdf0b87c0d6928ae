"""Answers about what is not done yet: what waits, and what keeps services as they are; no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core import asked
from app.core.answers import SHOWN, Answer
from app.core.config import RepoConfig
from app.core.events import Line, Piece, Running
from app.core.happened import place
from app.core.lanes import merge_of
from app.core.locks import Lock
from app.core.pieces import merge, sha_of, text, thread, time, user
from app.core.records import Card, Run
from app.core.state import State
from app.core.writing import short

_WAYS = {"deploy": "deploy", "job": "run"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What can keep services as they are.

    `locked` has each person's lock and where its thread is, `using` the thread that has a service's
    target to itself; `threads` are the newest ones, the newest first.
    """

    running: Sequence[Running]
    locked: Mapping[str, tuple[Lock, str]]
    using: Mapping[str, State]
    threads: Sequence[State]


# What waits.


def waiting(threads: Sequence[State]) -> Answer:
    """Say what runs on production, and what waits in the newest threads, the oldest first."""
    runs = [line for state in reversed(threads) for line in _under_way(state)]
    waits = [line for state in reversed(threads) for line in _waits(state)]
    lines = runs + waits
    if not lines:
        return Answer("Nothing waits for anybody.")
    title = "Under way, and waiting:" if runs else "Waiting:"
    if not waits:
        title = "Nothing waits for anybody. Under way:"
    return Answer(title, tuple(lines[:SHOWN]), max(0, len(lines) - SHOWN))


def _under_way(state: State) -> list[Line]:
    """Say what a thread does to production now, since when and approved by whom."""
    run = state.running
    if run is None or run.attempt.environment != "production":
        return []
    asked = state.asked(run.call_id)
    by = asked.card.approvals_of(asked.step) if asked else []
    who = [part for given in by for part in (text(", "), user(given.user))][1:]
    approved = [text(", approved by "), *who] if who else []
    told = [*_whose(state), text(f", {_runs(run)} since "), time(run.started_at), *approved]
    return [(*told, *thread(place(state)))]


def _waits(state: State) -> list[Line]:
    link = thread(place(state))
    card, run, question = state.pending, state.unknown, state.question
    if card:
        return [(*_card(card), *link)]
    if run:
        told = f"{run.attempt.service}: somebody has to say whether it happened, since "
        return [(text(told), time(run.ended_at or run.started_at), *link)]
    if question:
        return [(text(f"a question: {question.text} · since "), time(question.at), *link)]
    if state.approved and (told := _held_up(state)):
        return [(*_what(state.approved), text(" is approved, and waits "), *told, *link)]
    return []


def _card(card: Card) -> Line:
    slowest = max(card.steps, key=card.missing)
    needed, missing = card.needed(slowest), card.missing(slowest)
    count = f" ({needed - missing} of {needed} approvals)" if needed > 1 else ""
    return (*_what(card), text(f" waits for approval{count} since "), time(card.at))


def _what(card: Card) -> Line:
    told = [f"{_WAYS.get(s.kind, 'roll back')} {s.service}" for s in card.request.specs]
    return (text(f"{', '.join(told)} "), sha_of(card.request.spec.sha))


def _held_up(state: State) -> list[Piece]:
    """Say what an approved action waits for; nothing if it is about to go on."""
    lock, block = state.waits_for_lock, state.waits_for_block
    if lock:
        by = merge(lock.merge) if lock.merge else [text("another thread")]
        return [text(f"for {lock.target}, in use by "), *by]
    if block:
        return [text(f"until {block.service} is no longer {'locked' if block.user else 'frozen'}")]
    return [text("for GitHub")] if state.waits_for_source else []


# What keeps services as they are.


def blocked(repo: RepoConfig, seen: Seen, services: Sequence[str]) -> Answer:
    """Say what keeps services as they are, and which cards for them wait for approval."""
    lines: list[Line] = []
    for service in services:
        lines += [_lock(*seen.locked[service])] if service in seen.locked else []
        lines += [line for r in seen.running if r.service == service for line in _kept(r)]
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


def _kept(running: Running) -> list[Line]:
    frozen = (block for block in running.blocks if not block.user)
    lines = [_freeze(running, block.reason, block.until) for block in frozen]
    if running.hold is not None:
        told = f"{running.service}: on hold since {short(running.hold)} was rolled back; "
        released = "a newer change has to pass staging, then an approver releases it on its card"
        lines.append((text(f"{told}{released}"),))
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
    return (start, *_whose(state), *_doing(repo, state), *thread(place(state)))


def _whose(state: State) -> list[Piece]:
    pull = merge_of(state)
    if pull:
        return merge(pull)
    asked_by = [text(" of "), user(state.asked_by)] if state.asked_by else []
    return [text("a thread"), *asked_by]


def _doing(repo: RepoConfig, state: State) -> list[Piece]:
    """Say what a thread does with what it has, or what it waits for from whom."""
    run, card, check = state.running, state.pending, state.verification
    if state.unknown:
        service = state.unknown.attempt.service
        return [text(f": somebody has to say there whether {service} was changed")]
    if run:
        return [text(f", {_runs(run)} since "), time(run.started_at)]
    is_red = check is not None and check.passed is False
    red = ", whose production e2e tests are red" if is_red else ""
    if card:
        told = [text(f"{red}; there "), *_card(card)]
        return [*told, text(f": {asked.who_may(repo, card)}")]
    if is_red:
        return [text(f"{red}: say there what is to happen")]
    if state.question:
        return [text(", which waits for an answer since "), time(state.question.at)]
    return []


def _runs(run: Run) -> str:
    attempt = run.attempt
    if attempt.kind == "e2e":
        return f"whose {attempt.environment} e2e tests run"
    return f"whose {attempt.kind} of {attempt.service} runs"


def _asks(repo: RepoConfig, state: State, services: Sequence[str]) -> list[Line]:
    """Say of a card for one of the services that it waits, and who may approve it."""
    card = state.pending
    if card is None or not any(spec.service in services for spec in card.request.specs):
        return []
    who = text(f": {asked.who_may(repo, card)}")
    return [(*_card(card), who, *thread(place(state)))]
