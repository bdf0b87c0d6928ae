"""Who could approve a card, found out when it is made: people, not only the names of groups."""

from app.core import approvers, hours
from app.core.events import CardFacts
from app.core.people import Roster, is_group
from tools.tool import Desk


async def with_approvers(desk: Desk, service: str, facts: CardFacts) -> CardFacts:
    """Add who may approve for a service, and whether nobody is to be called for it yet."""
    named = desk.repo.approvers_of(service)
    roster = await desk.directory.roster(named) if desk.directory else _as_configured(named)
    changes = {
        "approvers": tuple(who for who in named if who not in facts.barred),
        "needed": desk.repo.approvals_needed_for(service),
        "candidates": approvers.candidates(roster, facts.barred),
        "more": roster.more,
        "unread": roster.unread,
        "empty": roster.empty,
        "unchecked": (*facts.unchecked, *approvers.unchecked(roster)),
        "quiet_until": quiet_until(desk),
    }
    return facts.model_copy(update=changes)


def quiet_until(desk: Desk) -> int | None:
    """Return when working time begins that people are to be called in; None if they are now."""
    if desk.state.is_urgent or hours.is_open(desk.repo.hours, desk.now):
        return None
    return hours.opens(desk.repo.hours, desk.now)


def expires_at(desk: Desk) -> int:
    """Return when a card made now expires: not before people had working time to be called in."""
    repo, begins = desk.repo, quiet_until(desk) or desk.now
    life = repo.approval_expires_seconds * 1000
    expires = begins + life
    if desk.state.is_urgent or hours.is_open(repo.hours, expires):
        return expires
    calls = min(life, 2 * repo.escalate_after_seconds * 1000)  # to be reminded, to escalate, to act
    return max(expires, hours.after(repo.hours, begins, calls))


def _as_configured(named: tuple[str, ...]) -> Roster:
    groups = tuple(name for name in named if is_group(name))
    return Roster(unseen=tuple(name for name in named if name not in groups), unread=groups)
