"""Who is who in a thread: GitHub logins as Slack users, and whom a question is for."""

from collections.abc import Iterable

from app.core.config import RepoConfig
from app.core.events import PullRequest
from app.core.state import State
from app.core.writing import listed
from app.slack import text


def person(login: str, repo: RepoConfig) -> str:
    """Mention the Slack user of a GitHub login, else show the login."""
    slack_id = repo.slack_user(login)
    return text.user(slack_id) if slack_id else text.inline(login, 80)


def by(pull: PullRequest) -> str:
    """Say who wrote and merged a change, without calling them: they know what they just did."""
    author, merger = text.inline(pull.author, 80), text.inline(pull.merged_by, 80)
    return f"by {author}" if author == merger else f"by {author}, merged by {merger}"


def name_of(slack_id: str, repo: RepoConfig, *, call: bool = True, known_as: str = "") -> str:
    """Name a Slack user by their GitHub login.

    Where it is unknown `call` them, else name them as they are `known_as`, or by their id.
    """
    logins = (login for login, mapped in repo.people.items() if mapped == slack_id)
    name = next(logins, None) or ("" if call else known_as)
    if name:
        return text.inline(name, 80)
    return text.user(slack_id) if call else text.code(slack_id, 80)


def owner(state: State, repo: RepoConfig) -> str | None:
    """Return the mention of whom the thread is about, if they are on Slack."""
    pull = state.pull_request
    logins = (pull.author, pull.merged_by) if pull else ()
    mapped = map(repo.slack_user, logins)
    slack_id = state.asked_by or next((found for found in mapped if found), None)
    return text.user(slack_id) if slack_id else None


def asked(state: State, repo: RepoConfig, before: int) -> str | None:
    """Return the mention of the person whom a question at `before` is for.

    That is who spoke or rejected last, else whom the thread is about.
    """
    said = [(w.at, w.user) for w in state.words]
    said += [
        (card.decided_at, card.decided_by)
        for card in state.cards.values()
        if card.status == "rejected" and card.decided_at is not None
    ]
    newest = max((item for item in said if item[0] <= before), default=None)
    return text.user(newest[1]) if newest else owner(state, repo)


def shippers(state: State, repo: RepoConfig, before: int) -> str:
    """Mention those by whom production changed in a thread before a time (ms); "" for nobody.

    They are whose merges these are, who asked for them, and who approved what ran.
    """
    pull = state.pull_request
    authors = (each.author for each in state.carried.values())
    logins = (pull.author, pull.merged_by, *authors) if pull else ()
    ran = (card for card in state.cards.values() if card.attempts and card.at <= before)
    users = [
        *filter(None, map(repo.slack_user, logins)),
        *filter(None, [state.asked_by]),
        *(user for card in ran for user in card.approvers),
    ]
    return mentions(dict.fromkeys(users)) if state.shipped else ""


def all_of(mentions: list[str]) -> str:
    """Join names as people do, at most twenty."""
    shown = mentions[:20]
    if len(mentions) > len(shown):
        return f"{', '.join(shown)} and {len(mentions) - len(shown)} more"
    return listed(shown)


def mentions(ids: Iterable[str]) -> str:
    """Mention users and user groups, joined as people do; "" for none."""
    return all_of([text.user_or_group(one) for one in ids])
