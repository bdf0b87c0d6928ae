"""What the attacks hold a waiting card against is exact: also for a card that is urgent."""

import pytest

from app.core import events as ev
from app.slack.blocks import Block, section
from tests.attacks.slack import check_card
from tests.shop import ALICE
from tests.story import NEW, Story

ARGV = {"argv": ["deploy", "backend", "production", NEW]}


def shown(*before: ev.Event) -> tuple[Story, list[Block]]:
    """Put a card up after these events, and show it."""
    story = Story().merged().staged().then(*before).asks(arguments=ARGV)
    return story, list(story.show()["card:c1"].blocks)


@pytest.mark.parametrize("before", [(), (ev.MarkedUrgent(user=ALICE),)])
def test_a_card_is_what_it_should_be_and_nothing_else(before: tuple[ev.Event, ...]) -> None:
    story, blocks = shown(*before)
    card, urgent = story.state.cards["c1"], bool(before)
    check_card(card, blocks, urgent)
    with pytest.raises(AssertionError):
        check_card(card, blocks, not urgent)
    for at in range(1, len(blocks)):
        more = [*blocks[:at], section("🚨 *Urgent.* Nothing else."), *blocks[at:]]
        with pytest.raises(AssertionError):
            check_card(card, more, urgent)
    blocks[0] = {"type": "header", "text": {"type": "plain_text", "text": "🚨 Deploy"}}
    with pytest.raises(AssertionError):
        check_card(card, blocks, urgent)
