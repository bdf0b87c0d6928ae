"""Who could approve a card, found out when it is made: people, not only the names of groups."""

from collections.abc import Sequence

from app.core import approvers, hours, locks
from app.core.events import CardFacts
from app.core.people import Roster, is_group
from tools.tool import Desk

LONGEST_QUIET_MS = 30 * 24 * 3600 * 1000  # a freeze may never end


async def with_approvers(
    desk: Desk, service: str, facts: CardFacts, frozen_until: int | None
) -> CardFacts:
    """Add who may approve for a service, and whether nobody is to be called for it yet.

    `frozen_until` is when the freezes end that stand against a step of the card.
    """
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
        "quiet_until": quiet_until(desk, frozen_until),
        "frozen_until": frozen_until,
    }
    return facts.model_copy(update=changes)


def frozen_until(desk: Desk, services: Sequence[str]) -> int | None:
    """Return when all of these services are out of their freezes; None if they are, or urgent."""
    frozen = (locks.frozen(desk.repo, service, desk.now) for service in services)
    ends = [block.until for block in frozen if block and block.until is not None]
    if desk.state.is_urgent or not ends:
        return None
    return min(max(ends), desk.now + LONGEST_QUIET_MS)


def quiet_until(desk: Desk, frozen_until: int | None) -> int | None:
    """Return when people are to be called, in working time and out of freezes; None if now."""
    if desk.state.is_urgent:
        return None
    opens = hours.opens(desk.repo.hours, frozen_until or desk.now)
    return None if opens == desk.now else opens


def expires_at(desk: Desk, frozen_until: int | None) -> int:
    """Return when a card made now expires: not before people had working time to be called in."""
    repo, begins = desk.repo, quiet_until(desk, frozen_until) or desk.now
    life = repo.approval_expires_seconds * 1000
    expires = begins + life
    if desk.state.is_urgent or hours.is_open(repo.hours, expires):
        return expires
    calls = min(life, 2 * repo.escalate_after_seconds * 1000)  # to be reminded, to escalate, to act
    return max(expires, hours.after(repo.hours, begins, calls))


def _as_configured(named: tuple[str, ...]) -> Roster:
    groups = tuple(name for name in named if is_group(name))
    return Roster(unseen=tuple(name for name in named if name not in groups), unread=groups)
