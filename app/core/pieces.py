"""The parts of an answer's lines: words, commits, times, and links to threads and merges."""

from app.core.events import Piece, Pull
from app.core.lanes import named
from app.core.untrusted import cut
from app.core.writing import short

LONGEST_REASON = 80


def text(text: str) -> Piece:
    """Say words as they are."""
    return Piece(text=text)


def sha_of(sha: str) -> Piece:
    """Name a commit."""
    return Piece(text=short(sha), kind="code")


def time(ms: int) -> Piece:
    """Name a time."""
    return Piece(text=str(ms), kind="time")


def user(user: str) -> Piece:
    """Name a person, without calling them."""
    return Piece(text=user, kind="user")


def merge(pull: Pull) -> list[Piece]:
    """Name a merge, with a link to its pull request."""
    title = [text(f" {pull.title}")] if pull.title else []
    return [Piece(text=named(pull), kind="link", to=pull.url), *title]


def broken(by: str, reason: str) -> list[Piece]:
    """Say who broke the glass for something, and why; nothing where nobody did."""
    why = [text(f": {cut(reason, LONGEST_REASON)}")] if reason else []
    return [text(" · 🚨 glass broken by "), user(by), *why] if by else []


def thread(message: str) -> list[Piece]:
    """End a line with the link to "<channel>|<ts>"; a thread may be nowhere yet."""
    return [text(" · "), Piece(text="thread", kind="message", to=message)] if message else []
