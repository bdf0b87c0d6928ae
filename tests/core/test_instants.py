"""A number in the store that is no moment is no event, and keeps nothing from being shown."""

import json

import pytest

from app.core.fold import fold
from app.core.instant import LAST
from app.redis.recent import UNREADABLE, entry_of
from app.slack.messages import render
from tests.story import Story


@pytest.mark.parametrize("at", [-1, LAST + 1, 10**400])
def test_a_line_of_no_moment_is_unreadable(at: int) -> None:
    story = Story().merged()
    line = json.loads(story.entries[0].model_dump_json())
    entry = entry_of(json.dumps({**line, "at": at}))
    assert entry.event.type == UNREADABLE
    shown = render(fold([*story.entries, entry]), story.repo, story.now)
    assert "cannot be read" in shown["status"].text
