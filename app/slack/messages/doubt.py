"""What a card says while it is held by words that nobody understood: whose, and which."""

from app.core.records import Say
from app.slack import text

SHOWN = 3


def doubted(question: Say) -> str:
    """Quote the words that a question is about, and say what ends the hold."""
    newest = question.about[-SHOWN:]
    quotes = [f"{text.user(each.user)} wrote: “{_quoted(each.text)}”" for each in newest]
    hidden = len(question.about) - len(newest)
    if hidden:
        quotes.insert(0, f"{hidden} earlier …")
    ends = "I asked what that means. The card waits for the answer, or for an approver's Release."
    return "\n".join(["⏸️ *Held by words that may be against this.*", *quotes, ends])


def _quoted(words: str) -> str:
    return text.inline(text.quoted(words), 200)
