"""Which edits of a message asked people for something else, and how one is written down."""

import difflib
import re

_BUTTONS = re.compile(r"\[[^\[\]]+\](?: \[[^\[\]]+\])*")
_STOP = "[Stop]"  # is offered as long as anything goes on, and asks for nothing
_WHO = "*May approve:*"

Edit = tuple[int, str]


def telling(posted: str, edits: list[Edit]) -> list[tuple[int, str, str]]:
    """Return the edits before the last that asked for something else: when, the text before it, it.

    Of several at one instant people saw the last one. One that asks for nothing tells how far
    something is, as the last one does.
    """
    found: list[tuple[int, str, str]] = []
    before = posted
    for at, text in list(dict(edits).items())[:-1]:
        if _asked(text) not in ((), _asked(before)):
            found.append((at, before, text))
        before = text
    return found


def changed(before: str, after: str) -> str:
    """Write an edit down as the lines that went and came, or as the whole where that is less."""
    compared = difflib.ndiff(before.split("\n"), after.split("\n"))
    lines = [line for line in compared if line[0] in "+-"]
    if len(lines) < len(after.split("\n")):
        return "\n".join(["```diff", *lines, "```"])
    return "\n".join(["```", after, "```"])


def _asked(text: str) -> tuple[str, ...]:
    """Return who is asked, and the buttons to answer with."""
    lines = [line for line in text.split("\n") if line.startswith(_WHO) or _BUTTONS.fullmatch(line)]
    return tuple(line for line in (line.replace(_STOP, "").strip() for line in lines) if line)
