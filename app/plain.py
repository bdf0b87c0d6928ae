"""Slack's sentences as a terminal shows them."""

import re

from app.core.config import RepoConfig
from app.slack.text import decode, in_zone, without_dates


def plain(said: str, repo: RepoConfig) -> str:
    """Return a message without Slack's tokens; people are named as the configuration does."""
    logins = {user: login for login, user in repo.people.items()}

    def name(token: re.Match[str]) -> str:
        return logins.get(token[1], token[1])

    timed = without_dates(in_zone(said, repo.zone))
    said = re.sub(r"<(?:@|!subteam\^)([UWS][A-Z0-9]+)(?:\|[^>]*)?>", name, timed)
    return decode(re.sub(r"<(#[A-Z0-9]+)>", r"\1", said))
