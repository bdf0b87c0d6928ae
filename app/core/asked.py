"""Who is asked about a card, since when, and what comes next, in plain text for the agent."""

from app.core import approvers
from app.core.config import RepoConfig
from app.core.events import Candidate
from app.core.records import Card
from app.core.reminding import next_call, reminded
from app.core.state import State
from app.core.untrusted import one_line
from app.core.writing import local

MAX_NAMES = 8


def names(repo: RepoConfig, card: Card) -> list[str]:
    """Name those who can approve a step that needs it, as far as that is known; groups by id."""
    left = [step for step in card.steps if card.missing(step)]
    able = {each.user: each for step in left for each in approvers.able(step.facts)}
    people = [name(repo, each) for user, each in able.items() if user not in card.approvers]
    unread = dict.fromkeys(group for step in left for group in approvers.unread(step.facts))
    groups = [f"the user group {group}" for group in unread]
    more = len(people[MAX_NAMES:]) + max((step.facts.more for step in left), default=0)
    return [*people[:MAX_NAMES], *groups, *([f"{more} more"] if more else [])]


def name(repo: RepoConfig, each: Candidate) -> str:
    """Name somebody by their login, else as the chat does, else by their id."""
    logins = (login for login, user in repo.people.items() if user == each.user)
    who = next(logins, None) or one_line(each.name) or each.user
    return f"{who} (on holiday)" if each.away else who


def told(state: State, repo: RepoConfig, card: Card) -> str:
    """Say all of it."""
    parts = (who_may(repo, card), so_far(repo, card), what_next(state, repo, card))
    return "; ".join(parts)


def who_may(repo: RepoConfig, card: Card) -> str:
    """Say who can approve, and how many still have to."""
    left = max(map(card.missing, card.steps))
    listed = " or ".join(names(repo, card)) or "nobody"
    needed = f" ({left} approvals needed)" if left > 1 else ""
    return f"{listed} can approve this{needed}"


def so_far(repo: RepoConfig, card: Card) -> str:
    """Say since when people are asked."""
    quiet, reminder = card.request.facts.quiet_until, reminded(card, "reminder")
    escalation = reminded(card, "escalation")
    if reminder is None and quiet is not None:
        said = f"nobody is called before working hours, {local(quiet, repo.zone)}"
    else:
        at = reminder.at if reminder and quiet is not None else card.at
        said = f"asked {local(at, repo.zone)}"
    if reminder and quiet is None:
        said += f", reminded {local(reminder.at, repo.zone)}"
    return said + (f", escalated {local(escalation.at, repo.zone)}" if escalation else "")


def what_next(state: State, repo: RepoConfig, card: Card) -> str:
    """Say whom code calls next, and when."""
    call = next_call(state, repo, card)
    expires = f"the card expires {local(card.expires_at, repo.zone)}"
    if call is None:
        return f"nobody is called again; {expires}"
    what = "they are reminded once" if call.kind == "reminder" else "others are told once"
    return f"{what}, {local(call.at, repo.zone)}; {expires}"
