"""Every state that people see a card in, in the order in which somebody would look at them."""

from collections.abc import Awaitable, Callable

from tests.browser import asking, outcomes
from tests.browser.pictures import Screen

SCREENS: tuple[Callable[[], Awaitable[Screen]], ...] = (
    asking.staging,
    asking.approve_ahead,
    asking.approved_ahead,
    asking.lapsed,
    asking.waiting,
    asking.held,
    asking.in_doubt,
    asking.question,
    asking.superseded,
    asking.plan_two,
    asking.one_of_two,
    outcomes.under_way,
    outcomes.done,
    outcomes.failed,
    outcomes.rejected,
    outcomes.expired,
    outcomes.stopped,
    outcomes.on_hold,
    asking.locked,
    asking.frozen,
    asking.nobody,
    outcomes.unknown,
    outcomes.staging_red,
    outcomes.red_together,
    outcomes.rollback,
    outcomes.glass_broken,
    outcomes.review,
    asking.locking,
    asking.plan,
    outcomes.plan_red,
    asking.newer,
    outcomes.overridden,
    asking.reminder,
    asking.escalation,
    asking.quiet,
    outcomes.waits,
    asking.migration,
    outcomes.rides_along,
    outcomes.undeployed,
)


async def screens() -> list[Screen]:
    """Return all pictures."""
    return [await make() for make in SCREENS]
