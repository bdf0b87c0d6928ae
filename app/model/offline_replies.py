"""What the offline planner says: every sentence a pure function of the facts."""

from collections.abc import Mapping, Sequence

from app.core import asked
from app.core.config import RepoConfig
from app.core.events import Commit, FailedBefore, Files, Pull
from app.core.lanes import named
from app.core.spec import ActionSpec
from app.core.state import State
from app.core.writing import short

NAME = "offline planner"
BUTTON = "Words do not approve: only the Approve button on the card counts."
AHEAD = (
    "Words do not approve, also not ahead: only a button does. Press Approve when staging is green "
    "on the status message where it is offered; else a card comes when staging is green."
)
NO_OVERRIDE = (
    "Words override no red tests: an approver can press Override on the red message of staging, "
    "and has to say why."
)
NO_CARD = "Nothing waits for approval at the moment."
CARD_WAITS = "The card above still waits for Approve."
SAME_CARD = f"The card above is exactly that. {CARD_WAITS}"
UNCLEAR = (
    "I am the offline planner and did not understand that. What should I do? "
    'Say "help" to see what I understand.'
)
STILL_UNCLEAR = "I still did not understand. You can say"
NOT_ANSWERED = "I cannot answer that."
ONCE = (STILL_UNCLEAR, NOT_ANSWERED)
NO_WAIT = (
    'That is no time to wait: nothing has changed. Say how long, like "wait 10 minutes", or until '
    'when, like "wait until 15:00".'
)
UNSURE = "I did not make this plan and cannot ask who did. What should I do next?"
MOVED_ON = "Production has moved on since this thread. Which service should go back?"
NOTHING_TO_GO_BACK = (
    "I know of no newest deploy to take back: nothing is recorded, or the last change was a "
    "rollback. Which service should go back?"
)
AS_ASKED = "As asked for in this thread"
AGAIN = "Shall I propose it again?"
GOES_ON = "That is what the plan does next."
NO_JOB_GOES_BACK = "A job cannot be rolled back: what it did stays. What should I do?"
NOT_COMPARED = (
    "I could not compare with what production runs, so I cannot tell which commits it does not "
    "have."
)
WHICH_SHIPS = (
    'The card asks which of them ships: press a button, or say "ship both" or "keep this".'
)
GIVEN_UP = "I did not understand what a person wrote, and it may be against the rest of the plan"
NOT_UNDERSTOOD = "I did not understand that."
NOTED = "Noted. I go on as soon as what is running now has ended."
NOTED_END = "Noted. I stop here as soon as what is running now has ended."
ASK_LATER = "I ask again when what is running now has ended."
SAY_AGAIN = 'Say it in other words, or say "help".'
SAY_LATER = "That cannot be done while something is running. Say it again when it has ended."
STOPPED = 'This thread is stopped; "continue" takes it up again.'
NOTED_STOPPED = f"Noted. {STOPPED}"
OUTCOME_FIRST = "First somebody has to say above what came of the effect that nobody knows."


def spelt(service: str) -> str:
    """Spell a service as people do."""
    return service.replace("_", " ")


def rejected(specs: Sequence[ActionSpec]) -> str:
    """Say that a card was rejected, and ask whether to propose it again."""
    if len(specs) > 1:
        steps = ", ".join(spelt(spec.service) for spec in specs)
        return f"The plan ({steps}) was rejected. {AGAIN}"
    [spec] = specs
    way = {"deploy": "", "job": "job "}.get(spec.kind, "rollback of ")
    return f"The {way}{spelt(spec.service)} was rejected. {AGAIN}"


def due(files: Files) -> str:
    """Say why a job is proposed."""
    new = f"{files.names[0]} is new" if files.total == 1 else f"{files.total} files for it are new"
    return f"It is due before the deploy: {new}."


def why_back(by_button: bool, red: Sequence[str] | None) -> str:
    """Say why a rollback is proposed: who called for it, and what fails where that is known."""
    failing = f"Failing on production: {', '.join(red[:3])}." if red else ""
    if by_button:
        return f"Asked for with the Roll back button. {failing}".rstrip()
    return failing or "Production tests are red."


def still_unclear(choices: Sequence[str]) -> str:
    """Say once more that the words were not understood, and which would be."""
    understood = ", ".join(f'"{choice}"' for choice in (*choices, "help"))
    return f"{STILL_UNCLEAR} {understood}."


def not_answered(card_waits: bool) -> str:
    """Say that this is nothing that the planner knows, and that the card stays."""
    return f"{NOT_ANSWERED} {CARD_WAITS}" if card_waits else NOT_ANSWERED


