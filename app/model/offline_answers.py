"""What the offline planner answers from what a thread knows, each a pure function of the facts."""

from collections.abc import Callable, Mapping, Sequence

from app.core import asked
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Commit, Files, Pull
from app.core.flaky import plainly
from app.core.lanes import named
from app.core.state import State
from app.core.writing import short
from app.model.offline_words import Heard

NO_OVERRIDE = (
    "Words override no red tests: an approver can press Override on the red message of staging, "
    "and has to say why."
)
NOT_COMPARED = (
    "I could not compare with what production runs, so I cannot tell which commits it does not "
    "have."
)
WHICH_SHIPS = (
    'The card asks which of them ships: press a button, or say "ship both" or "keep this".'
)


def known(heard: Heard, state: State, repo: RepoConfig) -> str:
    """Answer a question; "" where what the thread knows is not enough."""
    if heard.kind in ("approvers", "reminder"):
        return _of_the_card(heard, state.pending, state, repo)
    answer = _OF_THE_STATE.get(heard.kind)
    return answer(state) if answer else ""


def _of_the_card(heard: Heard, card: Card | None, state: State, repo: RepoConfig) -> str:
    """Answer about the card that waits here; "" where other threads may have one."""
    if card is None:
        return ""
    if heard.kind == "reminder":
        return reminder(state, repo, card)
    return approvers(state, repo, card, heard.person)


def approvers(state: State, repo: RepoConfig, card: Card, without: str = "") -> str:
    """Say who can approve a card, but for somebody, and who was asked when."""
    others = [who for who in asked.names(repo, card) if who.partition(" ")[0].lower() != without]
    if without and len(others) < len(asked.names(repo, card)):
        return f"Besides {without}, {' or '.join(others) or 'nobody'} can approve this."
    said = (
        asked.who_may(repo, card),
        asked.so_far(state, repo, card),
        asked.what_next(state, repo, card),
    )
    return " ".join(map(_sentence, said))


def reminder(state: State, repo: RepoConfig, card: Card) -> str:
    """Say when people are reminded of a card, which nobody can choose."""
    said = f"{asked.so_far(state, repo, card)}; {asked.what_next(state, repo, card)}"
    return f"{_sentence(said)} I cannot choose another time for that."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def changes(state: State) -> str:
    """Say which commits production does not have yet, or else those that the card shows."""
    facts, card = state.facts, state.pending
    if facts and facts.commits:
        return _listed("Not on production yet, newest first:", facts.commits)
    if card and card.fullest.facts.commits:
        way = "takes out" if card.fullest.spec.kind == "rollback" else "brings"
        return _listed(f"The card above {way}, newest first:", card.fullest.facts.commits)
    if facts is None or facts.problems or any(each.sha is None for each in facts.running):
        return NOT_COMPARED
    return "I know of no commits that production does not have."


def _listed(title: str, commits: Sequence[Commit]) -> str:
    lines = [f"{short(commit.sha)} {commit.title}".rstrip() for commit in commits[:10]]
    return "\n".join([title, *lines])


def merges(state: State) -> str:
    """Say which other merges a card ships, and which is newer."""
    newer = state.offer.pulls if state.offer else ()
    told = [
        ("Newer, and tested since", newer),
        ("Shipped with this one", list(state.carried.values())),
    ]
    lines = [f"{what}: {'; '.join(map(_merge, pulls[-5:]))}." for what, pulls in told if pulls]
    if newer:
        lines.append(WHICH_SHIPS)
    return "\n".join(lines) or "This is about one merge alone, and I know of no newer one."


def _merge(pull: Pull) -> str:
    return f"{named(pull)} {pull.title}{f' by {pull.author}' if pull.author else ''}"


def jobs(state: State) -> str:
    """Say which jobs are due in front of a deploy, and for which files."""
    due: Mapping[str, Files] = state.facts.jobs if state.facts else {}
    lines = [f"{job} is due for {', '.join(files.names[:3])}." for job, files in due.items()]
    return " ".join(lines) or "No job is due."


def failure(state: State) -> str:
    """Say what failed last."""
    check = state.verification
    if check and check.passed is False:
        return "The production e2e tests failed: " + (", ".join(check.failing_tests) or "no names")
    failed = [run for run in state.runs.values() if run.outcome in ("failed", "cancelled")]
    if not failed:
        return "Nothing has failed in this thread."
    run = failed[-1]
    what = run.attempt.service or "the e2e tests"
    tests = f" Failing tests: {', '.join(run.failing_tests)}." if run.failing_tests else ""
    return f"{run.attempt.kind} of {what} on {run.attempt.environment}: {run.summary}.{tests}"


def flaky(state: State) -> str:
    """Say what is known of the tests that failed last."""
    red = [run for run in state.runs.values() if run.failing_tests]
    if not red:
        return "No test has failed in this thread."
    told = red[-1].before
    lines = [f"{plainly(one, one.test)}." for one in told[:5]]
    return "\n".join(lines) or "Nothing is known of the failing tests before this run."


def no_ignoring(state: State) -> str:
    """Say that words override no red tests, and what does."""
    staging = state.staging
    if staging is None or staging.passed is not False:
        return "No red test of staging stands in the way here."
    return f"{NO_OVERRIDE} Retry e2e there runs them again."


_OF_THE_STATE: Mapping[str, Callable[[State], str]] = {
    "changes": changes,
    "merges": merges,
    "jobs": jobs,
    "failure": failure,
    "flaky": flaky,
    "ignore red": no_ignoring,
}
