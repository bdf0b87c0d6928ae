"""A card on hold: people release it, so they are called, and it does not expire unseen."""

from app.core import events as ev
from app.core import ledger
from tests.core.box import SHA, Box
from tests.core.test_hours import at
from tests.core.test_reminders import ELSEWHERE, LEADS, calls, shown, slot_of, until, waiting
from tests.core.test_renewals import anytime, endings, minutes, renewed, requests
from tests.shop import BOB, CARA, REPO

BAD = "bad5bad" + "4" * 33
BEGINS = "2027-01-13 08:00"


async def is_held(made: Box, bad: str) -> None:
    """Let another thread put the backend on hold."""
    placed = ev.HoldPlaced(service="backend", bad_sha=bad)
    await made.log.append(ledger.write(ELSEWHERE, [placed], await made.log.now(REPO)))


async def held() -> Box:
    """Put up a card of a service that is on hold since a commit was rolled back."""
    made = anytime(BEGINS, escalate_to=(LEADS,))
    await is_held(made, BAD)
    return await waiting(made)


async def test_those_who_can_release_it_are_reminded_and_others_told() -> None:
    made = await held()
    assert "✋ *On hold* since bad5bad was rolled back" in await shown(
        made, await slot_of(made, "card")
    )
    await minutes(made, "2027-01-13 10:00")
    assert await calls(made) == [
        ("reminder", (BOB, CARA), at("2027-01-13 08:30")),
        ("escalation", (LEADS,), at("2027-01-13 10:00")),
    ]
    reminded = await shown(made, await slot_of(made, "remind"))
    assert "It is on hold: release it first, or reject it." in reminded
    assert "It is on hold:" in await shown(made, await slot_of(made, "escalate"))


async def test_once_it_is_released_no_call_speaks_of_the_hold() -> None:
    made = await held()
    await minutes(made, "2027-01-13 08:30")
    await made.does(ev.HoldReleased(service="backend", user=BOB))
    assert "on hold" not in await shown(made, await slot_of(made, "remind"))


async def test_it_is_made_anew_when_nobody_released_it_in_time() -> None:
    made = await held()
    await minutes(made, "2027-01-14 07:55")
    assert len(await requests(made)) == 1
    await minutes(made, "2027-01-14 08:30")
    assert await endings(made) == [
        "nobody released it in time, so it is made anew: backend is on hold since bad5bad "
        "was rolled back"
    ]
    card = await renewed(made)
    assert card.spec.expires_at == at("2027-01-15 08:00")
    assert (await shown(made, f"card:{card.call_id}")).startswith(f"<@{BOB}>")
    await minutes(made, "2027-01-14 09:00")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder", "escalation", "reminder"]


async def test_after_thirty_days_it_expires_and_says_what_nobody_did() -> None:
    made = await held()
    for day in range(14, 32):
        await until(made, f"2027-01-{day:02d} 08:30")
    for day in range(1, 20):
        await until(made, f"2027-02-{day:02d} 08:30")
    assert (await made.state()).pending is None
    assert (await endings(made))[
        -1
    ] == "nobody released it in time: backend is on hold since bad5bad was rolled back"
    asked = len(await requests(made))
    await until(made, "2027-03-20 08:30")
    assert len(await requests(made)) == asked


async def test_what_nobody_can_release_is_not_made_anew() -> None:
    made = await waiting(anytime(BEGINS))
    await is_held(made, SHA)
    await minutes(made, "2027-01-14 08:30")
    assert len(await requests(made)) == 1