def not_now(state: State, tool: str) -> str:
    """Say why a step cannot be taken now, and when it can; `tool` is what would be called."""
    ends = tool.startswith(("done_", "nothing_"))
    planned = ends or tool.endswith(("_to_prod", "_in_prod", "propose_plan"))
    if tool == "request_more_information":
        return f"{NOT_UNDERSTOOD} {_what_holds(state) or SAY_AGAIN}"
    if state.stopped_by:
        return STOPPED if ends or not planned else NOTED_STOPPED
    if state.unknown:
        return OUTCOME_FIRST
    if not planned or not _goes_on(state):
        return SAY_LATER
    return NOTED_END if ends else NOTED


def _what_holds(state: State) -> str:
    if state.stopped_by:
        return STOPPED
    if state.unknown:
        return OUTCOME_FIRST
    return ASK_LATER if _effect_runs(state) else ""


def _effect_runs(state: State) -> bool:
    running = state.running
    return state.approved is not None or (running is not None and running.is_production_effect)


def _goes_on(state: State) -> bool:
    """Tell whether a step is due when what runs has ended; after the last tests none is."""
    staging = state.staging is not None and state.staging.passed is None
    return _effect_runs(state) or staging or state.verify_requested


def approvers(state: State, repo: RepoConfig, without: str = "") -> str:
    """Say who can approve the card that waits, but for somebody, and who was asked when."""
    card = state.pending
    if card is None:
        return NO_CARD
    others = [who for who in asked.names(repo, card) if who.partition(" ")[0].lower() != without]
    if without and len(others) < len(asked.names(repo, card)):
        return f"Besides {without}, {' or '.join(others) or 'nobody'} can approve this."
    said = (
        asked.who_may(repo, card),
        asked.so_far(state, repo, card),
        asked.what_next(state, repo, card),
    )
    return " ".join(map(_sentence, said))


def reminder(state: State, repo: RepoConfig) -> str:
    """Say when people are reminded, which nobody can choose."""
    card = state.pending
    if card is None:
        return NO_CARD
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
    lines = [_before(one) for one in told[:5]]
    return "\n".join(lines) or "Nothing is known of the failing tests before this run."


def _before(told: FailedBefore) -> str:
    if not told.failed:
        return f"{told.test} did not fail in the {told.runs} runs before."
    times = f"{told.test} failed {told.failed} of the last {told.runs}"
    if told.is_flaky:
        return f"{times}, {'each time ' if told.failed > 1 else ''}green on re-run."
    return f"{times}, and was green on re-run {told.green} times."


def no_ignoring(state: State) -> str:
    """Say that words override no red tests, and what does."""
    staging = state.staging
    if staging is None or staging.passed is not False:
        return "No red test of staging stands in the way here."
    return f"{NO_OVERRIDE} Retry e2e there runs them again."


def fetched(what: str, result: str) -> str:
    """Show what a reading tool answered."""
    return f"{what}:\n{result}"


def unknown_sha(sha: str, known: Sequence[Commit]) -> str:
    """Say that nobody here knows a SHA, and which ones there are."""
    nearest = ", ".join(f"{short(c.sha)} {c.title}".rstrip() for c in known[-4:]) or "none"
    return f"I know no single commit {sha} here. Known: {nearest}."


def there_already(services: Sequence[str], sha: str, ahead: Sequence[str] = ()) -> str:
    """Say that services run a commit already, or a newer one: those that are `ahead`."""
    same = [service for service in services if service not in ahead]
    verb = "runs" if len(same) == 1 else "run"
    told = [f"{' and '.join(same)} {verb} {short(sha)} on production already"] if same else []
    return ". ".join([*told, *_newer(ahead, sha)]) + "."


def _newer(services: Sequence[str], sha: str) -> list[str]:
    verb = "runs" if len(services) == 1 else "run"
    names = " and ".join(services)
    return [f"{names} {verb} a newer commit, which has {short(sha)} in it"] if services else []


def done(
    shipped: Mapping[str, str],
    left: Mapping[str, str | None],
    why: str,
    ran: Mapping[str, str],
    ahead: Sequence[str] = (),
    sha: str = "",
) -> str:
    """Say what a plan brought to production and ran there, and what is left or `ahead` of it."""
    parts: list[str] = []
    if ran:
        parts.append("Ran " + ", ".join(f"{job} for {short(v)}" for job, v in ran.items()))
    if shipped:
        parts.append(
            "On production now: " + ", ".join(f"{s} {short(v)}" for s, v in shipped.items())
        )
    if left:
        stays = ", ".join(
            f"{s} stays {f'at {short(v)}' if v else 'as it is'}" for s, v in left.items()
        )
        parts.append(f"{stays}, {why}" if why else stays)
    parts += _newer(ahead, sha)
    return ". ".join(parts) + "." if parts else "Nothing was deployed."
