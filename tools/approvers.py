"""Who could approve a card, found out when it is made: people, not only the names of groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import approvers, hours, policy
from app.core.events import CardFacts
from app.core.people import Roster, is_group
from app.core.reminding import LONGEST_QUIET_MS, calls_at_any_hour
from app.core.spec import EffectKind
from tools.tool import Desk


@dataclass(frozen=True, slots=True)
class Calls:
    """When people may be called about a card: at `any_hour`, or in working time.

    Not before `frozen_until`, as far as is known now: a freeze or a lock (`locked`) keeps them from
    approving it.
    """

    any_hour: bool
    frozen_until: int | None = None
    locked: bool = False


async def with_approvers(desk: Desk, service: str, facts: CardFacts, calls: Calls) -> CardFacts:
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
        "quiet_until": quiet_until(desk, calls),
        "frozen_until": calls.frozen_until,
        "locked": calls.locked,
    }
    return facts.model_copy(update=changes)


def calls_for(desk: Desk, steps: Sequence[tuple[EffectKind, str]]) -> Calls:
    """Return when people may be called about a card for these steps."""
    if calls_at_any_hour(desk.state, back=steps[0][0] == "rollback"):
        return Calls(any_hour=True)
    found = [
        block
        for kind, service in steps
        for block in policy.blocks_of(desk.repo, kind, service, desk.facts, desk.now)
    ]
    if not found:
        return Calls(any_hour=False)
    latest = desk.now + LONGEST_QUIET_MS
    ends = (latest if block.until is None else block.until for block in found)
    return Calls(False, min(max(ends), latest), any(block.user for block in found))


def quiet_until(desk: Desk, calls: Calls) -> int | None:
    """Return when people are called, in working time and able to approve; None if now."""
    if calls.any_hour:
        return None
    opens = hours.opens(desk.repo.hours, calls.frozen_until or desk.now)
    return None if opens == desk.now else opens


def expires_at(desk: Desk, calls: Calls) -> int:
    """Return when a card made now expires: not before people had time to be called in."""
    repo, begins = desk.repo, quiet_until(desk, calls) or desk.now
    life = repo.approval_expires_seconds * 1000
    expires = begins + life
    if calls.any_hour or hours.is_open(repo.hours, expires):
        return expires
    needed = min(life, 2 * repo.escalate_after_seconds * 1000)  # to remind, to escalate, to act
    return max(expires, hours.after(repo.hours, begins, needed))


def _as_configured(named: tuple[str, ...]) -> Roster:
    groups = tuple(name for name in named if is_group(name))
    return Roster(unseen=tuple(name for name in named if name not in groups), unread=groups)
