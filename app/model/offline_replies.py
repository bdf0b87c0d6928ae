"""What the offline planner says: every sentence a pure function of the facts."""

from collections.abc import Mapping, Sequence

from app.core.events import Commit, Files, Running
from app.core.spec import ActionSpec
from app.core.state import State
from app.core.writing import short

NAME = "offline planner"
BUTTON = "Words do not approve: only the Approve button on the card counts."
AHEAD = (
    "Words do not approve, also not ahead: only a button does. Press Approve when staging is green "
    "on the status message where it is offered; else a card comes when staging is green."
)
NO_CARD = "Nothing waits for approval here."
CARD_WAITS = "The card above still waits for Approve."
SAME_CARD = f"The card above is exactly that. {CARD_WAITS}"
UNCLEAR = (
    "I am the offline planner and did not understand that. What should I do? "
    'Say "help" to see what I understand.'
)
STILL_UNCLEAR = "I still did not understand. You can say"
NOT_ANSWERED = "I cannot answer that."
ASK_ME = (
    'Ask "what is happening?", "what is waiting?", "what is on production?" or "why does this '
    'wait?", or say "help".'
)
KEEP = "keep the card"
HELD = (
    "Words do not approve. The card above is held by words that I did not understand: whoever "
    'wrote them can say "keep the card" or "never mind", or an approver can release it.'
)
ONCE = (STILL_UNCLEAR, NOT_ANSWERED)
NO_WAIT = (
    'That is no time to wait: nothing has changed. Say how long, like "wait 10 minutes", or until '
    'when, like "wait until 15:00".'
)
HOW_TO_LOCK = (
    'Anyone may lock a service: say "lock backend until 15:00 because load test", and nothing '
    'begins on it meanwhile. Whoever locked it, or an approver, says "unlock backend".'
)
UNSURE = "I did not make this plan and cannot ask who did. What should I do next?"
MOVED_ON = "Production has moved on since this thread."
WHICH_BACK = "Which service should go back?"
NOTHING_TO_GO_BACK = (
    "I know of no newest deploy to take back: nothing is recorded, or the last change was a "
    "rollback. Which service should go back?"
)
AS_ASKED = "As asked for in this thread"
AGAIN = "Shall I propose it again?"
GOES_ON = "That is what the plan does next."
NO_JOB_GOES_BACK = "A job cannot be rolled back: what it did stays. What should I do?"
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
    """Say what can be asked instead of what the planner does not know, and that the card stays."""
    return " ".join([NOT_ANSWERED, *([CARD_WAITS] if card_waits else []), ASK_ME])


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


def nothing_back(state: State) -> str:
    """Say that nothing of a thread's commit can be taken back: it is nowhere, or in a newer one."""
    sha = str(state.sha)
    running = state.facts.running if state.facts else ()
    ahead = [r.service for r in running if r.ahead_of == sha and not state.is_untouched(r.service)]
    if ahead:
        named = " and ".join(map(spelt, ahead))
        out = _takes_out([r for r in running if r.service in ahead])
        that = f": that takes {out}" if out else ""
        parts = [f"{_newer(ahead, sha)[0]}.", f'To take that back, say "roll back {named}"{that}.']
    else:
        parts = [
            f"Nothing of {short(sha)} is on production, so there is nothing to take back here.",
            'To take back something else, say "roll back" and the name of its service.',
        ]
    return " ".join([*parts, CARD_WAITS] if state.pending else parts)


def moved_on(state: State) -> str:
    """Ask what should go back where none is this thread's own any more, and say what that takes."""
    out = _takes_out(state.facts.running if state.facts else ())
    return " ".join([MOVED_ON, *([f"Going back takes {out}."] if out else []), WHICH_BACK])


def _takes_out(running: Sequence[Running]) -> str:
    """Say which merges leave which services, those of the same merges together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for each in running:
        if each.takes_out:
            found.setdefault(each.takes_out, []).append(spelt(each.service))
    of = [f"{', '.join(out)} out of {' and '.join(of)}" for out, of in found.items()]
    return ", and ".join(of)


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
