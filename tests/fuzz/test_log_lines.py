"""Broken lines in the store: read, folded and shown without a fault, and nobody else is touched."""

import json

from app.core import context
from app.core.actions import AskModel
from app.core.decide import decide
from app.core.fold import fold
from app.redis.recent import entry_of
from app.slack.messages import render
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation, encoded
from tests.story import Story


def stories() -> list[list[str]]:
    """Return threads as the store has them, from the first event on."""
    told = [
        Story().merged().staged().asks().approves().starts("p-1", "production", call_id="c1"),
        Story().merged().staged().ships().asks("c2", "frontend"),
        Story().mentioned().asks(),
        Story().merged().starts("s-1").ends("s-1", "unknown"),
    ]
    return [
        [json.dumps({"link": "0" * 40, **entry.model_dump(mode="json")}) for entry in one.entries]
        for one in told
    ]


def broken(line: str, case: Mutation) -> str:
    """Return another line: another field, other characters, or something else altogether."""
    if case.random() < 0.7:
        return encoded(case.value(json.loads(line))).decode()
    return case.text(line)


def test_lines_of_the_log() -> None:
    told, repo = stories(), Story().repo
    with Campaign("log lines") as campaign:
        for case in campaign:
            lines = list(case.choice(told))
            for at in case.sample(range(len(lines)), min(len(lines), case.randint(1, 3))):
                lines[at] = broken(lines[at], case)
            if case.random() < 0.3:
                case.shuffle(lines)
            entries = [entry_of(line) for line in lines]
            state = fold(entries)
            assert state.version == len(lines)
            now = Story().now + 1_000_000
            render(state, repo, now)
            if isinstance(decide(state, repo, now, {}), AskModel):
                context.render(state, entries, repo, now)
