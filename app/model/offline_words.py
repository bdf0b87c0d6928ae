"""What people's words mean to the offline planner; what it does not understand is unclear.

A message counts only if all of it is understood, so a negation, an irony or a clause that is no
known sentence makes it unclear. `HELP` names what people can say.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from app.core.state import Mode
from app.core.untrusted import clean
from app.core.words import is_approval, is_approval_ahead, is_continue, is_stop, sha_like
from app.model.offline_sentences import (
    DEPLOYS,
    GOES_BACK,
    NUMBERS,
    WISHES,
    Kind,
    any_of,
    patterns,
    spelt,
)
from app.model.offline_topic import denies
from app.model.offline_waits import awaited

HELP = (
    'I understand: "backend first", "deploy the backend before the frontend", "only the backend", '
    '"skip the frontend", "deploy 1a2b3c4", "try again", "roll back the frontend", "stop here", '
    '"wait 10 minutes", "wait for #42", "wait until tomorrow 9:00", "what is on production?", '
    '"what changed?", "last 5 commits", "why is the backend blocked?", "what went out today?", '
    '"who approved the last one?", "when did 1a2b3c4 go out?", "what is waiting?", '
    '"who can approve this?", "what is happening?", "why does #42 wait?", "is #42 on production?", '
    '"lock backend until 15:00 because load test", "unlock backend".'
)
DEFAULT_WAIT_SECONDS = 3600
MAX_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message means; `number` is a count of commits or of seconds, `event` is waited for."""

    kind: Kind
    services: tuple[str, ...] = ()
    sha: str = ""
    number: int = 0
    environment: str = ""
    day: str = ""
    event: str = ""
    person: str = ""
    merge: str = ""


def hear(
    text: str, services: Sequence[str], mode: Mode = "deploy", people: Collection[str] = ()
) -> Heard:
    """Return what a message means, `unclear` unless every word of it is understood.

    A wish that names the other mode's verb is turned into that mode's or is unclear. `people` are
    the logins that can be called by their name.
    """
    words = _plain(text)
    if len(text) > MAX_LENGTH or not words:
        return Heard("unclear")
    if event := awaited(text, people):
        return Heard("wait", event=event)
    if is_stop(text):
        return Heard("stop here")
    if is_continue(text):
        return Heard("go on")
    if is_approval(text) or is_approval_ahead(text):
        return Heard("approval")
    for kind, pattern in patterns(tuple(services)):
        match = pattern.fullmatch(words)
        if match:
            return _in_mode(_heard(kind, match, services), words, mode)
    asks = text.rstrip().endswith("?") and _ASKS.match(words) and not denies(text)
    return Heard("question" if asks else "unclear")


def _in_mode(heard: Heard, words: str, mode: Mode) -> Heard:
    if heard.kind not in WISHES:
        return heard
    if mode == "rollback":
        deploys = DEPLOYS.search(words) or (heard.kind == "deploy" and heard.sha)
        return Heard("unclear") if deploys else heard
    if heard.kind != "rollback" and GOES_BACK.search(words):
        return replace(heard, kind="rollback" if heard.kind in ("only", "order") else "unclear")
    return heard


def _heard(kind: Kind, match: re.Match[str], services: Sequence[str]) -> Heard:
    groups = match.groupdict()
    first = next((groups[name] for name in ("a", "a2", "a3") if groups.get(name)), "")
    named = tuple(_services(first, services))
    later = tuple(_services(groups.get("b") or "", services))
    if groups.get("after"):
        named, later = later, named
    sha = groups.get("sha") or ""
    if sha and not sha_like(sha):
        return Heard("unclear")
    number = _number(groups.get("n") or "") * _SECONDS.get((groups.get("unit") or "")[:3], 1)
    if kind == "rollback" and groups.get("first"):
        kind = "order"
    if kind == "wait" and groups.get("n") and not number:
        kind = "no wait"
    environment = groups.get("environment") or ""
    environment = "production" if environment.startswith("prod") else environment
    every = tuple(dict.fromkeys((*named, *later)))
    day, person = groups.get("day") or "", groups.get("person") or ""
    merge = groups.get("merge") or ""
    return Heard(kind, every, sha, number, environment, day, person=person, merge=merge)


def _services(text: str, services: Sequence[str]) -> Iterator[str]:
    for match in re.finditer(any_of(services), text):
        yield next(name for name in services if re.fullmatch(spelt(name), match.group()))


_MENTION = re.compile(r"<@[a-z0-9]+(?:\|[^>]*)?>")
_ASKS = re.compile(
    r"(?:(?:and|so|but|ok|okay|hey|hi|hm+|well|sorry)[ ,]+)*"
    r"(?:what|who|when|where|why|how|is|are|was|were|does|did|has|have|which)\b"
)
_SPELT_OUT = (
    (re.compile(r"\blet'?s\b"), "let us"),
    (re.compile(r"\b(what|that)'?s\b"), r"\1 is"),
    (re.compile(r"\b(do|does|did|is|are|was|were|would|should|could)n'?t\b"), r"\1 not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\bi'd\b"), "i would"),
    (re.compile(r"'"), ""),
)
_SECONDS = {"sec": 1, "min": 60, "hou": 3600, "day": 86400}


def _plain(text: str) -> str:
    """Return the words in one spelling; a sentence's end becomes a lone dot, emoji stay."""
    words = _MENTION.sub(" ", clean(text).lower().strip())
    words = re.sub(r"[`*]", "", words).replace("\u2019", "'")
    for pattern, words_for in _SPELT_OUT:
        words = pattern.sub(words_for, words)
    words = re.sub(r"[.!?;\n]+(?=\s|$)", " . ", words)
    words = re.sub(r"\b(?:the|please|pls|service|services)\b", " ", words)
    words = " ".join(words.split())
    words = re.sub(r"(?:[ ,.])+$", "", words)
    return re.sub(r"^(?:[ ,.])+", "", words).replace(" ,", ",").replace(",,", ",")


def _number(text: str) -> int:
    if text.isdigit():
        return int(text[:6])
    if text in ("a", "an"):
        return 1
    return NUMBERS.index(text) if text in NUMBERS else 0
