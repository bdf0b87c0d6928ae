"""Says that what people stopped or rejected here went out with another merge all the same."""

from app.core import outgoing
from app.core.config import RepoConfig
from app.core.state import State
from app.slack import text
from app.slack.messages import people
from app.slack.messages.lanes import titled

CONTINUE = "say `continue` to take it up again"


def out_line(state: State, repo: RepoConfig) -> str:
    """Say what is on production already, by which thread, and whether anything is left to do."""
    if not state.went_out:
        return ""
    left = outgoing.left(state, repo)
    newest = list(state.went_out.values())[-1]
    names = people.all_of([text.inline(service, 60) for service in state.went_out])
    verb = "has" if len(state.went_out) == 1 else "have"
    thread = f"the thread of {titled(newest)}" if newest.sha else "another thread"
    out = f"{names} {verb} this on production already, by {thread}"
    if not left:
        return f"{out}: nothing to continue"
    rest = people.all_of([text.inline(service, 60) for service in left])
    return f"{out} · say `continue` to take {rest} up again"
