"""A card after its decision, in a few lines that stay: who, when, why, and what came of it."""

from collections.abc import Mapping

from app.core import glass, lanes, locks, outgoing
from app.core.cards import Card
from app.core.events import LockWaited
from app.core.offered import can_ask_again
from app.core.records import Run
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import runs
from app.slack.messages.actions import approvals, title, trace, unknown_buttons, way
from app.slack.messages.glass import glass_button
from app.slack.messages.lanes import link
from app.slack.messages.outgoing import by_thread
from app.slack.messages.plan_progress import plan_progress
from app.slack.messages.shown import action
from app.slack.permalinks import permalink

WAITS = ("pending", "approved")


def settled_card(state: State, card: Card, now: int, facts: Mapping[str, str]) -> Message:
    """Render a card that no longer waits for approval; `facts` are the repository's."""
    if card.attempts and len(card.steps) > 1:
        return plan_progress(state, card, now, _waits(state, card, facts))
    run = state.runs_of(list(card.attempts.values()))
    if card.status == "approved" and run:
        return _run(state, card, run[0], now)
    mark, what = _ending(state, card, facts)
    given = [blocks.mrkdwn(said)] if card.status not in WAITS and (said := approvals(card)) else []
    parts: list[Block] = [title(mark, card), *(blocks.context(line) for line in (*given, *what))]
    offered = can_ask_again(state, card)
    if offered:
        value = f"{state.thread_id}:{card.request.call_id}"
        parts.append(blocks.actions([blocks.button("Ask again", "ask_again", value)]))
    if card.status == "approved" and glass.may_help(state, card, frozen=True):
        parts.append(blocks.actions([glass_button(state, card)]))
    passed = card.status in ("superseded", "stopped", "expired") and not offered
    ended = "went out" if outgoing.settled_by(state, card) else card.status
    return Message(f"{action(card.request.specs)}: {ended}", tuple(parts), passed=passed)


def _ending(state: State, card: Card, facts: Mapping[str, str]) -> tuple[str, list[Block]]:
    """Return the mark and the small print of a card that has no run."""
    by, at = text.user(card.decided_by), text.when(card.decided_at or card.at)
    match card.status:
        case "pending" | "approved":
            waits = _waits(state, card, facts) or "starting"
            return "⏳", [blocks.mrkdwn(f"{approvals(card)} · {waits} · {trace(card)}")]
        case "rejected":
            words = text.line(text.quoted(card.text), 1000)
            quote = [blocks.plain(f"“{words}”")] if words else []
            how = way(card, card.decided_by)
            return "🚫", [blocks.mrkdwn(f"rejected by {by}{how} {at}"), *quote]
        case "expired":
            if other := outgoing.settled_by(state, card):
                out = f"went out by {by_thread(other, facts)} · {text.when(other.at)}"
                return "↪️", [blocks.mrkdwn(out)]
            reason = f": {text.inline(card.text, 250)}" if card.text else ""
            return "⌛", [blocks.mrkdwn(f"expired {at}{reason} (nobody rejected it)")]
        case "stopped":
            return "⏹️", [blocks.mrkdwn(f"stopped by {by} {at}")]
        case "superseded":
            if card.into:
                did = "ships it, too" if state.out_at is None else "brought it to production"
                thread = f"superseded by the thread of {link(card.into)}, which {did}"
                return "↪️", [blocks.mrkdwn(f"{thread} · {at}")]
            return "↪️", [blocks.mrkdwn(f"superseded by {by}'s message {at}")]


def _waits(state: State, card: Card, facts: Mapping[str, str]) -> str:
    """Say what an approved card waits for, and until when its approval counts; "" for nothing."""
    waits = waiting_line(state, facts)
    until = f"approved until {text.when(card.expires_at)}, then I ask again"
    return f"{waits} · {until}" if waits else ""


def waiting_line(state: State, facts: Mapping[str, str]) -> str:
    """Say what an approved action waits for, and since when; empty if for nothing."""
    since = f"since {text.when(state.waits_since)}"
    if state.waits_for_lock:
        return f"{waiting_for(state.waits_for_lock, facts)} · {since}"
    if state.waits_for_block:
        return f"waiting, and going on when it is over: {locks.told(state.waits_for_block)}"
    if state.waits_for_source:
        why = text.inline(state.waits_for_source.message.rstrip("."), 250)
        return f"waiting for GitHub, and going on when it answers: {why} · {since}"
    return ""


def waiting_for(waits: LockWaited, facts: Mapping[str, str]) -> str:
    """Say which lock is waited for, and which merge has it, or else which thread."""
    name = text.code(waits.target.rpartition("|")[2], 60)
    pull = waits.merge or lanes.told_of(waits.holder, facts)
    return f"waiting for {name}, in use by {link(pull) if pull else _thread(waits, facts)}"


def _thread(waits: LockWaited, facts: Mapping[str, str]) -> str:
    name = waits.holder.rpartition("/")[2]
    address = permalink(facts, waits.message) if waits.message else ""
    return text.link(address, f"thread {name}") if address else f"thread {text.code(name, 20)}"


def _run(state: State, card: Card, run: Run, now: int) -> Message:
    lines = [_outcome(card, run)]
    parts: list[Block] = [title(runs.MARKS[run.outcome], card)]
    if run.outcome is None and run.line.strip():
        lines.append(text.code(run.line, 200))
    parts += [blocks.context(blocks.mrkdwn(line)) for line in lines]
    if run.outcome in ("failed", "unknown"):
        parts += runs.tail(run)
    if run.outcome == "unknown":
        parts.append(blocks.actions(unknown_buttons(state, run, now)))
    return Message(
        text=f"{action(card.request.specs)}: {run.outcome or 'running'}",
        blocks=tuple(parts),
        edit_every_seconds=3 if run.outcome is None else 0,
    )


def _outcome(card: Card, run: Run) -> str:
    approved = approvals(card)
    doing = {"deploy": "deploying", "job": "running"}.get(run.attempt.kind, "rolling back")
    if run.outcome is None:
        cancel = runs.cancelling(run)
        since = f"{doing} since {text.when(run.started_at)}"
        return " · ".join(part for part in (approved, since, cancel) if part)
    ended = text.when(run.ended_at or run.started_at)
    run_id = trace(card)
    if said := runs.stated(run):
        return f"{approved} · {said} · {run_id}"
    why = f": {text.inline(run.summary, 250)}" if run.summary else ""
    if run.outcome == "succeeded":
        return f"{approved} · succeeded {ended} after {runs.duration(run)} · {run_id}"
    if run.outcome == "unknown":
        return f"{approved} · *nobody can tell whether it happened*{why} · {run_id}"
    return f"{approved} · {run.outcome} {ended} after {runs.duration(run)}{why} · {run_id}"
