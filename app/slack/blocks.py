"""Slack's blocks as plain data, and what a message is; knows nothing of deploys.

Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Block = dict[str, Any]
Style = Literal["primary", "danger"]


@dataclass(frozen=True, slots=True)
class Message:
    """What one slot looks like now; `text` is what a notification shows.

    Outside of the thread it stands in a `channel` of its own, or in the thread's.
    With `edit_every_seconds`, a change may wait until the last edit is that old. What has `passed`
    is kept up to date where it stands, but not posted any more: nobody needs to be called for it.
    """

    text: str
    blocks: tuple[Block, ...]
    in_thread: bool = True
    channel: str = ""
    edit_every_seconds: int = 0
    passed: bool = False

    @property
    def digest(self) -> str:
        """Return a hash of all that a person would see."""
        seen = json.dumps([self.text, self.blocks], sort_keys=True)
        return hashlib.sha256(seen.encode()).hexdigest()[:16]

    @property
    def is_live(self) -> bool:
        """Tell whether people still act on it or watch it."""
        return self.edit_every_seconds > 0 or any(b["type"] == "actions" for b in self.blocks)


def header(text: str) -> Block:
    """Show a title; `text` is plain and at most 150 characters."""
    return {"type": "header", "text": plain(text)}


def section(text: str) -> Block:
    """Show mrkdwn of at most 3000 characters."""
    return {"type": "section", "text": mrkdwn(text)}


def context(*elements: Block) -> Block:
    """Show small print, up to ten texts."""
    return {"type": "context", "elements": list(elements)}


def actions(buttons: Sequence[Block]) -> Block:
    """Show buttons, at most 25."""
    return {"type": "actions", "elements": list(buttons)}


def mrkdwn(text: str) -> Block:
    """Make a formatted text in which Slack itself links nothing."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str) -> Block:
    """Make a text that Slack does not interpret."""
    return {"type": "plain_text", "text": text or " ", "emoji": False}


def button(
    label: str,
    action_id: str,
    value: str,
    style: Style | None = None,
    confirm: Block | None = None,
    spoken: str = "",
) -> Block:
    """Make a button; the label is at most 75 characters, the value at most 2000.

    `spoken` is what a screen reader says instead of the label, at most 75 characters.
    """
    made: Block = {
        "type": "button",
        "text": plain(label),
        "action_id": action_id,
        "value": value,
    }
    if style:
        made["style"] = style
    if spoken:
        made["accessibility_label"] = spoken
    if confirm:
        made["confirm"] = confirm
    return made


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """Make the question that a button asks before it counts; title ≤ 100, text ≤ 300."""
    return {
        "title": plain(title),
        "text": plain(text),
        "confirm": plain(yes),
        "deny": plain(no),
    }


def form(name: str, value: str, title: str, submit: str, shown: Sequence[Block]) -> Block:
    """Ask in a window of its own; `value` comes back with what was typed."""
    return {
        "type": "modal",
        "callback_id": name,
        "private_metadata": value,
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Back"),
        "blocks": [*shown],
    }


def typed(name: str, label: str, longest: int, shortest: int = 0) -> Block:
    """Take several lines of so many characters, under this name, in a form."""
    least = {"min_length": shortest} if shortest else {}
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label),
        "element": {
            "type": "plain_text_input",
            "action_id": name,
            "multiline": True,
            **least,
            "max_length": longest,
        },
    }
