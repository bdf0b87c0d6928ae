"""`deploybot audit`: whether a thread is as it was written, and who approved what it did."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.audit import Broken, Click, Effect, effects
from app.core.brought import named, strays
from app.core.errors import UserError
from app.core.events import Override
from app.core.events import UnknownEvent as Unknown
from app.core.ports import Look
from app.core.untrusted import one_line
from app.core.writing import exact_time
from app.parts import open_log
from app.redis import chain
from app.redis.chain import Stored
from app.redis.log import RedisLog
from app.redis.recent import UNREADABLE as NONE
from app.redis.recent import entry_of
from app.settings import load_settings

SOUND = "Nothing in the chain was changed, and every effect has its approvals."


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found: `breaks` of the chain, and `doubts`, of which it cannot tell."""

    thread_id: str
    lines: Sequence[str]
    end: str
    breaks: Sequence[str]
    doubts: Sequence[str]
    effects: Sequence[Effect]

    @property
    def verdict(self) -> str:
        """Return what it comes to."""
        if self.breaks or any(effect.problems for effect in self.effects):
            return "NOT SOUND: see above."
        if self.doubts:
            return "CANNOT TELL: see above."
        return SOUND


async def audit(thread_id: str, *, as_json: bool) -> int:
    """Print what is found; the exit code is 1 if something was changed or is in doubt."""
    async with open_log(load_settings(), is_there=True) as log:
        seen = await log.look(thread_id)
        stored = await log.stored(thread_id)
        records = [*_strays(thread_id, seen), *await _lost(log, seen.facts)]
    if not stored.lines and stored.head is None and not stored.listed:
        raise UserError(f"There is no thread {thread_id!r}. `deploybot threads list` lists them.")
    report = examine(stored, records)
    text = json.dumps(_exported(report), indent=2) if as_json else "\n".join(_told(report))
    sys.stdout.write(f"{text}\n")
    return 0 if report.verdict == SOUND else 1


def _strays(thread_id: str, seen: Look) -> list[str]:
    """Say which facts name this thread and are not what it wrote."""
    return [
        f"The record {_name(fact)} names this thread, and is not what its events say."
        for fact in strays(thread_id, seen.entries, seen.facts)
    ]


async def _lost(log: RedisLog, facts: Mapping[str, str]) -> list[str]:
    """Say which facts name no thread that is stored, as each did when it was written."""
    found: list[str] = []
    for fact, thread in sorted(named(facts).items()):
        if thread is None:
            found.append(f"The record {_name(fact)} names no thread: it was changed.")
        elif not (await log.stored(thread)).listed:
            found.append(f"The record {_name(fact)} names {_name(thread)}, which is not stored.")
    return found


def _name(text: str) -> str:
    return repr(one_line(text)[:80])


def examine(stored: Stored, records: Sequence[str]) -> Report:
    """Verify the chain of a thread's lines, and trace its effects as far as they can be read.

    `records` says what is wrong with the repository's facts, a sentence each.
    """
    checked = chain.check(stored)
    entries = [entry_of(line) for line in stored.lines]
    unread = [(n, e.event.type) for n, e in enumerate(entries, 1) if isinstance(e.event, Unknown)]
    breaks = [*checked.breaks, *(f"Line {n} is no event." for n, kind in unread if kind == NONE)]
    breaks += records
    doubts = [f"Line {n} was written without a link: who wrote it?" for n in checked.unlinked]
    doubts += [
        f"Line {n} is {one_line(kind)[:60]!r}, of a version that is not this one."
        for n, kind in unread
        if kind != NONE
    ]
    return Report(stored.thread_id, stored.lines, checked.end, breaks, doubts, effects(entries))


def _told(report: Report) -> Iterator[str]:
    yield f"{report.thread_id}: {len(report.lines)} events, the chain ends with {report.end}"
    for effect in report.effects:
        yield from _effect(effect)
    yield from report.breaks
    yield from report.doubts
    yield report.verdict


def _effect(effect: Effect) -> Iterator[str]:
    attempt = effect.attempt
    what = f"{attempt.kind} {attempt.service} {attempt.sha}"
    yield f"{exact_time(effect.started_at)}  {one_line(what)}: {effect.outcome}"
    yield f"    attempt {attempt.attempt_id}, by deployer {one_line(attempt.deployer)}"
    if effect.withheld:
        yield "    nothing was sent: the look right before refused it"
    if override := effect.override:
        yield f"    RED TESTS OVERRIDDEN by {override.user} {exact_time(override.at)}"
        yield f"        {one_line(override.reason)} (failing: {_names(override)})"
    for click in effect.approvals:
        yield f"    approved by {_click(click)}"
    if effect.glass:
        lifted = ", ".join(effect.glass.lifts)
        yield f"    GLASS BROKEN by {_click(effect.glass.click)}"
        yield f"        lifted {lifted}: {one_line(effect.glass.reason)}"
    if effect.stated:
        yield f"    outcome stated by {_click(effect.stated)}"
    for problem in effect.problems:
        yield f"    PROBLEM: {one_line(problem)}"


def _click(click: Click) -> str:
    way = f", on the command line with token {one_line(click.token)}" if click.token else ""
    named = f"{one_line(click.user)}, {exact_time(click.at)}"
    return f"{named}, of {click.spec_hash or 'no hash'}{way}"


def _exported(report: Report) -> dict[str, Any]:
    """Return everything as plain data; `lines` are as they are stored, for other verifiers."""
    return {
        "thread": report.thread_id,
        "sound": report.verdict == SOUND,
        "end": report.end,
        "breaks": list(report.breaks),
        "doubts": list(report.doubts),
        "effects": [_exported_effect(effect) for effect in report.effects],
        "lines": list(report.lines),
    }


def _exported_effect(effect: Effect) -> dict[str, Any]:
    return {
        **effect.attempt.model_dump(mode="json"),
        "started_at": effect.started_at,
        "ended_at": effect.ended_at,
        "outcome": effect.outcome,
        "withheld": effect.withheld,
        "approvals": [_exported_click(click) for click in effect.approvals],
        "glass": _exported_glass(effect.glass) if effect.glass else None,
        "override": effect.override.model_dump() if effect.override else None,
        "stated": _exported_click(effect.stated) if effect.stated else None,
        "problems": effect.problems,
    }


def _names(override: Override) -> str:
    return ", ".join(map(one_line, override.failing_tests)) or "not named"


def _exported_glass(broken: Broken) -> dict[str, Any]:
    told = {"reason": broken.reason, "lifts": list(broken.lifts)}
    return {**_exported_click(broken.click), **told}


def _exported_click(click: Click) -> dict[str, Any]:
    told = {"user": click.user, "at": click.at, "spec_hash": click.spec_hash}
    return {**told, "token": click.token} if click.token else told
