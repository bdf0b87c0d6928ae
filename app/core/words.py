"""Plain words that code itself understands: SHAs, stop, urgent, approval that is none …"""

import re
from functools import lru_cache
from typing import Literal

Answer = Literal["both", "keep", "wait"]

_SHA = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])")
_STOP = frozenset({"stop", "cancel", "abort", "stop it"})
_CONTINUE = frozenset({"continue", "resume", "go on", "carry on"})
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
# Each word of a reason is one that neither orders nor objects.
_NO_ORDER = (
    r"(?!(?:not?|never|nothing|nobody|do|don|does|doesn|isn|aren|but|only|first|before|after|until"
    r"|unless|if|when|without|and|then|deploy\w*|ship\w*|release\w*|roll\w*|revert\w*|skip\w*"
    r"|hold|stop|wait|cancel|keep|leave|put|try|please)\b)\w+"
)
_URGENT_FOR = re.compile(
    rf"(?:{'|'.join(sorted(_URGENT))})(?: because| since| as)?"
    rf"(?: we (?:lose|are losing) {_NO_ORDER}"
    rf"|(?: {_NO_ORDER}){{1,4}} (?:fail|fails|failed|break|breaks|crash|crashes|hang|hangs"
    r"|(?:is|are|keeps?) (?:down|broken|failing|offline|stuck|crashing|unusable|timing out)"
    rf"|(?:can(?:not| not| t)|could(?: not|n t)) {_NO_ORDER}(?: {_NO_ORDER})?))"
)
_CHOICES: dict[str, Answer] = {
    "ship both": "both",
    "deploy both": "both",
    "both": "both",
    "ship them both": "both",
    "ship both of them": "both",
    "keep this": "keep",
    "keep this one": "keep",
    "ship only mine": "keep",
    "only mine": "keep",
    "keep mine": "keep",
    "ship only this": "keep",
    "ship only this one": "keep",
    "only this one": "keep",
    "wait": "wait",
    "wait for the next": "wait",
    "wait for the next one": "wait",
    "neither": "wait",
    "not now": "wait",
}
_ALL = re.compile(
    r"(?:ship (?:them )?all|all)(?: (?:\d+|three|four|five|six|seven|eight|nine|ten))?(?: of them)?"
)
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
        "ok",
        "okay",
        "looks good",
        "looks good to me",
    }
)
_WITHDRAWAL = frozenset(
    {
        *("no", "no wait", "wait", "wait no", "no please wait", "wait a moment"),
        *("wait a minute", "hold on", "hold it", "hold off", "not yet", "not now", "no not yet"),
        *("no don t", "don t", "dont", "no dont", "do not", "don t deploy", "do not deploy"),
        *("don t deploy it", "do not deploy it", "don t ship it", "do not ship it", "not so fast"),
        *("i take it back", "take it back", "withdraw", "withdraw it", "revoke", "revoke it"),
        *("i withdraw my approval", "withdraw my approval", "withdraw the approval"),
    }
)
_AHEAD = re.compile(
    r"(?:i )?(?:approve|approved|ship|deploy|release|lgtm|go|go ahead|yes)"
    r"(?: (?:it|this|that|them|all|everything))?(?: to (?:prod|production))?"
    r" (?:once|when|whenever|as soon as|after|if)"
    r" (?:(?:staging|it|that|they|tests|e2e|the tests|the e2e|e2e tests|the e2e tests)"
    r"(?: on staging)?(?: is| are| s| has| have| turns| turn| goes| go)? )?"
    r"(?:green|passed|passes|pass|through|done|ok|okay|good)"
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
_NEVER_MIND = frozenset(
    {
        *("never mind", "nevermind", "oh never mind", "ok never mind", "never mind me"),
        *("never mind that", "never mind my question", "forget it", "forget that"),
        *("forget what i said", "forget my question", "scratch that", "i take that back"),
    }
)
_KEEPING = frozenset(
    {
        *("keep the card", "keep this card", "keep it", "keep it as it is", "keep the plan"),
        *("leave the card", "leave it as it is", "leave the card as it is", "the card is fine"),
    }
)
_PLEASE = re.compile(r"^(?:please|pls) | (?:please|pls)$")
_URGENCY = re.compile(r"\b(?:urgent|urgently|hotfix|emergency|asap)\b", re.IGNORECASE)
_NO_URGENCY = re.compile(
    r"\b(?:not|no|never|isn'?t|nothing|less|would be)(?:\s+\w+){0,2}\s+"
    r"(?:urgent|urgently|hotfix|emergency|asap)\b"
    r"|\bnon-?\s?urgent\b"
    r"|\b(?:urgent|urgently|hotfix|emergency|asap)\?"
    r"|\b(?:hotfix|emergency) (?:from|of) (?:yesterday|last|\w+day)\b"
    r"|\b(?:can|may|could) wait\b|\btake your time\b|\bno (?:hurry|rush)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)  # what people said is folded again with each look at their thread
def sha_like(text: str) -> tuple[str, ...]:
    """Return the words that look like a short or full commit SHA, each once, in order."""
    found = (match.group() for match in _SHA.finditer(text.lower()))
    return tuple(dict.fromkeys(word for word in found if any(c.isdigit() for c in word)))


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
    """Tell whether the words say nothing but that it is urgent, and which trouble makes it so."""
    bare = _bare(text)
    return bare in _URGENT or _URGENT_FOR.fullmatch(bare) is not None


@lru_cache(maxsize=1024)
def says_urgent(text: str) -> bool:
    """Tell whether words say, among other things, that it is urgent; asking or denying is not."""
    plain = text.replace("\u2019", "'").strip()
    asks = plain.endswith("?")
    return bool(_URGENCY.search(plain)) and not asks and not _NO_URGENCY.search(plain)


def names(text: str, service: str) -> bool:
    """Tell whether words name a service, in whichever spelling."""
    spelt = re.escape(service).replace("_", "[ _-]?")
    return re.search(rf"(?<![a-z0-9]){spelt}", text.lower()) is not None


def choice(text: str) -> Answer | None:
    """Return what the words choose where a card asks about a newer merge."""
    bare = _bare(text).removeprefix("yes ")
    return "both" if _ALL.fullmatch(bare) else _CHOICES.get(bare)


def is_approval(text: str) -> bool:
    """Tell whether the words are nothing but an approval, which only the button can give."""
    return _bare(text) in _APPROVAL


def is_approval_ahead(text: str) -> bool:
    """Tell whether the words approve for when staging is green, which only the button can."""
    return _AHEAD.fullmatch(_bare(text)) is not None


def is_withdrawal(text: str) -> bool:
    """Tell whether the words say nothing but no, where something is approved and did not begin."""
    return _bare(text) in _WITHDRAWAL


def is_never_mind(text: str) -> bool:
    """Tell whether the words do nothing but take back what their author wrote."""
    return _bare(text) in _NEVER_MIND


def is_keeping(text: str) -> bool:
    """Tell whether the words want the card that waits as it is."""
    return _bare(text) in _KEEPING


def is_breaking_glass(text: str) -> bool:
    """Tell whether the words are nothing but the wish to go past the rules."""
    return _bare(text) in _BREAKING


def _bare(text: str) -> str:
    """Return the words alone: no mentions, no signs, and no "please" around them."""
    without_mentions = re.sub(r"<@[A-Z0-9]+>", " ", text)
    words = re.sub(r"[^\w\s]", " ", without_mentions.lower())
    return _PLEASE.sub("", " ".join(words.split()))
