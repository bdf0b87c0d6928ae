"""Text from outside made harmless as text; knows nothing of Slack's or the model's own syntax."""

import re
import unicodedata

_DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_MARKS = frozenset({"Mn", "Me"})
_MAX_MARKS = 2
_QUOTES = str.maketrans(dict.fromkeys("«»≪≫⟪⟫《》", '"'))
_SECRET = re.compile(
    r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|gh[a-z]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|sk-[\w-]{16,}|A[KS]IA[A-Z0-9]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?i:(?<=bearer )[\w.~+/=-]{8,})"
    r"|(?P<key>(?i:password|passwd|secret|token|api[_-]?key)['\"]?\s*[=:]\s*['\"]?)[^\s'\"]{4,}"
)


def clean(text: str) -> str:
    """Return the text without control, invisible, bidirectional and piled-up characters.

    Line breaks stay; tabs become spaces. The result is NFC and may be longer than it looks.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", lines):
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        if char == "\n" or (category not in _DROPPED and marks <= _MAX_MARKS and _shows(char)):
            kept.append(" " if category in ("Zl", "Zp") else char)
    return "".join(kept)


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
    """Return the text with everything that looks like a credential replaced."""
    return _SECRET.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    return f"{found['key'] or ''}[secret]"


def as_data(text: str) -> str:
    """Return the text cleaned, masked, on one line and free of the marks « and »."""
    return masked(one_line(text)).translate(_QUOTES)


def quoted(text: str, limit: int) -> str:
    """Return the text as data for the model: one line, cut, between « and »."""
    return f"«{cut(as_data(text), limit)}»"
