"""Says that what this merge was for went out elsewhere, or was taken back there, and links it."""

from collections.abc import Iterable, Mapping

from app.core import lanes, outgoing
from app.core.config import RepoConfig
from app.core.events import Pull
from app.core.records import Elsewhere
from app.core.state import State
from app.slack import text
from app.slack.messages import people
from app.slack.messages.lanes import titled
from app.slack.permalinks import permalink

ANOTHER = "another thread"
CONTINUE = "say `continue` to take it up again"


def out_line(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    """Say what is on production already, by which thread, and whether anything is left to do."""
    if not state.went_out:
        return ""
    left = outgoing.left(state, repo)
    newest = list(state.went_out.values())[-1]
    names = _names(state.went_out)
    verb = "has" if len(state.went_out) == 1 else "have"
    out = f"{names} {verb} this on production already, by {by_thread(newest, facts)}"
    staging = state.staging
    said_no = state.stopped_by or staging is None or staging.is_good
    if not left:
        return f"{out}: nothing to continue" if said_no else out
    rest = people.all_of([text.inline(service, 60) for service in left])
    if said_no:
        return f"{out} · say `continue` to take {rest} up again"
    return f"{out} · {rest} {'does' if len(left) == 1 else 'do'} not"


def back_line(state: State, facts: Mapping[str, str]) -> str:
    """Say what another thread rolled back of what this merge brought out, when, and by which."""
    if not state.taken_back:
        return ""
    newest = list(state.taken_back.values())[-1]
    out = "rolled back"
    if newest.was:
        out = f"went out with {_named(newest.was)}, and was rolled back"
    since = f"since {text.when(newest.at)}"
    return f"↩️ {out}: {_names(state.taken_back)} by {by_thread(newest, facts)} · {since}"


def shipped_line(state: State, facts: Mapping[str, str]) -> str:
    """Say of a merge that another one ships that it is out, or was; empty if it is neither."""
    if state.out_at is not None and state.went_out:
        newest = list(state.went_out.values())[-1]
        return f"✅ on production with {_by(newest, facts)} · since {text.when(state.out_at)}"
    return back_line(state, facts)


def by_thread(each: Elsewhere, facts: Mapping[str, str]) -> str:
    """Name the thread that did it, with a link to it as far as Slack's address is known."""
    address = permalink(facts, each.message) if each.message else ""
    if not each.by.number:
        return text.link(address, ANOTHER)
    if not address:
        return f"the thread of {titled(each.by)}"
    thread = text.link(address, f"the thread of {lanes.named(each.by)}")
    return f"{thread} {text.inline(each.by.title, 120)}".rstrip()


def _by(each: Elsewhere, facts: Mapping[str, str]) -> str:
    return titled(each.by) if each.by.number else by_thread(each, facts)


def _named(pull: Pull) -> str:
    return titled(pull) if pull.number else ANOTHER


def _names(services: Iterable[str]) -> str:
    return people.all_of([text.inline(service, 60) for service in services])
