"""Check a message as Slack would: with its own block models, and the limits that they do not know.

https://docs.slack.dev/reference/block-kit/blocks
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, cast

from slack_sdk.models.blocks import Block

MAX_BLOCKS = 50
MAX_CHARACTERS = 13_200
MAX_TEXT = 4_000
TOKEN = re.compile(r"<([^<>]*)>")
ALLOWED = re.compile(
    r"@[UW][A-Z0-9]+|#[CG][A-Z0-9]+"
    r"|!subteam\^S[A-Z0-9]+|!date\^\d+\^[^|^]+\|[^|]+|https?://[^|\s]+\|[^|]+"
)


class _BlockModel(Protocol):
    """The part of slack_sdk's untyped `Block` that is used."""

    def parse(self, block: dict[str, Any]) -> "_BlockModel | None": ...
    def to_dict(self) -> dict[str, Any]: ...


def check(text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
    """Fail if Slack would refuse the message or show something that nobody meant."""
    _check(text, json.dumps(blocks))


@lru_cache(maxsize=5000)  # a message is looked at again and again
def _check(text: str, encoded: str) -> None:
    blocks: list[dict[str, Any]] = json.loads(encoded)
    assert text.strip(), "a message needs a text for notifications"
    assert len(text) <= MAX_TEXT, f"text has {len(text)} characters"
    assert len(blocks) <= MAX_BLOCKS, f"{len(blocks)} blocks"
    for block in blocks:
        parsed = cast("_BlockModel", Block).parse(block)
        assert parsed is not None, f"unknown block {block['type']!r}"
        parsed.to_dict()
    found = list(pairs(blocks))
    once("action_id", found)
    once("block_id", found)
    strings = [value for key, value in found if key == "text" and isinstance(value, str)]
    total = sum(map(len, strings))
    assert total <= MAX_CHARACTERS, f"{total} characters over all blocks"
    for written in [text, *strings]:
        for token in TOKEN.findall(written):
            assert ALLOWED.fullmatch(token), f"a token that code does not write: {token!r}"
    check_elements(blocks)


def once(key: str, found: Sequence[tuple[str, object]]) -> None:
    """Fail if a value of this key occurs twice among what was found."""
    values = Counter(value for name, value in found if name == key)
    twice = [value for value, count in values.items() if count > 1]
    assert not twice, f"{key} twice: {twice}"


def check_elements(blocks: Sequence[Mapping[str, Any]]) -> None:
    """Check what slack_sdk's models let pass."""
    for block in blocks:
        if block["type"] == "section" and "text" in block:
            assert 0 < len(block["text"]["text"]) <= 3000, "section text"
        if block["type"] == "context":
            assert 0 < len(block["elements"]) <= 10, "context elements"
        if block["type"] == "actions":
            assert 0 < len(block["elements"]) <= 25, "buttons"
            for button in block["elements"]:
                assert len(button["text"]["text"]) <= 75, "button text"
                assert len(button["value"]) <= 2000, "button value"


def texts(value: object) -> Iterator[str]:
    """Return every text that a person sees, in order."""
    return (str(found) for key, found in pairs(value) if key == "text" and isinstance(found, str))


def pairs(value: object) -> Iterator[tuple[str, object]]:
    """Return all keys and values, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield str(key), inner  # pyright: ignore[reportUnknownArgumentType]
            if not isinstance(inner, str):
                yield from pairs(inner)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list | tuple):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from pairs(inner)  # pyright: ignore[reportUnknownArgumentType]


def words(text: str, blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return all that the message says, for a test to look at."""
    return "\n".join([text, *texts(blocks)])


def buttons(blocks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the buttons: action id and value."""
    found = (e for b in blocks if b["type"] == "actions" for e in b["elements"])
    return {element["action_id"]: element["value"] for element in found}
