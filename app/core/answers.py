"""Answers to what people ask about the day, from facts alone: short lines with links; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from app.core.days import Span
from app.core.events import Line, Piece, Running
from app.core.happened import Record
from app.core.pieces import broken, sha_of, text, thread, time
from app.core.ports import HISTORY_KEPT
from app.core.writing import short

SHOWN = 20
RIDERS_SHOWN = 5
_NOT_SO = {
    "failed": ("❌ ", " failed"),
    "cancelled": ("⏹️ ", " was cancelled"),
    "unknown": ("❓ ", ": nobody knows whether it happened"),
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
    short_of = _reach(records, span.begin)
    if not effects:
        return Answer(f"Nothing went out {span.named}.", short_of)
    out = len(_succeeded(effects))
    title = f"Went out {span.named}: {out}" if out else f"{_nothing(effects)} {span.named}. Tried:"
    shown, back = effects[:SHOWN][::-1], _taken_back(records)
    told = [(*_effect(each), *back.get(id(each), ())) for each in shown]
    return Answer(title, (*short_of, *told), len(effects) - len(shown))


def _taken_back(records: Sequence[Record]) -> dict[int, Line]:
    """Say of each deploy, by its id(), when it was rolled back first; of what stayed, nothing.

    A rollback takes out all that came since its version ran, which may be before the record began.
    """
    found: dict[int, Line] = {}
    moved = _succeeded(records)
    for at, back in enumerate(moved):
        if back.kind != "rollback":
            continue
        older = (record for record in moved[at + 1 :] if record.service == back.service)
        for record in takewhile(lambda each, to=back.sha: each.sha != to, older):
            found[id(record)] = (text(" · ↩️ rolled back "), time(back.at))
    return found


def _nothing(effects: Sequence[Record]) -> str:
    unsure = any(record.outcome == "unknown" for record in effects)
    return "Nothing is known to have gone out" if unsure else "Nothing went out"


def _reach(records: Sequence[Record], begin: int = 0) -> tuple[Line, ...]:
    """Say so where the history, of which the newest lines are kept, reaches less far back."""
    if len(records) < HISTORY_KEPT or records[-1].at <= begin:
        return ()
    return ((text("My record reaches back to "), time(records[-1].at), text(", no further.")),)


def last_approval(records: Sequence[Record], service: str = "") -> Answer:
    """Say who approved what production got, or was to get, last."""
    decided = (r for r in records if r.approved_by or r.glass)
    approved = (r for r in decided if service in ("", r.service))
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
    lines = tuple(map(_effect, found[:SHOWN][::-1])) if found else _reach(records)
    return Answer(title, lines, max(0, len(found) - SHOWN))


_TOLD = frozenset({"deploy", "rollback", "staged"})


def _effect(record: Record) -> Line:
    if not record.is_effect:
        what = [sha_of(record.sha), *_change(record), text(" passed staging")]
        return (time(record.at), text(" · "), *what, *thread(record.message))
    back = " rolled back to" if record.kind == "rollback" else ""
    mark, not_so = _NOT_SO.get(record.outcome, ("", ""))
    line = [time(record.at), text(f" · {mark}{record.service}{back} "), sha_of(record.sha)]
    if not_so:
        line.append(text(not_so))
    line += _change(record)
    if not record.outcome:
        line.append(text(" · under way"))
    return (*line, *_approved(record), *thread(record.message))


def _change(record: Record) -> list[Piece]:
    """Name the pull request by a link, else the commit's title, and what rode along."""
    if not record.pull:
        title = [text(f" · {record.title}")] if record.title else []
        return [*title, *_riders(record)]
    pull = _pull(record.pull, record.url, record.title, record.author)
    return [text(" · "), *pull, *_riders(record)]


def _pull(number: int, url: str, title: str, author: str) -> list[Piece]:
    words = " ".join(filter(None, [title, f"by {author}" if author else ""]))
    link = Piece(text=f"#{number}", kind="link", to=url)
    return [link, text(f" {words}")] if words else [link]


def _riders(record: Record) -> list[Piece]:
    shown = record.riders[:RIDERS_SHOWN]
    more = record.riders_total - len(shown)
    each = [[text(", "), *_pull(r.number, r.url, "", r.author)] for r in shown]
    named = [piece for rider in each for piece in rider][1:]
    rest = [text(f" and {more} more")] if more > 0 else []
    verb = " · took out " if record.kind == "rollback" else " · with "
    return [text(verb), *named, *rest] if shown else []


def _approved(record: Record) -> list[Piece]:
    """Say who approved it, and who had it happen past the rules and why."""
    named = [(user, record.names.get(user, "")) for user in record.approved_by]
    who = [Piece(text=user, kind="user", to=name) for user, name in named]
    parts = [part for user in who for part in (text(", "), user)][1:]
    approved = [text(" · approved by "), *parts] if who else []
    return [*approved, *broken(record.glass, record.reason)]
