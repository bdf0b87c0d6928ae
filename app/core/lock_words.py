"""The words that lock and unlock services, understood by code alone, before any model reads them.

lock [<repository>] <service|all> [until <when> | for <30m>] [because <why>]
unlock [<repository>] <service|all>

`when` is 15:00, 3pm, tomorrow 9:00 or 2026-12-31 15:00; 30m may be spelt 30 minutes. The end may
follow the reason, and a "please" may stand at either end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from app.core import duration
from app.core.config import RepoConfig
from app.core.errors import UserError
from app.core.inert import inline
from app.core.locks import MAX_REASON
from app.core.times_of_day import meanings
from app.core.untrusted import cut, masked, one_line
from app.core.writing import when

ALL = ("all", "everything")
FORM = (
    "Say it like `lock backend until 15:00 because load test`, `lock backend for 2h`, `lock all` "
    "or `unlock backend`; a day is written `until 2026-12-31 15:00`."
)
LONGEST_DAYS = 366
MAX_OPENING = 200
_VERB = re.compile(
    r"(?:(?:please|pls|(?:can|could) you(?: please| pls)?)[\s,]+)?"
    r"(lock|unlock)(?:[\s,:]+(?:the )?|$)",
    re.IGNORECASE,
)
_PLEASE = re.compile(r"[\s,]+(?:please|pls)[.!?]*$", re.IGNORECASE)
_CLOCK = r"(?:tomorrow |\d{4}-\d{2}-\d{2} )?(?:\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m)"
_SPAN = r"\d{1,7} ?(?:s|m|h|d|minutes?|mins?|hours?|hrs?|days?)"
_UNTIL = r"(?:until|till?|'til)"
_REST = re.compile(
    rf"(?:{_UNTIL} (?P<until>{_CLOCK})|for (?P<span>{_SPAN}|\S+?))?[,;]?"
    r"(?: ?because:? (?P<why>.+?)"
    rf"(?:,? (?:{_UNTIL} (?P<late_until>{_CLOCK})|for (?P<late_span>{_SPAN}))[.!?]?)?|[.!?]?)",
    re.IGNORECASE,
)


class NotOfTheForm(UserError):
    """Words that only begin like a lock; `near` tells whether one was meant, as far as one sees."""

    def __init__(self, sentence: str = FORM, *, near: bool = True) -> None:
        super().__init__(sentence)
        self.near = near


@dataclass(frozen=True, slots=True)
class LockWish:
    """A person wants services to be left as they are."""

    repo: RepoConfig
    services: tuple[str, ...]
    until: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class UnlockWish:
    """A person wants locks of services to end."""

    repo: RepoConfig
    services: tuple[str, ...]


def is_about_locks(text: str) -> bool:
    """Tell whether words begin with lock or unlock, and so are for code alone."""
    return bool(_VERB.match(_said(text[:MAX_OPENING])))


def parse(text: str, repos: Sequence[RepoConfig], now: int) -> LockWish | UnlockWish:
    """Understand words that begin with lock or unlock; `repos` are those that they can mean.

    Raise `UserError`, in Slack's markup, for what cannot be: `NotOfTheForm` for other words.
    """
    said = _PLEASE.sub("", _said(text))
    verb = _VERB.match(said)
    if verb is None:
        raise NotOfTheForm
    repos, words = _repos(said[verb.end() :].split(" "), repos)
    repo, services = _services(words[0], repos)
    rest = " ".join(words[1:])
    if verb[1].lower() == "unlock":
        if rest.strip(".!?"):
            raise NotOfTheForm
        return UnlockWish(repo, services)
    match = _REST.fullmatch(rest)
    if match is None:
        raise NotOfTheForm
    ends = match["until"] or match["span"]  # else what the reason ends with, if that is a time
    clock = match["until"] if ends else match["late_until"]
    until = _until(clock, match["span"] if ends else match["late_span"], repo.zone, now)
    return LockWish(repo, services, until, cut((match["why"] or "").strip(), MAX_REASON))


def _said(text: str) -> str:
    return one_line(masked(text))


def _repos(words: list[str], repos: Sequence[RepoConfig]) -> tuple[Sequence[RepoConfig], list[str]]:
    """Return the repositories that are meant, and the words after their name if it is there."""
    first = words[0].strip("`'\"").lower()
    named = [repo for repo in repos if first in _names(repo)]
    follows = words[1].lower() if len(words) > 1 else ""
    if not named or follows in ("", "until", "til", "till", "'til", "for", "because"):
        return repos, words
    return named, words[1:]


def _names(repo: RepoConfig) -> tuple[str, str]:
    return repo.name.lower(), repo.name.rpartition("/")[2].lower()


def _services(word: str, repos: Sequence[RepoConfig]) -> tuple[RepoConfig, tuple[str, ...]]:
    service = word.strip("`'\".,!?:").lower().replace("-", "_")
    if not service:
        raise NotOfTheForm
    all_of_them = service in ALL
    found = [repo for repo in repos if all_of_them or service in repo.production.services]
    if len(found) > 1:
        example = f"`lock {found[0].name} {service}`"
        several = " and ".join(repo.name for repo in found)
        raise UserError(f"That can mean {several}. Name the repository, as in {example}.")
    if not found:
        known = ", ".join(sorted({name for repo in repos for name in repo.production.services}))
        named = inline(service, 60)
        raise NotOfTheForm(
            f"I know no service “{named}” here. There are: {known}, all. {FORM}", near=False
        )
    repo = found[0]
    return repo, tuple(repo.production.services) if all_of_them else (service,)


def _short(span: str) -> str:
    """Write "2 hours" like "2h"; leave what is written otherwise."""
    match = re.fullmatch(r"(\d+) ?([a-z])[a-z]*", span.lower())
    return match[1] + match[2] if match else span.lower()


def _until(clock: str | None, span: str | None, zone: tzinfo, now: int) -> int | None:
    if span:
        try:
            return now + duration.seconds(_short(span)) * 1000
        except ValueError:
            raise UserError(f"“{inline(span, 40)}” is no time to lock for. {FORM}") from None
    if clock is None:
        return None
    try:
        times = meanings(clock, zone, now)
    except ValueError:
        raise UserError(f"{clock} is no time. {FORM}") from None
    coming = [time for time in times if time > now]
    if not coming:
        written = f" ({when(times[0])})" if times[0] >= 0 else ""
        raise UserError(f"{clock} is over{written}. {FORM}")
    if coming[0] > now + LONGEST_DAYS * 24 * 3600 * 1000:
        raise UserError(f"{clock} is more than {LONGEST_DAYS} days away. {FORM}")
    return coming[0]
