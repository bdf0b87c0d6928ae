"""Plain words that code itself understands: SHAs, stop, urgent, approval that is none …"""

import re
from typing import Literal

Answer = Literal["both", "keep", "wait"]

_SHA = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])")
_STOP = frozenset({"stop", "cancel", "abort", "stop it", "please stop", "stop please"})
_CONTINUE = frozenset({"continue", "resume", "go on", "carry on", "please continue"})
_NO_MORE_WAITING = frozenset({"stop waiting", "dont wait", "do not wait", "don t wait"})
_URGENT = frozenset(
    {
        "urgent",
        "this is urgent",
        "it is urgent",
        "it s urgent",
        "its urgent",
        "very urgent",
        "hotfix",
        "this is a hotfix",
        "it is a hotfix",
        "it s a hotfix",
    }
)
_CHOICES: dict[str, Answer] = {
    "ship both": "both",
    "deploy both": "both",
    "both": "both",
    "ship them both": "both",
    "keep this": "keep",
    "keep this one": "keep",
    "ship only mine": "keep",
    "only mine": "keep",
    "ship only this": "keep",
    "ship only this one": "keep",
    "only this one": "keep",
    "wait": "wait",
    "wait for the next": "wait",
    "wait for the next one": "wait",
    "neither": "wait",
    "not now": "wait",
}
_APPROVAL = frozenset(
    {
        "ship it",
        "approved",
        "approve",
        "lgtm",
        "i approve",
        "go for it",
        "go ahead",
        "do it",
        "yes",
        "yes please",
        "ok",
        "okay",
        "looks good",
        "looks good to me",
    }
)
_BREAKING = frozenset(
    {
        "break glass",
        "break the glass",
        "override",
        "override it",
        "override the freeze",
        "bypass the freeze",
        "ignore the freeze",
        "approve it anyway",
        "approve anyway",
        "deploy it anyway",
        "force it",
        "force approve",
    }
)


def sha_like(text: str) -> list[str]:
    """Return the words that look like a short or full commit SHA, each once, in order."""
    found = (match.group() for match in _SHA.finditer(text.lower()))
    return list(dict.fromkeys(word for word in found if any(c.isdigit() for c in word)))


def is_stop(text: str) -> bool:
    """Tell whether the words are nothing but a stop."""
    return _bare(text) in _STOP


def is_continue(text: str) -> bool:
    """Tell whether the words are nothing but a continue."""
    return _bare(text) in _CONTINUE


def is_end_of_wait(text: str) -> bool:
    """Tell whether the words are nothing but a wish that the bot waits no longer."""
    return is_continue(text) or _bare(text) in _NO_MORE_WAITING


def is_urgent(text: str) -> bool:
    """Tell whether the words say nothing but that it is urgent."""
    return _bare(text) in _URGENT


def choice(text: str) -> Answer | None:
    """Return what the words choose where a card asks about a newer merge."""
    return _CHOICES.get(_bare(text))


def is_approval(text: str) -> bool:
    """Tell whether the words are nothing but an approval, which only the button can give."""
    return _bare(text) in _APPROVAL


def is_breaking_glass(text: str) -> bool:
    """Tell whether the words are nothing but the wish to go past the rules."""
    return _bare(text) in _BREAKING


def _bare(text: str) -> str:
    without_mentions = re.sub(r"<@[A-Z0-9]+>", " ", text)
    return " ".join(re.sub(r"[^\w\s]", " ", without_mentions.lower()).split())
