"""The question about what is merged but not on production, and what became of it."""

from collections.abc import Mapping

from app.core import undeployed
from app.core.answers import more_than
from app.core.config import RepoConfig
from app.core.events import Merged, UndeployedFound
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block
from app.slack.messages import people

SHOWN = 10


def undeployed_line(
    state: State, found: UndeployedFound, repo: RepoConfig, facts: Mapping[str, str]
) -> str:
    """Say what is merged but not on production, and ask; or how that ended."""
    merges = undeployed.each_once(found.merges)
    count = len(merges)
    are = "commit is" if count == 1 else "commits are"
    shown = [f"• {_merge(merge, repo)}" for merge in merges[:SHOWN]]
    more = [f"• {more_than(count - SHOWN)}"] if count > SHOWN else []
    ending, left = undeployed.over(state, facts), undeployed.left(state, found, facts)
    services = people.all_of([text.inline(name, 60) for name in left])
    asks = f"Deploy {text.short(found.sha)}, the newest that passed staging, to {services}?"
    title = f"📦 *{count} {are} merged but not on production:*"
    return text.joined([title, *shown, *more, ending or asks])


def undeployed_buttons(state: State, facts: Mapping[str, str]) -> list[Block]:
    """Return the two answers, while one is wanted."""
    if undeployed.over(state, facts):
        return []
    return [
        blocks.button("Deploy", "deploy_undeployed", state.thread_id, "primary"),
        blocks.button("Not now", "not_now", state.thread_id),
    ]


def _merge(merge: Merged, repo: RepoConfig) -> str:
    named = text.link(merge.url, f"#{merge.number}") if merge.number else text.short(merge.sha)
    by = f" ({people.person(merge.author, repo)})" if merge.author else ""
    return f"{named} {text.inline(merge.title, 120)}{by}"
