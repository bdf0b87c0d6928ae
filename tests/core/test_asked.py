"""What the agent reads of a card that waits: who can approve it, and since when they know."""

from app.core import asked
from tests.core.box import Box
from tests.core.test_reminders import LEADS, box, until, waiting

MAY = "bob or U03CARA can approve this"
LAST = "nobody is called again"
FRIDAY, SATURDAY, MONDAY = "2027-01-15", "2027-01-16", "2027-01-18"


async def told(made: Box) -> str:
    """Return all of it, with the zone left out."""
    said = asked.told(await made.state(), made.config, await made.card())
    return said.replace(" Europe/Berlin", "")


async def test_since_when_they_are_asked_and_who_is_called_when() -> None:
    made = await waiting(box(escalate_to=(LEADS,)))
    asked_at, expires = f"{MAY}; asked {FRIDAY} 10:00", f"the card expires {SATURDAY} 10:00"
    assert await told(made) == f"{asked_at}; they are reminded once, {FRIDAY} 10:30; {expires}"
    await until(made, f"{FRIDAY} 10:30")
    reminded = f"{asked_at}, reminded {FRIDAY} 10:30"
    assert await told(made) == f"{reminded}; others are told once, {FRIDAY} 12:00; {expires}"
    await until(made, f"{FRIDAY} 12:00")
    assert await told(made) == f"{reminded}, escalated {FRIDAY} 12:00; {LAST}; {expires}"


async def test_outside_working_hours_they_are_asked_in_the_morning() -> None:
    made = await waiting(box(f"{SATURDAY} 11:00"))
    expires = "the card expires 2027-01-19 09:00"
    assert await told(made) == (
        f"{MAY}; nobody is called before working hours, {MONDAY} 09:00; "
        f"they are reminded once, {MONDAY} 09:00; {expires}"
    )
    await until(made, f"{MONDAY} 09:00")
    assert await told(made) == f"{MAY}; asked {MONDAY} 09:00; {LAST}; {expires}"
