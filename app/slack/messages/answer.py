"""An answer of code's: each piece as Slack shows it, people named without being called."""

from collections.abc import Mapping
from typing import assert_never

from app.core.answers import Answer, more_than
from app.core.config import RepoConfig
from app.core.events import Line, Piece
from app.core.records import Say
from app.slack import blocks, text
from app.slack.blocks import Message
from app.slack.messages import people
from app.slack.permalinks import permalink

WORDS = 250
AT_ONCE = 7  # lines of a section: with its links a line is long


def answer_message(say: Say, repo: RepoConfig, facts: Mapping[str, str]) -> Message:
    """Render an answer; a thread is linked where Slack's own address is among the facts."""
    lines = answer_lines(Answer(say.text, say.lines, say.cut), repo, facts)
    parts = (lines[at : at + AT_ONCE] for at in range(0, len(lines), AT_ONCE))
    return Message(lines[0], tuple(blocks.section(text.joined(part)) for part in parts))


def answer_lines(answer: Answer, repo: RepoConfig, facts: Mapping[str, str]) -> list[str]:
    """Write an answer as lines of mrkdwn, its title first."""
    told = [line_of(line, repo, facts) for line in answer.lines]
    more = [more_than(answer.cut)] if answer.cut else []
    return [text.inline(answer.title, 500), *(f"• {line}" for line in (*told, *more))]


def line_of(line: Line, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    """Write a line as mrkdwn."""
    return "".join(_piece(piece, repo, facts) for piece in line)


def _piece(piece: Piece, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    match piece.kind:
        case "text":
            return _spaced(piece.text)
        case "code":
            return text.code(piece.text)
        case "user":
            return people.name_of(piece.text, repo, call=False, known_as=piece.to)
        case "time":
            return text.when(int(piece.text))
        case "link":
            return text.link(piece.to, piece.text)
        case "message":
            return text.link(permalink(facts, piece.to), piece.text)
        case _:
            assert_never(piece.kind)


def _spaced(words: str) -> str:
    """Make words harmless; the spaces that join pieces stay."""
    head = " " if words.startswith(" ") else ""
    tail = " " if words.endswith(" ") and words.strip() else ""
    return f"{head}{text.inline(words.strip(), WORDS)}{tail}"
