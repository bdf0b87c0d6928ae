"""Who could approve a card, found out when it is made: people, not only the names of groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import approvers, hours, policy
from app.core.events import CardFacts
from app.core.people import Roster, is_group
from app.core.reminding import LONGEST_QUIET_MS
from app.core.spec import EffectKind
from tools.tool import Desk


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when locks and freezes keep people from approving a card, as far as is known now."""

    until: int
    locked: bool


async def with_approvers(
    desk: Desk, service: str, facts: CardFacts, kept: Kept | None
) -> CardFacts:
    """Add who may approve for a service, and whether nobody is to be called for it yet.

    `kept` is what stands against some step of the card.
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
        "quiet_until": quiet_until(desk, kept),
        "frozen_until": kept.until if kept else None,
        "locked": kept is not None and kept.locked,
    }
    return facts.model_copy(update=changes)


def kept(desk: Desk, steps: Sequence[tuple[EffectKind, str]]) -> Kept | None:
    """Return what keeps people from approving these steps; None if nothing does, or urgent."""
    found = [
        block
        for kind, service in steps
        for block in policy.blocks_of(desk.repo, kind, service, desk.facts, desk.now)
    ]
    if desk.state.is_urgent or not found:
        return None
    latest = desk.now + LONGEST_QUIET_MS
    ends = (latest if block.until is None else block.until for block in found)
    return Kept(min(max(ends), latest), any(block.user for block in found))


def quiet_until(desk: Desk, kept: Kept | None) -> int | None:
    """Return when people are called, in working time and able to approve; None if now."""
    if desk.state.is_urgent:
        return None
    opens = hours.opens(desk.repo.hours, kept.until if kept else desk.now)
    return None if opens == desk.now else opens


def expires_at(desk: Desk, kept: Kept | None) -> int:
    """Return when a card made now expires: not before people had working time to be called in."""
    repo, begins = desk.repo, quiet_until(desk, kept) or desk.now
    life = repo.approval_expires_seconds * 1000
    expires = begins + life
    if desk.state.is_urgent or hours.is_open(repo.hours, expires):
        return expires
    calls = min(life, 2 * repo.escalate_after_seconds * 1000)  # to be reminded, to escalate, to act
    return max(expires, hours.after(repo.hours, begins, calls))


def _as_configured(named: tuple[str, ...]) -> Roster:
    groups = tuple(name for name in named if is_group(name))
    return Roster(unseen=tuple(name for name in named if name not in groups), unread=groups)
