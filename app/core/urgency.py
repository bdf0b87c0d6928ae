"""Whether a thread is urgent: it goes first, and people are called at once, at any hour."""

import re

from app.core.state import State

_URGENT = re.compile(r"\b(?:urgent|urgently|hotfix|emergency|asap)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|never|isn'?t|nothing|less)(?:\s+\w+){0,2}\s+"
    r"(?:urgent|urgently|hotfix|emergency|asap)\b",
    re.IGNORECASE,
)


def is_urgent(state: State) -> bool:
    """Tell whether a label or a person said that it is urgent."""
    return bool(state.urgent_label or urgent_by(state))


def urgent_by(state: State) -> str:
    """Return who said here that it is urgent; asking or denying it says nothing."""
    said = (words.user for words in state.words if says_urgent(words.text))
    return state.urgent_by or next(said, "")


def says_urgent(text: str) -> bool:
    """Tell whether words say that something is urgent."""
    plain = text.replace("\u2019", "'").strip()
    asks = plain.endswith("?")
    return bool(_URGENT.search(plain)) and not asks and not _DENIED.search(plain)
