"""Whether words do nothing but ask for what is known, or order it; knows words, and no grammar.

It errs to one side: what may be an objection or a doubt is neither.
"""

import re
from collections.abc import Collection

LONGEST = 120
_ASKS = re.compile(
    r"(?:(?:hey|hi|hello|ok|okay|thanks|sorry|and|so|btw|<@[a-z0-9]+>)[\s,]+)*"
    r"(?:(?:what|who|when|where)(?:'s)?|which|how (?:long|many)|why (?:is|are))\s[^.!?;:\n]+\?"
)
_ABOUT = re.compile(
    r"\b(?:approv\w*|asked|deploy\w*|prod|production|staging|live|runs?|running|versions?|commits?"
    r"|changed|changes|new|newer|merges?|merged|waits?|waiting|pending|blocked|locked|frozen|hold"
    r"|stuck|remind\w*|expires?|jobs?|migrations?|go(?:es)? out|went out|shipped)\b"
)
_DOUBTS = re.compile(
    r"\b(?:no|not|cannot|never|nobody|none|nothing|if|unless|until|till|before|after|without"
    r"|instead|first|but|though|wait a|stop|cancel|revert|undo|roll\w*|should|shall|must|could"
    r"|would|might|can (?:we|you|i)|happens?|point|idea|reason|sense|hurry|rush|hell|heck|earth"
    r"|safe\w*|risk\w*|danger\w*|wrong|bad|broken?|breaks?|bugs?|fail\w*|lost|lose|loses|demo"
    r"|custom\w*|tested|tests?|review\w*|checked|sure|really|even|still|just|already|this time"
    r"|tonight|tomorrow|night|friday|weekend|holidays?)\b|n't\b|\ball of (?:this|that)\b"
)

_BACK = frozenset({"roll", "back", "rollback", "revert", "undo"})
_ORDERS = frozenset(
    {
        *("deploy", "ship", "release", "run", "rerun", "retry", "the", "it", "this", "that"),
        *("them", "all", "both", "everything", "and", "then", "to", "on", "in", "for", "again"),
        *("now", "please", "pls", "can", "you", "hey", "hi", "ok", "okay", "yes", "prod"),
        *("production", "staging", "e2e", "test", "tests", "service", "services"),
    }
)


def only_asks(text: str) -> bool:
    """Tell whether words are one question for what is known here, and say nothing beside it."""
    words = " ".join(text.lower().replace("\u2019", "'").split())
    if len(words) > LONGEST or not _ASKS.fullmatch(words):
        return False
    return bool(_ABOUT.search(words)) and not _DOUBTS.search(words)


def only_orders(text: str, names: Collection[str], *, back: bool = False) -> bool:
    """Tell whether words order what they name, services or commits, and say nothing beside it.

    They order a rollback if it is that, `back`, which came of it.
    """
    words = re.findall(r"[^\s.,!]+", re.sub(r"<@[A-Z0-9]+>", " ", text).lower())
    known = {name.lower().replace("-", "_") for name in names}
    said = _ORDERS | _BACK if back else _ORDERS
    return bool(words) and all(_is_of_an_order(word, said | known) for word in words)


def _is_of_an_order(word: str, said: Collection[str]) -> bool:
    is_sha = len(word) >= 7 and any(each.startswith(word) for each in said)
    return word.replace("-", "_") in said or is_sha
