"""Red e2e tests that a person overrides: the button, the form, and the line that stays on cards."""

from app.core import overriding
from app.core.cards import Card
from app.core.events import Override
from app.core.records import Staging
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block
from app.slack.messages import runs

MARK = "⚠️"


def override_button(state: State, staging: Staging) -> Block:
    """Offer to override the red tests of a run through staging."""
    value = f"{state.thread_id}:{overriding.name_of(staging)}"
    spoken = f"Override the red tests of {staging.sha[:7]}"
    return blocks.button("Override", "override", value, "danger", spoken=spoken)


def override_form(value: str, state: State, staging: Staging) -> Block:
    """Build the form that asks for the reason; `value` comes back with it."""
    red = overriding.red_tests(state, staging)
    failing = runs.failing_tests(red.failing_tests if red else ()) or "the tests did not name any"
    means = (
        "Staging counts as passed for this commit. Your name and reason stay on each of its "
        "cards, which still have to be approved."
    )
    bounds = (overriding.MAX_REASON, overriding.SHORTEST_REASON)
    shown = [
        blocks.section(f"*Staging* {text.short(staging.sha)} · failing: {failing}"),
        blocks.section(f"{MARK} {means}"),
        blocks.typed("reason", "Why do they not count?", *bounds),
    ]
    return blocks.form("override", value, "Override red tests", "Override", shown)


def override_line(override: Override) -> str:
    """Say who overrode which red tests and why, as it stays."""
    why = text.inline(text.quoted(override.reason), 300)
    failing = runs.failing_tests(override.failing_tests) or "not named"
    by = f"{text.user(override.user)} {text.when(override.at)}"
    return f"{MARK} e2e red, overridden by {by}: {why} (failing: {failing})"


def override_lines(card: Card) -> list[str]:
    """Say it of every commit that a card is about."""
    found = (step.facts.override for step in card.steps)
    return list(dict.fromkeys(override_line(override) for override in found if override))
