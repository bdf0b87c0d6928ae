"""Who is asked about a card, since when, and what comes next, in plain text for the agent."""

from collections.abc import Mapping

from app.core import approvers
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import CallKind, Candidate
from app.core.made_anew import again
from app.core.reminding import first_asked, kept_by, next_call, quiet_until
from app.core.state import State
from app.core.untrusted import one_line
from app.core.writing import utc

MAX_NAMES = 8
CALLED: Mapping[CallKind, str] = {
    "urgent": "called as urgent",
    "hotfix": "called because a hotfix waits behind it",
    "again": "called for what they approved before",
    "reminder": "reminded",
    "escalation": "escalated",
}
NEXT: Mapping[CallKind, str] = {
    "urgent": "they are called as it is urgent",
    "again": "those who approved the card before this one are called",
    "reminder": "they are reminded once",
    "escalation": "others are told once",
}


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
    before = " and ".join(name(repo, Candidate(user=user)) for user in again(card))
    lost = [f"{before} approved it before it was made anew, which no longer counts"]
    parts = (who_may(repo, card), so_far(state, repo, card), what_next(state, repo, card))
    return "; ".join((*parts, *(lost if before else [])))


def who_may(repo: RepoConfig, card: Card) -> str:
    """Say who can approve, and how many still have to."""
    left = max(map(card.missing, card.steps))
    listed = " or ".join(names(repo, card)) or "nobody"
    needed = f" ({left} approvals needed)" if left > 1 else ""
    return f"{listed} can approve this{needed}"


def so_far(state: State, repo: RepoConfig, card: Card) -> str:
    """Say since when people are asked."""
    quiet, first = quiet_until(state, repo, card), first_asked(card)
    said = "nobody was asked" if first is None else f"asked {utc(first)}"
    if quiet is not None and first is None:
        kept = kept_by(card)
        opens = f"the end of the {kept}" if kept else "working hours"
        latest = "at the latest " if kept == "lock" else ""
        said = f"nobody is called before {opens}, {latest}{utc(quiet)}"
    later = (call for call in card.reminded if call.at != first)
    return said + "".join(f", {CALLED[call.kind]} {utc(call.at)}" for call in later)


def what_next(state: State, repo: RepoConfig, card: Card) -> str:
    """Say whom code calls next, and when."""
    call = next_call(state, repo, card)
    expires = f"the card expires {utc(card.expires_at)}"
    if call is None:
        return f"nobody is called again; {expires}"
    what = NEXT[call.kind]
    return f"{what}, {utc(call.at)}; {expires}"
