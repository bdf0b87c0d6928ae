"""Answers to what people ask about the day, from facts alone: short lines with links; no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.days import Span
from app.core.events import Line, Piece, Running
from app.core.happened import Record, place
from app.core.locks import Lock
from app.core.ports import HISTORY_KEPT
from app.core.state import State
from app.core.writing import short

SHOWN = 20
_NOT_SO = {
    "failed": "failed",
    "cancelled": "was cancelled",
    "unknown": "nobody knows whether it happened",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence and its lines; `cut` of them are left out."""

    title: str
    lines: tuple[Line, ...] = ()
    cut: int = 0


def more_than(cut: int) -> str:
    """Say that lines are left out."""
    return f"… and {cut} more (cut)"


# What is there.


def on_production(running: Sequence[Running], records: Sequence[Record]) -> Answer:
    """Say what each service runs, since when, who approved it, and what keeps it as it is."""
    if not running:
        return Answer("I do not know what production runs.")
    return Answer("On production:", tuple(_runs(service, records) for service in running))


def _runs(running: Running, records: Sequence[Record]) -> Line:
    if running.sha is None:
        return (_text(f"{running.service}: nobody knows what it runs"),)
    line = [_text(f"{running.service} "), _sha(running.sha)]
    brought = next((r for r in _succeeded(records) if _is(r, running)), None)
    if brought:
        line += [*_change(brought), _text(" · since "), _time(brought.at), *_approved(brought)]
    elif running.source == "deployer":
        line.append(_text(" · says the target; I did not bring it there"))
    if running.verified_sha == running.sha:
        line.append(_text(" · e2e tests green"))
    if running.hold is not None:
        line.append(_text(f" · on hold since {short(running.hold)} was rolled back"))
    line += [_text(" · locked" if block.user else " · frozen") for block in running.blocks]
    return (*line, *(_thread(brought.message) if brought else ()))


def _is(record: Record, running: Running) -> bool:
    return (record.service, record.sha) == (running.service, running.sha)


def _succeeded(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.outcome == "succeeded"]


# What happened.


def went_out(records: Sequence[Record], span: Span) -> Answer:
    """Say what production got in a span of time, oldest first."""
    effects = [r for r in records if r.is_effect and span.begin <= r.at < span.end]
    short_of = _reach(records, span)
    if not effects:
        return Answer(f"Nothing went out {span.named}.", short_of)
    title = f"Went out {span.named}: {len(_succeeded(effects))}"
    shown = effects[:SHOWN][::-1]
    return Answer(title, (*short_of, *map(_effect, shown)), len(effects) - len(shown))


def _reach(records: Sequence[Record], span: Span) -> tuple[Line, ...]:
    """Say so where the history, of which the newest lines are kept, reaches less far back."""
    if len(records) < HISTORY_KEPT or records[-1].at <= span.begin:
        return ()
    return ((_text("My record reaches back to "), _time(records[-1].at), _text(", no further.")),)


def last_approval(records: Sequence[Record], service: str = "") -> Answer:
    """Say who approved what production got, or was to get, last."""
    approved = (r for r in records if r.approved_by and service in ("", r.service))
    newest = next(approved, None)
    if newest is None:
        of = f" of {service}" if service else ""
        return Answer(f"I have no record of anything{of} that was approved.")
    return Answer("Approved last:", (_effect(newest),))


def of_commit(sha: str, records: Sequence[Record], running: Sequence[Running]) -> Answer:
    """Say when a commit passed staging and went to production, and where it runs now."""
    found = [record for record in records if record.sha == sha and record.kind in _TOLD]
    there = [service.service for service in running if service.sha == sha]
    if not any(record.outcome == "succeeded" for record in found):
        title = f"{short(sha)} has not gone to production by itself, as far as I know."
        if there:
            title = (
                f"{short(sha)} runs on production: {', '.join(there)}. I did not bring it there."
            )
    else:
        now = f"it runs there now: {', '.join(there)}" if there else "nothing runs it now"
        title = f"{short(sha)} went to production; {now}."
    return Answer(title, tuple(map(_effect, found[:SHOWN][::-1])), max(0, len(found) - SHOWN))


_TOLD = frozenset({"deploy", "rollback", "staged"})


