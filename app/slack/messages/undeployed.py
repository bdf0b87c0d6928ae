"""The question about what is merged but not on production, and what became of it."""

from collections.abc import Mapping, Sequence

from app.core import undeployed
from app.core.answers import more_than
from app.core.config import RepoConfig
from app.core.events import Merged, UndeployedFound
from app.core.state import State
from app.core.writing import listed
from app.slack import blocks, text
from app.slack.blocks import Block
from app.slack.messages import people, runs

SHOWN = 10


def undeployed_line(
    state: State, found: UndeployedFound, repo: RepoConfig, facts: Mapping[str, str]
) -> str:
    """Say what is merged but not on production, and ask; or how that ended."""
    merges = undeployed.each_once(found.merges)
    count = len(merges)
    are = f"{_counted(merges)} {'is' if count == 1 else 'are'}"
    shown = _lines(merges[:SHOWN], repo)
    more = [f"• {more_than(count - SHOWN)}"] if count > SHOWN else []
    ending, left = undeployed.over(state, facts), undeployed.left(state, found, facts)
    services = people.all_of([text.inline(name, 60) for name in left])
    asks = f"Deploy {text.short(found.sha)}, the newest that passed staging, to {services}?"
    title = f"📦 *{are} not on production:*"
    return text.joined([title, *shown, *more, ending or asks])


def _counted(merges: Sequence[Merged]) -> str:
    """Count merges, and apart from them the commits of which nobody knows one."""
    pulls = sum(1 for merge in merges if merge.number)
    found = ((pulls, "merge"), (len(merges) - pulls, "commit"))
    return listed([runs.counted(number, what) for number, what in found if number])


def undeployed_buttons(state: State, facts: Mapping[str, str]) -> list[Block]:
    """Return the two answers, while one is wanted."""
    if undeployed.over(state, facts):
        return []
    return [
        blocks.button("Deploy", "deploy_undeployed", state.thread_id, "primary"),
        blocks.button("Not now", "not_now", state.thread_id),
    ]


def _lines(merges: Sequence[Merged], repo: RepoConfig) -> list[str]:
    """List merges; each author is called once, however many are theirs."""
    called = set[str]()
    lines: list[str] = []
    for merge in merges:
        lines.append(f"• {_merge(merge, repo, call=merge.author not in called)}")
        called.add(merge.author)
    return lines


def _merge(merge: Merged, repo: RepoConfig, *, call: bool) -> str:
    named = text.link(merge.url, f"#{merge.number}") if merge.number else text.short(merge.sha)
    author = people.person(merge.author, repo) if call else text.inline(merge.author, 80)
    by = f" ({author})" if merge.author else ""
    return f"{named} {text.inline(merge.title, 120)}{by}{_said_no(merge, repo)}"


def _said_no(merge: Merged, repo: RepoConfig) -> str:
    """Say why it did not go out by itself, or not for long; nobody is called for it."""
    match merge.how:
        case "":
            return ""
        case "red":
            return " · ⚠️ red on staging"
        case "rolled back":
            return " · ⚠️ was rolled back"
        case _:
            by = people.name_of(merge.user, repo, call=False)
            return f" · ⚠️ {merge.how} by {by} in its thread"
