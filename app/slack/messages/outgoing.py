"""Says that what this merge was for went out with another one, or was taken back with it."""

from app.core import outgoing
from app.core.config import RepoConfig
from app.core.events import Pull
from app.core.state import State
from app.slack import text
from app.slack.messages import people
from app.slack.messages.lanes import titled

ANOTHER = "another thread"
CONTINUE = "say `continue` to take it up again"


def out_line(state: State, repo: RepoConfig) -> str:
    """Say what is on production already, by which thread, and whether anything is left to do."""
    if not state.went_out:
        return ""
    left = outgoing.left(state, repo)
    newest = list(state.went_out.values())[-1]
    names = people.all_of([text.inline(service, 60) for service in state.went_out])
    verb = "has" if len(state.went_out) == 1 else "have"
    thread = f"the thread of {titled(newest)}" if newest.sha else ANOTHER
    out = f"{names} {verb} this on production already, by {thread}"
    staging = state.staging
    said_no = state.stopped_by or staging is None or staging.is_good
    if not left:
        return f"{out}: nothing to continue" if said_no else out
    rest = people.all_of([text.inline(service, 60) for service in left])
    if said_no:
        return f"{out} · say `continue` to take {rest} up again"
    return f"{out} · {rest} {'does' if len(left) == 1 else 'do'} not"


def shipped_line(state: State) -> str:
    """Say of a merge that another one ships that it is out, or was; empty if it is neither."""
    if state.out_at is not None and state.went_out:
        newest = _named(list(state.went_out.values())[-1])
        return f"✅ on production with {newest} · since {text.when(state.out_at)}"
    if not state.taken_back:
        return ""
    newest = _named(list(state.taken_back.values())[-1])
    names = people.all_of([text.inline(service, 60) for service in state.taken_back])
    return f"↩️ went out with {newest}, and was rolled back: {names}"


def _named(pull: Pull) -> str:
    return titled(pull) if pull.sha else ANOTHER
