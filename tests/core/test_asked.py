"""What the agent reads of a card that waits: who can approve it, and since when they know."""

from app.core import asked
from app.core import events as ev
from app.core.people import Person
from tests.core.box import Box
from tests.core.test_reminders import LEADS, box, until, waiting
from tests.shop import BOB

MAY = "bob or U03CARA can approve this"
LAST = "nobody is called again"
FRIDAY, SATURDAY, MONDAY = "2027-01-15", "2027-01-16", "2027-01-18"


async def told(made: Box) -> str:
    """Return all of it, without saying each time that it is UTC."""
    said = asked.told(await made.state(), made.config, await made.card())
    return said.replace(" UTC", "")


async def test_since_when_they_are_asked_and_who_is_called_when() -> None:
    made = await waiting(box(escalate_to=(LEADS,)))
    asked_at, expires = f"{MAY}; asked {FRIDAY} 09:00", f"the card expires {SATURDAY} 09:00"
    assert await told(made) == f"{asked_at}; they are reminded once, {FRIDAY} 09:30; {expires}"
    await until(made, f"{FRIDAY} 10:30")
    reminded = f"{asked_at}, reminded {FRIDAY} 09:30"
    assert await told(made) == f"{reminded}; others are told once, {FRIDAY} 11:00; {expires}"
    await until(made, f"{FRIDAY} 12:00")
    assert await told(made) == f"{reminded}, escalated {FRIDAY} 11:00; {LAST}; {expires}"


async def test_outside_working_hours_they_are_asked_in_the_morning() -> None:
    made = await waiting(box(f"{SATURDAY} 11:00"))
    expires = "the card expires 2027-01-19 08:00"
    assert await told(made) == (
        f"{MAY}; nobody is called before working hours, {MONDAY} 08:00; "
        f"they are reminded once, {MONDAY} 08:00; {expires}"
    )
    await until(made, f"{MONDAY} 09:00")
    assert await told(made) == f"{MAY}; asked {MONDAY} 08:00; {LAST}; {expires}"


async def test_where_nobody_can_approve_nobody_was_asked() -> None:
    made = box(escalate_to=(LEADS,), approvers=(BOB,))
    made.directory.people[BOB] = Person(BOB, deleted=True, name="bob")
    await waiting(made)
    none, expires = (
        "nobody can approve this; nobody was asked",
        f"the card expires {SATURDAY} 09:00",
    )
    assert await told(made) == f"{none}; others are told once, {FRIDAY} 11:00; {expires}"
    await until(made, f"{FRIDAY} 12:00")
    assert await told(made) == f"{none}, escalated {FRIDAY} 11:00; {LAST}; {expires}"


async def test_what_became_urgent_is_told() -> None:
    made = await waiting(box())
    await until(made, f"{FRIDAY} 10:10")
    await made.does(ev.MarkedUrgent(user=BOB))
    called = f"{MAY}; asked {FRIDAY} 09:00, called as urgent {FRIDAY} 09:10"
    expires = f"the card expires {SATURDAY} 09:00"
    assert await told(made) == f"{called}; they are reminded once, {FRIDAY} 09:40; {expires}"
