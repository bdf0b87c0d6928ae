"""Text from outside made harmless as text; knows nothing of Slack's or the model's own syntax."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from app.core import credentials

_DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_MARKS = frozenset({"Mn", "Me"})
_BREAKS = frozenset({"Zl", "Zp"})
_MAX_MARKS = 2
_CONTROLS = dict.fromkeys({*range(32), 127} - {ord("\n")})
_QUOTES = str.maketrans(dict.fromkeys("«»≪≫⟪⟫《》", '"'))
# What colours a terminal; a link's address goes with it.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")


def plain(text: str) -> str:
    """Return the text without the escape sequences of terminals."""
    return _ESCAPES.sub("", text)


def clean(text: str) -> str:
    """Return the text without escapes, control, invisible, bidirectional, piled-up characters.

    Line breaks stay; tabs become spaces. The result is NFC and may be longer than it looks.
    """
    lines = plain(text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    if lines.isascii():
        return lines.translate(_CONTROLS)
    composed = unicodedata.normalize("NFC", lines)
    if all(map(_is_harmless, set(composed))):
        return composed
    kept: list[str] = []
    marks = 0
    for char in composed:
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        if char == "\n" or (category not in _DROPPED and marks <= _MAX_MARKS and _shows(char)):
            kept.append(" " if category in _BREAKS else char)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _is_harmless(char: str) -> bool:
    """Tell whether a character stays as it is wherever it stands."""
    changed = _DROPPED | _MARKS | _BREAKS
    return char == "\n" or (unicodedata.category(char) not in changed and _shows(char))


def _shows(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return char not in _INVISIBLE and not selector


def one_line(text: str) -> str:
    """Return the cleaned text as one line with single spaces."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int, hidden: int = 0) -> str:
    """Return at most `limit` characters and how many are missing; `hidden` were cut off before."""
    total = len(text) + hidden
    if total <= limit:
        return text
    kept = max(0, min(len(text), limit - len(f"… (+{total} characters)")))
    return f"{text[:kept].rstrip()}… (+{total - kept} characters)"


def masked(text: str) -> str:
    """Return the text with everything that looks like a credential replaced; line breaks stay."""
    shown: list[str] = []
    end = 0
    for start, stop in credentials.spans(text):
        shown += [text[end:start], re.sub(r"[^\n]+", "[secret]", text[start:stop])]
        end = stop
    return "".join([*shown, text[end:]])


def masked_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines masked, also what begins in one and ends in another; each without breaks."""
    rows = iter(masked("\n".join(lines)).split("\n"))
    return [" ".join(islice(rows, line.count("\n") + 1)) for line in lines]


def as_data(text: str) -> str:
    """Return the text cleaned, masked, on one line and free of the marks « and »."""
    return one_line(masked(clean(text))).translate(_QUOTES)


def quoted(text: str, limit: int) -> str:
    """Return the text as data for the model: one line, cut, between « and »."""
    return f"«{cut(as_data(text), limit)}»"
