"""`deploybot audit`: whether a thread is as it was written, and who approved what it did."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.audit import Click, Effect, effects
from app.core.errors import UserError
from app.core.untrusted import one_line
from app.core.writing import exact_time
from app.main import open_log
from app.redis import chain
from app.redis.recent import UNREADABLE, entry_of
from app.settings import load_settings


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found; `breaks` are the chain's, `unlinked` the lines before it began."""

    thread_id: str
    lines: Sequence[str]
    end: str
    unlinked: int
    breaks: Sequence[str]
    effects: Sequence[Effect]

    @property
    def sound(self) -> bool:
        """Tell whether nothing was changed and every effect has its approval."""
        return not self.breaks and not any(effect.problems for effect in self.effects)


async def audit(thread_id: str, *, as_json: bool) -> int:
    """Print what is found; the exit code is 1 if a line was changed or an approval is missing."""
    async with open_log(load_settings()) as log:
        lines, head = await log.lines(thread_id)
    if not lines and head is None:
        raise UserError(f"There is no thread {thread_id!r}. `deploybot threads list` lists them.")
    report = examine(thread_id, lines, head)
    text = json.dumps(_exported(report), indent=2) if as_json else "\n".join(_told(report))
    sys.stdout.write(f"{text}\n")
    return 0 if report.sound else 1


def examine(thread_id: str, lines: Sequence[str], head: str | None) -> Report:
    """Verify the chain of a thread's lines, and trace its effects as far as they can be read."""
    checked = chain.check(thread_id, lines, head)
    entries = [entry_of(line) for line in lines]
    unreadable = (n for n, entry in enumerate(entries, 1) if entry.event.type == UNREADABLE)
    breaks = [*checked.breaks, *(f"Line {number} is no event." for number in unreadable)]
    return Report(thread_id, lines, checked.end, checked.unlinked, breaks, effects(entries))


def _told(report: Report) -> Iterator[str]:
    yield f"{report.thread_id}: {len(report.lines)} events, the chain ends with {report.end}"
    if report.unlinked:
        yield f"The first {report.unlinked} are older than the chain: nothing vouches for them."
    for effect in report.effects:
        yield from _effect(effect)
    yield from report.breaks
    sound = "Nothing in the chain was changed, and every effect was approved."
    yield sound if report.sound else "NOT SOUND: see above."


def _effect(effect: Effect) -> Iterator[str]:
    attempt = effect.attempt
    what = f"{attempt.kind} {attempt.service} {attempt.sha}"
    yield f"{exact_time(effect.started_at)}  {one_line(what)}: {effect.outcome}"
    yield f"    attempt {attempt.attempt_id}, by deployer {one_line(attempt.deployer)}"
    for click in effect.approvals:
        yield f"    approved by {_click(click)}"
    if effect.stated:
        yield f"    outcome stated by {_click(effect.stated)}"
    for problem in effect.problems:
        yield f"    PROBLEM: {one_line(problem)}"


def _click(click: Click) -> str:
    return f"{one_line(click.user)}, {exact_time(click.at)}, of {click.spec_hash or 'no hash'}"


def _exported(report: Report) -> dict[str, Any]:
    """Return everything as plain data; `lines` are as they are stored, for other verifiers."""
    return {
        "thread": report.thread_id,
        "sound": report.sound,
        "end": report.end,
        "unlinked": report.unlinked,
        "breaks": list(report.breaks),
        "effects": [_exported_effect(effect) for effect in report.effects],
        "lines": list(report.lines),
    }


def _exported_effect(effect: Effect) -> dict[str, Any]:
    return {
        **effect.attempt.model_dump(mode="json"),
        "started_at": effect.started_at,
        "ended_at": effect.ended_at,
        "outcome": effect.outcome,
        "approvals": [_exported_click(click) for click in effect.approvals],
        "stated": _exported_click(effect.stated) if effect.stated else None,
        "problems": effect.problems,
    }


def _exported_click(click: Click) -> dict[str, Any]:
    return {"user": click.user, "at": click.at, "spec_hash": click.spec_hash}
