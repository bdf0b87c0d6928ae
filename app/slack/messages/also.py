"""Says on a card that waits which other thread's card brings out the same, too."""

from collections.abc import Mapping

from app.core import also
from app.core.also import Also
from app.core.cards import Card
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block
from app.slack.messages import people
from app.slack.messages.outgoing import by_thread

MAX_SHOWN = 3


def also_asked(state: State, card: Card, facts: Mapping[str, str]) -> list[Block]:
    """Name the threads whose open cards ship this, too, and say what becomes of this card then."""
    found = also.asked_for(state, card, facts)
    rows = [_row(each, card, facts) for each in found[:MAX_SHOWN]]
    return [blocks.section(text.joined(rows))] if rows else []


def _row(each: Also, card: Card, facts: Mapping[str, str]) -> str:
    what = "A newer merge ships this, too" if each.thread.by.number else "Asked for elsewhere, too"
    names = people.all_of([text.inline(service, 60) for service in each.services])
    left = [step.name for step in card.steps if step.name not in each.services]
    then = "it is made anew for the rest" if left else "this card ends"
    return f"🆕 *{what}:* {by_thread(each.thread, facts)}, to {names}. Once it is out, {then}."
