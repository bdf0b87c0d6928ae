"""A message as text: what a person reads on the screen, buttons in brackets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.slack.text import without_dates
from tests.day.company import NAMES

_USER = re.compile(r"<@([UW][A-Z0-9]+)>")
_LINK = re.compile(r"<https?://[^|<>]*\|([^<>]*)>")


def shown(text: str, blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return what a message shows, line by line."""
    return "\n".join(_lines(blocks)) or plain(text)


def plain(mrkdwn: str) -> str:
    """Return a text with names for mentions, labels for links, and times as they are."""
    named = _USER.sub(lambda m: f"@{NAMES.get(m[1], m[1])}", without_dates(mrkdwn))
    linked = _LINK.sub(r"\1", named)
    return linked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _lines(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        match block["type"]:
            case "header" | "section":
                yield plain(block["text"]["text"])
            case "context":
                yield from (plain(element["text"]) for element in block["elements"])
            case "actions":
                yield " ".join(f"[{button['text']['text']}]" for button in block["elements"])
            case kind:
                raise AssertionError(f"{kind} is not shown")
