"""Says what did not go out with the rest, why, and which words try it again."""

from app.core.config import RepoConfig
from app.core.missing import IN_VAIN, Missing, missing
from app.core.state import State
from app.slack import text
from app.slack.messages import people

_MARKS = {"failed": "❌", "cancelled": "⏹️", "rejected": "🚫"}


def missing_lines(state: State, repo: RepoConfig) -> list[str]:
    """Say of each service that was wanted in vain what became of it, and how to try again.

    What people left out by their words needs no line: they know.
    """
    return [_line(each, repo) for each in _in_vain(missing(state, repo))]


def _line(each: Missing, repo: RepoConfig) -> str:
    verb = "did not run" if each.is_job else "did not get it"
    why = f"{_why(each, repo)} {text.when(each.at)}"
    mark, name = _MARKS[each.how], text.inline(each.name, 60)
    return f"{mark} *{name} {verb}:* {why}. To try again, say {text.code(each.words, 80)}."


def _why(each: Missing, repo: RepoConfig) -> str:
    what = "it" if each.is_job else "its deploy"
    match each.how:
        case "rejected":
            return f"rejected by {people.name_of(each.user, repo, call=False)}"
        case "cancelled":
            return f"{what} was cancelled"
        case _:
            return f"{what} {each.how}"


def done_but(state: State, repo: RepoConfig) -> tuple[str, str, str]:
    """Return the mark of a headline that says "done", what it says then, and how to try again."""
    found = missing(state, repo)
    names = people.all_of([text.inline(each.name, 60) for each in found])
    vain = _in_vain(found)
    if not vain:
        return "✅", f", without {names}" if found else "", ""
    why = f": {_why(vain[0], repo)}" if len(found) == 1 else ""
    return "⚠️", f", without {names}{why}", f" · {_again(vain)}"


def nothing_out(state: State, repo: RepoConfig) -> str:
    """Say that nothing is under way, and what was tried in vain."""
    vain = _in_vain(missing(state, repo))
    if not vain:
        return "✅ nothing under way here"
    names = people.all_of([text.inline(each.name, 60) for each in vain])
    return f"⚠️ nothing went out · {names}: {_why(vain[0], repo)} · {_again(vain)}"


def _in_vain(found: list[Missing]) -> list[Missing]:
    return [each for each in found if each.how in IN_VAIN]


def _again(vain: list[Missing]) -> str:
    words = " or ".join(text.code(each.words, 80) for each in vain[:2])
    return f"say {words} to try again"
