"""What people are told where repositories are in shadow mode, in which nothing is done."""

import re
from collections.abc import Sequence

from app.core.answers import Answer
from app.core.config import RepoConfig
from app.core.pieces import sha_of, text, time
from app.core.state import State

_ON_PRODUCTION = re.compile(
    r"(?:(?:what|which version|which commit)(?:'?s| is| are| runs)?"
    r"(?: (?:now|running|deployed|live))?(?: (?:on|in))?"
    r" prod(?:uction)?(?: (?:now|right now))?|what runs)\W*",
    re.IGNORECASE,
)


def in_shadow(repos: Sequence[RepoConfig]) -> str:
    """Say that nothing is done for these repositories; "" where one of them is live."""
    names = [repo.name for repo in repos if repo.mode == "shadow"]
    if not names or len(names) < len(repos):
        return ""
    return (
        f"{', '.join(names)} is in shadow mode: I only watch there, nothing is asked and nothing "
        "is done. `deploybot threads agreement` shows what I would have done."
    )


def asks_for_production(words: str) -> bool:
    """Tell whether words, without the bot's name, ask only what production runs."""
    return _ON_PRODUCTION.fullmatch(words.replace("\u2019", "'").strip()) is not None


def seen_on_production(repo: RepoConfig, threads: Sequence[State]) -> Answer:
    """Say what the newest look at production saw; nothing is recorded there but looks."""
    looks = [look for state in threads for look in reversed(state.sightings) if look[1]]
    if not looks:
        return Answer(f"{repo.name}: I have not seen yet what production runs.")
    at, versions = max(looks, key=lambda look: look[0])
    lines = tuple(
        (text(f"{service} "), sha_of(sha), text(" · seen "), time(at))
        for service, sha in versions.items()
    )
    return Answer(f"On production of {repo.name}:", lines)
