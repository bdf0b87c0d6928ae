"""A bound on how many tokens a text costs, for any model's vocabulary; knows no vocabulary."""

import re

_WORD = re.compile(r"[A-Za-z]+|[0-9]+")
_GAP = re.compile(r"  +")
_ORDINARY = re.compile(r"[A-Za-z0-9 ]+")


def tokens_at_most(text: str) -> int:
    """Return a number of tokens that byte-pair vocabularies stay below.

    Vocabularies merge bytes, so a text never costs more tokens than bytes. Letters and digits are
    counted at two to a token (English has four to six), single spaces join the next word.
    """
    words = sum((len(word) + 1) // 2 for word in _WORD.findall(text))
    others = _ORDINARY.sub("", text).encode("utf-8", "replace")
    return words + len(_GAP.findall(text)) + len(others)