def _effect(record: Record) -> Line:
    if not record.is_effect:
        what = [_sha(record.sha), *_change(record), _text(" passed staging")]
        return (_time(record.at), _text(" · "), *what, *_thread(record.message))
    back = " rolled back to" if record.kind == "rollback" else ""
    line = [_time(record.at), _text(f" · {record.service}{back} "), _sha(record.sha)]
    line += _change(record)
    if record.outcome in _NOT_SO:
        line.append(_text(f" · {_NOT_SO[record.outcome]}"))
    elif not record.outcome:
        line.append(_text(" · under way"))
    return (*line, *_approved(record), *_thread(record.message))


# What is not done yet.


def waiting(threads: Sequence[State]) -> Answer:
    """Say what waits for people in the newest threads, the oldest first."""
    lines = [line for state in reversed(threads) for line in _waits(state)]
    if not lines:
        return Answer("Nothing waits for anybody.")
    return Answer("Waiting:", tuple(lines[:SHOWN]), max(0, len(lines) - SHOWN))


def _waits(state: State) -> list[Line]:
    link = _thread(place(state))
    card, run, question = state.pending, state.unknown, state.question
    if card:
        slowest = max(card.steps, key=card.missing)
        needed, missing = card.needed(slowest), card.missing(slowest)
        count = f" ({needed - missing} of {needed} approvals)" if needed > 1 else ""
        ways = {"deploy": "deploy", "job": "run"}
        told = [f"{ways.get(s.kind, 'roll back')} {s.service}" for s in card.request.specs]
        what = (_text(f"{', '.join(told)} "), _sha(card.request.spec.sha))
        return [(*what, _text(f" waits for approval{count} since "), _time(card.at), *link)]
    if run:
        told = f"{run.attempt.service}: somebody has to say whether it happened, since "
        return [(_text(told), _time(run.ended_at or run.started_at), *link)]
    if question:
        return [(_text(f"a question: {question.text} · since "), _time(question.at), *link)]
    return []


def blocked(
    running: Sequence[Running], locked: Mapping[str, tuple[Lock, str]], services: Sequence[str]
) -> Answer:
    """Say what keeps services as they are; `locked` has each lock and where its thread is."""
    lines: list[Line] = []
    for each in (r for r in running if r.service in services):
        lines += [_lock(*locked[each.service])] if each.service in locked else []
        lines += [
            _freeze(each, block.reason, block.until) for block in each.blocks if not block.user
        ]
        if each.hold is not None:
            told = f"{each.service}: on hold since {short(each.hold)} was rolled back; "
            released = (
                "a newer change has to pass staging, then an approver releases it on its card"
            )
            lines.append((_text(f"{told}{released}"),))
    names = " or ".join(services)
    if not lines:
        return Answer(f"Nobody has locked {names}: no freeze, and no hold.")
    return Answer("Blocked:", tuple(lines))


def _lock(lock: Lock, where: str) -> Line:
    block = lock.block
    line = [_text(f"{block.service}: locked by "), Piece(text=block.user, kind="user")]
    line += [_text(" since "), _time(block.since), *_until(block.until)]
    return (*line, *([_text(f": {block.reason}")] if block.reason else []), *_thread(where))


def _freeze(running: Running, reason: str, until: int | None) -> Line:
    return (_text(f"{running.service}: frozen"), *_until(until), _text(f": {reason}"))


# Pieces.


def _until(ms: int | None) -> list[Piece]:
    return [] if ms is None else [_text(" until "), _time(ms)]


def _text(text: str) -> Piece:
    return Piece(text=text)


def _sha(sha: str) -> Piece:
    return Piece(text=short(sha), kind="code")


def _time(ms: int) -> Piece:
    return Piece(text=str(ms), kind="time")


def _change(record: Record) -> list[Piece]:
    """Name the pull request by a link, else the commit's title."""
    by = f" by {record.author}" if record.author else ""
    if record.pull:
        link = Piece(text=f"#{record.pull}", kind="link", to=record.url)
        return [_text(" · "), link, _text(f" {record.title}{by}")]
    return [_text(f" · {record.title}")] if record.title else []


def _approved(record: Record) -> list[Piece]:
    who = [Piece(text=user, kind="user") for user in record.approved_by]
    parts = [part for user in who for part in (_text(", "), user)][1:]
    return [_text(" · approved by "), *parts] if who else []


def _thread(message: str) -> list[Piece]:
    return [_text(" · "), Piece(text="thread", kind="message", to=message)] if message else []
