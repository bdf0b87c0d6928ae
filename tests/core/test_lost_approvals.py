"""An approval does not count for the card that is made anew: who gave it is asked again."""

from app.core import approvers, asked, made_anew
from app.core import events as ev
from app.core.cards import Approval
from app.core.events import Candidate, CardFacts
from tests.core.box import SHA, Box
from tests.core.test_hours import at
from tests.core.test_plans import DAN, clicked, production, with_own
from tests.core.test_reminders import HOUR, calls, posts_the_card, shown, slot_of, waiting
from tests.core.test_renewals import anytime, endings, lock, minutes, renewed, requests, unlock
from tests.fake_calendar import freeze
from tests.shop import BOB, CARA, REPO

START, EXPIRES, OVER = "2027-01-13 08:00", "2027-01-14 08:00", "2027-01-14 09:00"
QUIETLY = "↩️ bob approved this before it was made anew; that no longer counts."
ALOUD = f"↩️ <@{BOB}> approved this before it was made anew: please approve again."
BACKEND = "production backend 4af9ec0"


async def approved(end: str = OVER, **changes: object) -> Box:
    """Let bob approve a card whose service was locked since, until its time is up."""
    made = await waiting(anytime(START, **changes))
    await lock(made, end)
    await made.approves()
    await minutes(made, EXPIRES)
    return made


async def test_what_was_approved_before_a_lock_is_made_anew_when_its_time_is_up() -> None:
    made = await approved()
    assert await endings(made) == [
        "its approval ran out while it waited, so it is made anew: backend is locked by bob since "
        "2027-01-13 08:00 Europe/Berlin until 2027-01-14 09:00 Europe/Berlin: load test"
    ]
    card = await renewed(made)
    said = await shown(made, f"card:{card.call_id}")
    assert QUIETLY in said
    assert "<@" not in said
    assert await calls(made) == []
    assert production(made) == []


async def test_who_approved_before_is_called_when_the_lock_is_over_and_nobody_else() -> None:
    made = await approved()
    card = await renewed(made)
    await minutes(made, OVER)
    assert await calls(made) == [("again", (BOB,), at(OVER))]
    said = await shown(made, f"again:{card.call_id}")
    assert said.startswith(
        f"🔔 <@{BOB}>: deploy backend to production, `4af9ec0`, waits on its card "
    )
    assert (
        f" <@{BOB}> approved it before it was made anew: please approve again. It expires " in said
    )
    assert CARA not in said
    assert production(made) == []
    await made.approves()
    assert production(made) == [BACKEND]
    assert QUIETLY not in await shown(made, f"card:{card.call_id}")


async def test_who_can_approve_is_reminded_where_nobody_does_so_again() -> None:
    made = await approved()
    await renewed(made)
    await minutes(made, "2027-01-14 09:30")
    assert (await calls(made))[1:] == [("reminder", (BOB, CARA), at("2027-01-14 09:30"))]


async def test_a_lock_that_somebody_ends_has_the_card_itself_ask_who_approved_before() -> None:
    made = await approved(end="")
    await unlock(made)
    await minutes(made, "2027-01-14 08:05")
    assert len(await requests(made)) == 3
    await posts_the_card(made)
    said = await shown(made, await slot_of(made, "card"))
    assert ALOUD in said
    assert said.startswith(f"<@{BOB}>: approve to deploy backend to production")
    assert f"<@{CARA}>" not in said
    assert await calls(made) == []


async def test_an_approval_of_two_is_lost_and_told_with_who_else_has_to() -> None:
    made = await approved(approvals_needed=2)
    assert (await endings(made))[0].startswith(
        "nobody could approve what was missing, so it is made anew: backend is locked by bob"
    )
    card = await made.card()
    assert made_anew.again(card) == [BOB]
    assert "bob approved it before it was made anew, which no longer counts" in asked.told(
        await made.state(), made.config, card
    )
    await posts_the_card(made)
    await minutes(made, OVER)
    assert await calls(made) == [("again", (BOB, CARA), at(OVER))]
    await made.approves()
    assert production(made) == []
    await made.approves(CARA)
    assert production(made) == [BACKEND]


async def test_a_freeze_makes_it_anew_too() -> None:
    season = freeze(at("2027-01-13 09:00"), at("2027-01-15 09:00"))
    made = await waiting(anytime(START, freeze=(season,), approvals_needed=2))
    await made.approves()
    await minutes(made, "2027-01-15 09:00")
    assert made_anew.again(await made.card()) == [BOB]


