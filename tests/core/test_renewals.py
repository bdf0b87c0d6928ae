"""A card that nobody could approve for a lock or a freeze is made anew instead of expiring."""

from typing import Any

from app.core import clicks, ledger
from app.core import events as ev
from app.core.clicks import Click, Refused
from app.core.events import ApprovalRequested
from app.core.people import Person
from tests.core.box import Box
from tests.core.test_hours import at
from tests.core.test_plans import clicked
from tests.core.test_reminders import (
    BERLIN,
    ELSEWHERE,
    HOUR,
    MINUTE,
    WEEK,
    box,
    calls,
    posts_the_card,
    shown,
    slot_of,
    until,
    waiting,
)
from tests.fake_calendar import freeze
from tests.shop import BOB, CARA, REPO


async def lock(made: Box, end: str = "") -> None:
    """Let bob lock the backend in another thread."""
    locked = ev.ServiceLocked(
        services=("backend",), user=BOB, reason="load test", until=at(end) if end else None
    )
    await made.log.append(ledger.write(ELSEWHERE, [locked], await made.log.now(REPO)))


async def unlock(made: Box) -> None:
    unlocked = ev.ServiceUnlocked(services=("backend",), user=BOB)
    await made.log.append(ledger.write(ELSEWHERE, [unlocked], await made.log.now(REPO)))


async def requests(made: Box) -> list[ApprovalRequested]:
    """Return every card that was asked, in order."""
    entries = await made.log.read(made.thread_id)
    return [e.event for e in entries if isinstance(e.event, ApprovalRequested)]


async def endings(made: Box) -> list[str]:
    """Return why cards expired."""
    cards = (await made.state()).cards.values()
    return [card.text for card in cards if card.status == "expired"]


async def renewed(made: Box) -> ApprovalRequested:
    """Return the card that waits, which is the second one, and show it."""
    assert len(await requests(made)) == 2
    await posts_the_card(made)
    return (await made.card()).request


async def minutes(made: Box, now: str) -> None:
    """Let time pass as the service works: whenever something is due."""
    end = at(now)
    while (await made.log.now(REPO)) < end:
        await made.later(min(5 * MINUTE, end - await made.log.now(REPO)))


def anytime(now: str, **changes: Any) -> Box:
    """Build a box of a team without working hours."""
    return box(now, hours=None, **changes)


async def test_a_card_lives_on_after_a_lock_that_lasts_longer_than_it() -> None:
    made = await waiting(anytime("2027-01-13 08:00"))
    await lock(made, "2027-01-14 09:00")
    await minutes(made, "2027-01-14 08:59")
    assert await endings(made) == [
        "nobody could approve it, so it is made anew: backend is locked by bob since "
        "2027-01-13 08:00 Europe/Berlin until 2027-01-14 09:00 Europe/Berlin: load test"
    ]
    card = await renewed(made)
    assert card.spec.expires_at == at("2027-01-15 09:00")
    said = await shown(made, f"card:{card.call_id}")
    assert "<@" not in said
    assert "*Locked*, so people are called when it is over, <!date^" in said
    assert "`4af9ec0`: waits for the end of a lock" in said
    assert await calls(made) == []
    await minutes(made, "2027-01-14 09:00")
    assert await calls(made) == [("reminder", (BOB, CARA), at("2027-01-14 09:00"))]
    reminded = await shown(made, f"remind:{card.call_id}")
    assert "waits on its card above: it came under a lock, <!date^" in reminded
    await minutes(made, "2027-01-14 12:00")
    await made.approves()
    assert made.deployer.effects[-1] == "production backend 4af9ec0"


async def test_a_lock_of_days_calls_in_the_working_hours_after_it() -> None:
    made = await waiting(box("2027-01-13 10:00"))
    await lock(made, "2027-01-17 10:00")
    await minutes(made, "2027-01-18 08:59")
    card, monday = await renewed(made), at("2027-01-18 09:00")
    assert card.spec.expires_at == monday + 24 * HOUR
    assert await calls(made) == []
    status = await shown(made, "status")
    assert "🌙 waits for the lock's end, at the latest <!date^" in status
    await minutes(made, "2027-01-18 09:00")
    assert await calls(made) == [("reminder", (BOB, CARA), monday)]


async def test_a_lock_without_an_end_that_somebody_ends_calls_at_once() -> None:
    made = await waiting(anytime("2027-01-13 08:00"))
    await lock(made)
    await minutes(made, "2027-01-14 10:00")
    assert len(await requests(made)) == 2
    await unlock(made)
    await minutes(made, "2027-01-14 10:05")
    assert (await endings(made))[1] == "what kept people from approving is over, so it is made anew"
    await posts_the_card(made)
    card = (await made.card()).request
    assert card.spec.expires_at == at("2027-01-15 10:05")
    assert f"<@{BOB}> and <@{CARA}>: approve to" in await shown(made, f"card:{card.call_id}")


async def test_a_lock_without_an_end_keeps_no_card_for_ever() -> None:
    made = await waiting(anytime("2027-01-13 08:00"))
    await lock(made)
    await minutes(made, "2027-01-14 07:00")
    card = await renewed(made)
    assert card.spec.expires_at < at("2027-02-15 00:00")
    await until(made, "2027-02-15 00:00")
    assert (await made.state()).pending is None
    assert (await endings(made))[1].startswith(
        "nobody could approve it when its time was up: backend is locked by bob since"
    )


