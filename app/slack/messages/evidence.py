"""What a card says for and against approving it: tests, what goes out with it, who may approve."""

from collections.abc import Sequence

from app.core import hours
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import CardFacts, Commit, Declined, Spoken
from app.core.reminding import at_any_hour, kept_by, quiet_until
from app.core.state import State
from app.slack import text
from app.slack.messages import lanes, people
from app.slack.messages.approving import who_may
from app.slack.messages.override import override_lines

MAX_COMMITS = 10
MAX_DECLINED = 8


def evidence_lines(state: State, card: Card, repo: RepoConfig, now: int) -> str:
    """Tell what was tested, what is left out, what else goes out, who may approve, until when."""
    request = card.request
    tested = "This version" if request.spec.kind == "rollback" else "Staging"
    staging = request.facts.staging
    if request.ahead and state.staging:  # it was put up before there was anything to tell
        staging = state.staging.summary
    unchecked = dict.fromkeys(fact for step in card.steps for fact in step.facts.unchecked)
    risks = dict.fromkeys(step.facts.risky for step in card.steps if step.facts.risky)
    risky = "; ".join(text.inline(why, 300) for why in risks)
    rows = [
        *override_lines(card),
        f"*{tested}:* {text.inline(staging, 300)}" if staging else "",
        _left_out(card),
        *objections(card, repo),
        f"*Risky:* {risky}" if risky else "",
        *who_may(state, card, repo),
        _quiet(state, card, repo, now),
        *(f"*Not checked:* {text.inline(fact, 200)}" for fact in list(unchecked)[:5]),
        f"*Expires:* {text.when(card.expires_at)} · run {text.code(request.spec_hash[:8])}",
    ]
    return "\n".join(row for row in rows if row)


def commit_rows(facts: CardFacts) -> list[str]:
    """List the newest commits of a step, and say how many more there are."""
    shown = facts.commits[:MAX_COMMITS]
    rows = [_commit(commit) for commit in shown]
    more = max(facts.commits_total, len(facts.commits)) - len(shown)
    return [*rows, f"… and {more} more (cut)"] if more > 0 else rows


def _commit(commit: Commit) -> str:
    by = f" · {text.inline(commit.author, 60)}" if commit.author else ""
    return f"{text.short(commit.sha)} {text.inline(commit.title, 120)}{by}"


def _left_out(card: Card) -> str:
    steps = [step.name for step in card.steps]
    names = [text.inline(name, 60) for name in card.request.facts.left_out if name not in steps]
    return f"*Left out:* {', '.join(names)}: this merge changes nothing of it" if names else ""


def objections(card: Card, repo: RepoConfig) -> list[str]:
    """Name the merges that go out with it, although people, or staging, said no or something.

    Those to which the same was said share a line, but for one that people wrote of.
    """
    said_no = dict.fromkeys(each for step in card.steps for each in step.facts.declined)
    wrote = dict.fromkeys(each for step in card.steps for each in step.facts.spoken)
    quoted = {each.pull.thread_id: each for each in (*wrote, *card.spoken)}
    found = list(dict.fromkeys((*said_no, *card.declined)))
    others = [each for each in found if each.how != "rolled back"]
    shown = others[:MAX_DECLINED]
    together: dict[tuple[str, str, str], list[Declined]] = {}
    for each in [*shown, *(each for each in found if each.how == "rolled back")]:
        own = each.pull.thread_id if each.pull.thread_id in quoted else ""
        together.setdefault((each.how, each.user, own), []).append(each)
    rows = [_declined(same, quoted.pop(own, None), repo) for (*_, own), same in together.items()]
    more = people.all_of([lanes.link(each.pull) for each in others[MAX_DECLINED:]])
    rows += [f"⚠️ And {more}, to which people, or staging, said no"] if more else []
    return [*rows, *(_spoken(each, repo) for each in quoted.values())]


def _declined(same: Sequence[Declined], wrote: Spoken | None, repo: RepoConfig) -> str:
    """Name merges to which the same person said no, or that were red, or rolled back; quote one."""
    pulls, one = [each.pull for each in same], len(same) == 1
    named = [lanes.titled(pull) for pull in pulls[:MAX_DECLINED]]
    named += [lanes.link(pull) for pull in pulls[MAX_DECLINED:]]
    go = "Goes" if one else "Go"
    said = f"⚠️ *{go} out with it:* {people.all_of(named)}, which {_said_no(same[0], one, repo)}"
    return f"{said}; {_quote(wrote, repo)}" if wrote else said


def _said_no(each: Declined, one: bool, repo: RepoConfig) -> str:
    if each.how in ("red", "rolled back"):
        how = "red on staging" if each.how == "red" else each.how
        return f"{'was' if one else 'were'} {how}"
    by = people.name_of(each.user, repo, call=False)
    return f"{by} {each.how} in {'its thread' if one else 'their threads'}"


def _spoken(each: Spoken, repo: RepoConfig) -> str:
    """Quote what people wrote of a merge that goes out with it, which nobody would read else."""
    return f"💬 *Goes out with it:* {lanes.titled(each.pull)}, of which {_quote(each, repo)}"


def _quote(each: Spoken, repo: RepoConfig) -> str:
    by, said = people.name_of(each.user, repo, call=False), text.quoted(each.text)
    return f"{by} wrote: “{text.inline(said, 200)}”"


def _quiet(state: State, card: Card, repo: RepoConfig, now: int) -> str:
    """Say that nobody was called, and when that is made up for; or why they were at this hour."""
    quiet = quiet_until(state, repo, card)
    if at_any_hour(state, card) and not state.is_urgent and not hours.is_open(repo.hours, card.at):
        why = "production is red" if state.red else "a rollback does not wait"
        return f"*Outside working hours,* but {why}: people are called at once."
    if quiet is None or quiet <= now:
        return ""
    match kept_by(card):
        case "lock":
            begins = (
                f"*Locked*, so people are called when it is over, {text.when(quiet)} at the latest"
            )
        case "freeze":
            begins = f"*Frozen*, so people are called {text.when(quiet)}"
        case _:
            begins = f"*Working hours* begin {text.when(quiet)}"
    return f"{begins}; nobody is called before that."
