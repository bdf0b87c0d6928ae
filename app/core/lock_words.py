"""The words that lock and unlock services, understood by code alone, before any model reads them.

lock [<repository>] <services|both|all> [until <when> | for <30m>] [because <why>]
unlock [<repository>] <services|both|all> [because <why>]

`services` are one or several ("a, b and c"). `when` is 15:00, 3pm, noon, midnight, tonight,
tomorrow, monday, tomorrow 9:00, monday 9:00 or 2026-12-31 15:00; 30m may be spelt 30 minutes or
half an hour. What follows "because" is the reason, whole, also where it names a time; "because of"
is part of it. A greeting, "can you", "please" or "thanks" may stand around the rest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.core import lock_ends
from app.core.config import RepoConfig
from app.core.inert import inline
from app.core.lock_form import NotOfTheForm
from app.core.lock_targets import targets
from app.core.locks import MAX_REASON
from app.core.untrusted import cut, masked, one_line

MAX_OPENING = 200
_GREETING = r"(?:hey|hi|hello|ok|okay)(?:,? (?:there|bot|deploybot))?"
_VERB = re.compile(
    rf"(?:(?:{_GREETING}|please|pls|(?:can|could|would) you)[\s,:!]+){{0,4}}"
    r"(lock|unlock)(?:[\s,:]+(?:the )?|$)",
    re.IGNORECASE,
)
_BECAUSE = re.compile(r"(?<![^\s,;])because(?![^\s,:])[,:]*", re.IGNORECASE)
_COURTESY = re.compile(
    r"(?<![^\s,;.!])(?:please|pls|thanks|thank you|thx|cheers)[.!?]*$", re.IGNORECASE
)
_AROUND = " ,;.!?"


@dataclass(frozen=True, slots=True)
class LockWish:
    """A person wants services to be left as they are; `chosen` is how code chose the end's hour."""

    repo: RepoConfig
    services: tuple[str, ...]
    until: int | None
    reason: str
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class UnlockWish:
    """A person wants locks of services to end."""

    repo: RepoConfig
    services: tuple[str, ...]
    reason: str = ""


def is_about_locks(text: str) -> bool:
    """Tell whether words begin with lock or unlock, politely or not, and so are for code alone."""
    return bool(_VERB.match(_said(text[:MAX_OPENING])))


def parse(text: str, repos: Sequence[RepoConfig], now: int) -> LockWish | UnlockWish:
    """Understand words that begin with lock or unlock; `repos` are those that they can mean.

    Raise `UserError`, in Slack's markup, for what cannot be: `NotOfTheForm` for other words.
    """
    said, reason = _reason(_said(text))
    said = _COURTESY.sub("", said.rstrip(_AROUND)).rstrip(_AROUND)
    verb = _VERB.match(said)
    if verb is None:
        raise NotOfTheForm
    locks = verb[1].lower() == "lock"
    repo, services, rest = targets(said[verb.end() :], repos, unlocks=not locks)
    if locks:
        end = lock_ends.end(" ".join(rest), repo, now)
        return LockWish(repo, services, end.at, reason, end.chosen)
    if rest:
        raise NotOfTheForm
    return UnlockWish(repo, services, reason)


def unread_end(wish: LockWish) -> str:
    """Say that no end is set where the reason names one, which ends nothing; "" else."""
    named = lock_ends.unread_end(wish.reason) if wish.until is None else ""
    if not named:
        return ""
    example = f"`lock {wish.services[0]} {inline(named, 60)} because …`"
    return (
        f"No end is set: what stands behind “because” is the reason, also “{inline(named, 60)}”. "
        f"An end stands in front of it: {example}."
    )


def _said(text: str) -> str:
    return one_line(masked(text))


def _reason(said: str) -> tuple[str, str]:
    """Split words at "because"; raise `NotOfTheForm` where nothing follows it."""
    because = _BECAUSE.search(said)
    if because is None:
        return said, ""
    reason = said[because.end() :].strip()
    if not reason:
        raise NotOfTheForm
    named = f"because {reason}" if reason.lower().startswith("of ") else reason
    return said[: because.start()], cut(named, MAX_REASON)