async def test_a_card_before_a_weekend_of_freeze_lives_on_after_it() -> None:
    begin, end = at("2027-01-15 18:00"), at("2027-01-18 06:00")
    made = await waiting(anytime("2027-01-15 17:40", freeze=(freeze(begin, end),)))
    await minutes(made, "2027-01-18 05:59")
    card = await renewed(made)
    assert card.spec.expires_at == end + 24 * HOUR
    assert (await endings(made))[0].startswith(
        "nobody could approve it, so it is made anew: backend is frozen since 2027-01-15 18:00 "
    )
    await minutes(made, "2027-01-18 06:00")
    assert await calls(made) == [("reminder", (BOB, CARA), end)]


async def test_a_card_before_nine_days_of_freeze_calls_in_the_morning_after_them() -> None:
    begin, end = at("2027-01-15 18:00"), at("2027-01-24 18:00")
    made = await waiting(box("2027-01-15 15:00", freeze=(freeze(begin, end),)))
    await minutes(made, "2027-01-25 08:59")
    monday = at("2027-01-25 09:00")
    assert (await renewed(made)).spec.expires_at == monday + 24 * HOUR
    assert [when for _, _, when in await calls(made)] == [at("2027-01-15 15:30")]
    await minutes(made, "2027-01-25 09:00")
    assert [when for _, _, when in await calls(made)][1:] == [monday]


async def test_a_lock_that_ends_shortly_before_the_time_is_up_leaves_people_time() -> None:
    made = await waiting(anytime("2027-01-13 08:00"))
    await minutes(made, "2027-01-14 07:00")
    await lock(made, "2027-01-14 07:50")
    await minutes(made, "2027-01-14 08:01")
    assert (await renewed(made)).spec.expires_at == at("2027-01-15 07:50")


async def test_a_lock_that_is_over_early_makes_nothing_anew() -> None:
    made = await waiting(anytime("2027-01-13 08:00"))
    await lock(made, "2027-01-13 12:00")
    await minutes(made, "2027-01-14 08:00")
    assert len(await requests(made)) == 1
    assert await endings(made) == ["nobody decided in time"]


async def test_what_comes_under_a_lock_waits_quietly_and_is_made_anew_when_it_is_lifted() -> None:
    made = box(zone=BERLIN, hours=WEEK)
    await lock(made)
    await waiting(made)
    first = (await made.card()).request
    assert "<@" not in await shown(made, f"card:{first.call_id}")
    await minutes(made, "2027-01-15 12:00")
    assert await calls(made) == []
    await unlock(made)
    await minutes(made, "2027-01-15 12:05")
    card = await renewed(made)
    assert card.facts.quiet_until is None
    assert f"<@{BOB}>" in await shown(made, await slot_of(made, "card"))
    assert await calls(made) == []


async def quiet(**changes: Any) -> Box:
    """Put up a card that came under a lock without an end, and let somebody end that elsewhere."""
    made = box("2027-01-13 08:00", **{"hours": None, **changes})
    await lock(made)
    await waiting(made)
    await made.later(7 * MINUTE)
    await unlock(made)
    return made


async def test_an_unlock_elsewhere_wakes_the_card_that_waits_for_it() -> None:
    made = await quiet()
    await made.settles()
    assert await endings(made) == ["what kept people from approving is over, so it is made anew"]
    assert f"<@{BOB}> and <@{CARA}>: approve to" in await shown(made, await slot_of(made, "card"))
    assert "🌙" not in await shown(made, "status")
    first, _ = await requests(made)
    state, facts = await made.state(), await made.log.facts(REPO)
    said = clicks.approve(Click(state, made.config, Person(BOB), first.call_id, 0, facts))
    assert isinstance(said, Refused)
    assert said.sentence.startswith("Too late: this card expired <!date^")
    assert said.sentence.endswith(
        " (what kept people from approving is over, so it is made anew). "
        "The new one is in this thread."
    )


async def test_an_approval_between_the_unlock_and_the_new_card_counts() -> None:
    made = await quiet()
    await clicked(made, BOB)
    assert made.deployer.effects[-1] == "production backend 4af9ec0"
    assert await endings(made) == []


async def test_one_of_two_approvals_in_between_counts_and_the_others_are_called_at_once() -> None:
    made = await quiet(approvals_needed=2)
    await clicked(made, BOB)
    assert (await made.card()).approvers == [BOB]
    assert len(await requests(made)) == 1
    assert await calls(made) == [("reminder", (CARA,), at("2027-01-13 08:07"))]
    said = await shown(made, await slot_of(made, "remind"))
    assert said.startswith(f"🔔 <@{CARA}>: deploy backend to production, `4af9ec0`, waits on ")
    assert "it came under a lock, <!date^" in said
    assert " 1 of 2 approvals are there. It expires <!date^" in said
    assert "🔔 waiting for approval" in await shown(made, "status")
    assert "nobody is called before" not in await shown(made, await slot_of(made, "card"))
    await clicked(made, CARA)
    assert made.deployer.effects[-1] == "production backend 4af9ec0"


async def test_in_between_at_night_the_others_are_called_in_the_morning() -> None:
    made = await quiet(approvals_needed=2, hours=WEEK)
    made.log.advance(at("2027-01-13 20:00") - await made.log.now(REPO))
    await clicked(made, BOB)
    assert await calls(made) == []
    await minutes(made, "2027-01-14 09:00")
    assert await calls(made) == [("reminder", (CARA,), at("2027-01-14 09:00"))]


async def test_a_card_whose_bytes_somebody_changed_is_not_made_anew() -> None:
    made = await waiting(anytime("2027-01-13 08:00", approvals_needed=2))
    call_id = (await made.card()).request.call_id
    await lock(made)
    made.log.advance(23 * HOUR)
    await made.does(ev.ApprovalGranted(call_id=call_id, spec_hash="0" * 64, user=BOB))
    assert await endings(made) == [
        "the stored action is not, byte for byte, what was approved",
    ]
    assert len(await requests(made)) == 1
