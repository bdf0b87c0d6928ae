"""A plan that was approved, while it is done and afterwards: one line for each of its steps."""

from app.core.cards import Card
from app.core.events import PlanStep
from app.core.records import Run
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import runs
from app.slack.messages.actions import approvals, title, trace, unknown_buttons
from app.slack.messages.shown import action, versions


def plan_progress(state: State, card: Card, now: int, waits: str) -> Message:
    """Render a plan of which something began; nothing new is posted for a step.

    `waits` says what its next step waits for, "" if for nothing.
    """
    done = {step.name: _run_of(state, card, step) for step in card.steps}
    begun = [run for run in done.values() if run]
    last = begun[-1]
    lines = [_line(card, step, done[step.name]) for step in card.steps]
    parts: list[Block] = [
        title(_mark(card, last), card),
        blocks.section("\n".join(lines)),
        blocks.context(blocks.mrkdwn(f"{approvals(card)} · {trace(card)}")),
    ]
    if card is state.under_way and waits:
        parts.append(blocks.context(blocks.mrkdwn(f"⏳ The next step is {waits}")))
    if card is state.under_way and state.held_by:
        parts += _held(state, card)
    if last.outcome in ("failed", "unknown"):
        parts += runs.tail(last)
    if last.outcome == "unknown":
        parts.append(blocks.actions(unknown_buttons(state, last, now)))
    under_way = last.outcome is None or card.next_step is not None
    return Message(
        text=f"{action(card.request.specs)}: {_in_short(card, last)}",
        blocks=tuple(parts),
        edit_every_seconds=3 if under_way else 0,
    )


def _run_of(state: State, card: Card, step: PlanStep) -> Run | None:
    return state.runs.get(card.attempts.get(step.spec.call_id, ""))


def _mark(card: Card, last: Run) -> str:
    return runs.MARKS[None] if card.next_step else runs.MARKS[last.outcome]


def _line(card: Card, step: PlanStep, run: Run | None) -> str:
    name = f"{text.inline(step.name, 60)} {versions(step.spec)}"
    if run is None:
        given_up = f" · not begun: {text.inline(card.void or card.text, 200)}"
        return f"▫️ {name}{'' if card.next_step else given_up}"
    if said := runs.stated(run):
        return f"{runs.MARKS[run.outcome]} {name} · {said}"
    return runs.story(run, name)


def _in_short(card: Card, last: Run) -> str:
    done = len(card.attempts) - (last.outcome != "succeeded")
    return f"{done} of {len(card.steps)} done" if card.next_step else (last.outcome or "running")


def _held(state: State, card: Card) -> list[Block]:
    """Say that words hold the next step, and let an approver go on where nobody reads them."""
    reader = text.user(state.held_by or "")
    said = blocks.context(blocks.mrkdwn(f"⏸️ The next step waits: reading {reader}'s message …"))
    if not state.unheard:
        return [said]
    value = f"{state.thread_id}:{card.request.call_id}"
    return [said, blocks.actions([blocks.button("Release", "release", value)])]