async def test_of_two_services_each_asks_who_approved_it_and_else_who_can() -> None:
    made = anytime(START, approval="plan", people={})
    made.configure(with_own(made.config, "frontend", approvers=(DAN,)))
    made.model.will("propose_plan", sha=SHA, steps=["backend", "frontend"], reason="")
    await made.merges()
    await posts_the_card(made)
    await clicked(made, CARA)
    await lock(made, OVER)
    await minutes(made, EXPIRES)
    await renewed(made)
    await minutes(made, OVER)
    assert await calls(made) == [("again", (CARA, DAN), at(OVER))]


async def test_what_is_left_of_a_plan_under_way_is_made_anew() -> None:
    made = anytime(START, approval="plan", people={})
    made.model.will("propose_plan", sha=SHA, steps=["frontend", "backend"], reason="")
    await made.merges()
    await lock(made, OVER)
    await made.approves()
    await minutes(made, EXPIRES)
    assert production(made) == ["production frontend 4af9ec0"]
    card = await made.card()
    assert [step.name for step in card.steps] == ["backend"]
    assert made_anew.again(card) == [BOB]
    [before, _] = (await made.state()).cards.values()
    assert before.void.startswith("its approval ran out while it waited, so it is made anew: ")
    await minutes(made, OVER)
    await made.approves()
    assert production(made)[1] == BACKEND


async def test_words_that_are_read_keep_it_and_it_is_made_anew_after_them() -> None:
    made = anytime(START, approval="plan", people={})
    made.model.will("propose_plan", sha=SHA, steps=["frontend", "backend"], reason="")
    await made.merges()
    await lock(made, OVER)
    await made.approves()
    made.log.advance(at(EXPIRES) - await made.log.now(REPO))
    made.model.will("ignore", reason="thanks")
    await made.says("thanks")
    await minutes(made, "2027-01-14 08:05")
    assert made_anew.again(await made.card()) == [BOB]


async def test_a_lock_that_is_over_in_that_moment_makes_it_anew_at_once() -> None:
    made = await waiting(anytime(START))
    await lock(made)
    await made.approves()
    made.log.advance(24 * HOUR - 1)
    await unlock(made)
    made.log.advance(1)
    await made.settles()
    assert await endings(made) == ["its approval ran out while it waited, so it is made anew"]
    await posts_the_card(made)
    assert ALOUD in await shown(made, await slot_of(made, "card"))


async def test_what_somebody_changed_by_hand_is_not_made_anew() -> None:
    made = await waiting(anytime(START))
    await lock(made, OVER)
    await made.approves()
    [call_id] = (await made.state()).cards
    await made.did(ev.ApprovalGranted(call_id=call_id, spec_hash="0" * 64, user=CARA))
    await minutes(made, EXPIRES)
    assert await endings(made) == ["the stored action is not, byte for byte, what was approved"]
    assert len(await requests(made)) == 1


async def test_a_card_that_a_person_asks_for_again_asks_everybody() -> None:
    made = await waiting(anytime(START, approvals_needed=2))
    await made.approves()
    await made.later(25 * HOUR)
    [call_id] = (await made.state()).cards
    await made.does(ev.AskedAgain(call_id=call_id, user=CARA))
    assert (await made.card()).lost == ()


async def test_nobody_is_asked_again_twice() -> None:
    made = await approved()
    await renewed(made)
    await minutes(made, OVER)
    await lock(made)
    await minutes(made, "2027-01-15 10:00")
    assert len(await requests(made)) == 3
    assert (await made.card()).lost == ()


async def test_the_approved_card_says_how_long_it_counts() -> None:
    made = await waiting(anytime(START))
    slot = await slot_of(made, "card")
    await lock(made, OVER)
    await made.approves()
    said = await shown(made, slot)
    assert "waiting, and going on when it is over: " in said
    assert " · approved until <!date^" in said
    assert ", then I ask again" in said


# Who can be asked again.


def facts(*candidates: Candidate, **more: object) -> CardFacts:
    return CardFacts(approvers=(BOB,), candidates=candidates).model_copy(update=more)


def test_who_may_no_longer_approve_is_not_asked_again() -> None:
    assert approvers.could(facts(), BOB)
    assert not approvers.could(facts(), CARA)
    assert approvers.could(facts(more=3), CARA)
    assert not approvers.could(facts(Candidate(user=BOB, why="guest")), BOB)


async def test_who_is_on_holiday_is_left_in_peace() -> None:
    made = await waiting(anytime(START))
    card = await made.card()
    card.lost = (Approval(BOB, 0, "", ("backend",)), Approval(DAN, 0, "", ("frontend",)))
    [step] = card.steps
    assert made_anew.first_called(card, step) == [BOB]
    people = (Candidate(user=BOB, away=True), Candidate(user=CARA))
    away = step.model_copy(update={"facts": step.facts.model_copy(update={"candidates": people})})
    assert made_anew.first_called(card, away) == [CARA]
