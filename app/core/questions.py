"""Whether words do nothing but ask for what is known; knows words, and no grammar.

It errs to one side: what may be an objection, a doubt or an order is no such question.
"""

import re

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


def only_asks(text: str) -> bool:
    """Tell whether words are one question for what is known here, and say nothing beside it."""
    words = " ".join(text.lower().replace("\u2019", "'").split())
    if len(words) > LONGEST or not _ASKS.fullmatch(words):
        return False
    return bool(_ABOUT.search(words)) and not _DOUBTS.search(words)
