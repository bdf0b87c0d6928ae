"""What code itself answers from its records: lines made of pieces, so that each place shows them.

No Slack markup is stored: a piece becomes a link, a name or a time when it is shown.
"""

from typing import Literal

from app.core.events.values import Frozen


class Piece(Frozen):
    """A part of a line: words as they are, or what `kind` says that they stand for.

    `time` holds milliseconds and `user` a Slack id in `text`, with Slack's own name in `to` where
    it is known. A `link` has its address in `to`, a `message` "<channel>|<ts>".
    """

    text: str
    kind: Literal["text", "code", "user", "time", "link", "message"] = "text"
    to: str = ""


Line = tuple[Piece, ...]


class AnswerTold(Frozen):
    """Code answered a person's question from its records; `cut` lines do not fit."""

    type: Literal["answer_told"] = "answer_told"
    call_id: str
    title: str
    lines: tuple[Line, ...] = ()
    cut: int = 0
