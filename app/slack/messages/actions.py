"""The lines of a card after its decision: what it is about, who approved, its hash, its buttons."""

from app.core.cards import Card
from app.core.records import Run
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block
from app.slack.messages import people
from app.slack.messages.glass import glass_line
from app.slack.messages.override import override_lines
from app.slack.messages.shown import action, change


def title(mark: str, card: Card) -> Block:
    """Head a card after its decision."""
    named = action(card.request.specs)
    headed = f"{mark} *{named[0].upper()}{named[1:]}* · {change(card.request.specs)}"
    return blocks.section("\n".join([headed, *override_lines(card)]))


def approvals(card: Card) -> str:
    """Say who approved and when."""
    broken = card.glass
    breaker = broken.user if broken and broken.lifts != ("freeze",) else ""
    given = [
        f"{text.user(each.user)}{way(card, each.user)} {text.when(each.at)}"
        for each in card.approvals
        if each.user != breaker
    ]
    approved = [f"approved by {people.all_of(given)}"] if given else []
    return " · ".join([*approved, *([glass_line(broken)] if broken else [])])


def way(card: Card, user: str) -> str:
    """Say so where somebody decided without Slack."""
    return " on the command line" if user in card.by_command else ""


def trace(card: Card) -> str:
    """Name the hash that was approved."""
    return f"run {text.code(card.request.spec_hash[:8])}"


def unknown_buttons(state: State, run: Run, now: int) -> list[Block]:
    """Let an approver say what became of a run; a job cannot be rolled back."""
    value = f"{state.thread_id}:{run.call_id}"
    made = [blocks.button("It happened", "happened", value)]
    if now >= run.send_by:
        made.append(blocks.button("It did not happen", "did_not_happen", value))
    if run.attempt.kind != "job":
        made.append(blocks.button("Roll back", "rollback", value, "danger"))
    return made
