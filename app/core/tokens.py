"""A bound on how many tokens a text costs, for any model's vocabulary; knows no vocabulary."""

import re

_PIECE = re.compile(r"[A-Za-z]+|[0-9]+| +|[^A-Za-z0-9 ]")


def tokens_at_most(text: str) -> int:
    """Return a number of tokens that byte-pair vocabularies stay below.

    Vocabularies merge bytes, so a text never costs more tokens than bytes. Letters and digits are
    counted at two to a token (English has four to six), single spaces join the next word.
    """
    return sum(_cost(match.group()) for match in _PIECE.finditer(text))


def _cost(piece: str) -> int:
    if piece.startswith(" "):
        return 0 if piece == " " else 1
    if piece.isascii():
        return (len(piece) + 1) // 2
    return len(piece.encode("utf-8", "replace"))
