"""Answers to what people ask about the day, from facts alone: short lines with links; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.days import Span
from app.core.events import Line, Piece, Running
from app.core.happened import Record
from app.core.pieces import sha_of, text, thread, time
from app.core.ports import HISTORY_KEPT
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
        return (text(f"{running.service}: nobody knows what it runs"),)
    line = [text(f"{running.service} "), sha_of(running.sha)]
    brought = next((r for r in _succeeded(records) if _is(r, running)), None)
    if brought:
        line += [*_change(brought), text(" · since "), time(brought.at), *_approved(brought)]
    elif running.source == "deployer":
        line.append(text(" · says the target; I did not bring it there"))
    if running.verified_sha == running.sha:
        line.append(text(" · e2e tests green"))
    if running.hold is not None:
        line.append(text(f" · on hold since {short(running.hold)} was rolled back"))
    line += [text(" · locked" if block.user else " · frozen") for block in running.blocks]
    return (*line, *(thread(brought.message) if brought else ()))


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
    return ((text("My record reaches back to "), time(records[-1].at), text(", no further.")),)


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
        what = [sha_of(record.sha), *_change(record), text(" passed staging")]
        return (time(record.at), text(" · "), *what, *thread(record.message))
    back = " rolled back to" if record.kind == "rollback" else ""
    line = [time(record.at), text(f" · {record.service}{back} "), sha_of(record.sha)]
    line += _change(record)
    if record.outcome in _NOT_SO:
        line.append(text(f" · {_NOT_SO[record.outcome]}"))
    elif not record.outcome:
        line.append(text(" · under way"))
    return (*line, *_approved(record), *thread(record.message))


def _change(record: Record) -> list[Piece]:
    """Name the pull request by a link, else the commit's title."""
    by = f" by {record.author}" if record.author else ""
    if record.pull:
        link = Piece(text=f"#{record.pull}", kind="link", to=record.url)
        return [text(" · "), link, text(f" {record.title}{by}")]
    return [text(f" · {record.title}")] if record.title else []


def _approved(record: Record) -> list[Piece]:
    who = [Piece(text=user, kind="user") for user in record.approved_by]
    parts = [part for user in who for part in (text(", "), user)][1:]
    return [text(" · approved by "), *parts] if who else []
