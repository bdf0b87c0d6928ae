"""A card that nobody decides: one reminder, one escalation, in working time, then it expires."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core import events as ev
from app.core import ledger
from app.core.hours import Hours
from app.core.people import Person
from app.core.state import State
from app.slack.messages import next_change, render
from tests import payloads
from tests.core.box import SHA, Box, repo_config
from tests.core.test_hours import at
from tests.fake_calendar import freeze
from tests.shop import ALICE, BOB, CARA, REPO

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Hours(frozenset(range(5)), 9 * 60, 18 * 60, BERLIN)
MINUTE, HOUR = 60_000, 3_600_000
START = 1_800_000_000_000
LEADS = "S0LEADS"
ELSEWHERE = State(thread_id="acme/shop/fedcba9876", repo=REPO)


def box(now: str = "2027-01-15 10:00", **changes: Any) -> Box:
    """Build a box whose clock shows a time in Berlin, by default on a Friday."""
    settings: dict[str, Any] = {"hours": WEEK, "zone": BERLIN}
    made = Box(repo_config(**(settings | changes)))
    made.log.advance(at(now) - START)
    return made


async def waiting(made: Box, say: str = "") -> Box:
    """Put a card up; what alice says meanwhile is answered first."""
    if say:
        made.model.will("reply", message="I hurry.")
    made.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await made.starts()
    if say:
        await made.log.append(ledger.write(await made.state(), [said(say)], 0))
    await made.settles()
    await posts_the_card(made)
    return made


async def posts_the_card(made: Box) -> None:
    """Show the newest card, as Slack does."""
    slot = await slot_of(made, "card")
    await made.does(ev.MessagePosted(slot=slot, channel="C01DEPLOYS", ts="2.1"))


def said(text: str) -> ev.HumanSaid:
    return ev.HumanSaid(user=ALICE, text=text)


async def until(made: Box, now: str) -> None:
    """Let time pass, minute by minute where something is due, as the service would work."""
    await made.later(at(now) - await made.log.now(REPO))


async def calls(made: Box) -> list[tuple[str, tuple[str, ...], int]]:
    """Return who was called about the cards, and when."""
    return [
        (entry.event.kind, entry.event.whom, entry.at)
        for entry in await made.log.read(made.thread_id)
        if isinstance(entry.event, ev.ApproversReminded)
    ]


async def shown(made: Box, slot: str) -> str:
    """Return what a slot says now."""
    facts = await made.log.facts(REPO)
    message = render(await made.state(), made.config, await made.log.now(REPO), facts)[slot]
    payloads.check(message.text, message.blocks)
    return payloads.words(message.text, message.blocks)


async def slot_of(made: Box, name: str) -> str:
    return f"{name}:{(await made.card()).request.call_id}"


async def test_after_half_an_hour_those_who_can_approve_are_reminded_once() -> None:
    made = await waiting(box())
    await until(made, "2027-01-15 10:29")
    assert await calls(made) == []
    for now in ("2027-01-15 10:30", "2027-01-15 10:31", "2027-01-15 17:00"):
        await until(made, now)
        assert await calls(made) == [("reminder", (BOB, CARA), at("2027-01-15 10:30"))]


async def test_over_a_weekend_no_working_time_passes() -> None:
    made = await waiting(box("2027-01-15 17:50", approval_expires_seconds=7 * 24 * 3600))
    for now in ("2027-01-15 18:30", "2027-01-17 12:00", "2027-01-18 09:19"):
        await until(made, now)
        assert await calls(made) == []
    await until(made, "2027-01-18 09:20")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder"]


async def test_a_card_of_friday_evening_does_not_expire_before_monday() -> None:
    made = await waiting(box("2027-01-15 17:50"))
    assert (await made.card()).request.spec.expires_at == at("2027-01-18 12:50")
    await until(made, "2027-01-18 09:20")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder"]
    await until(made, "2027-01-18 12:45")
    assert (await made.state()).pending
    short = await waiting(box("2027-01-15 17:50", approval_expires_seconds=3600))
    assert (await short.card()).request.spec.expires_at == at("2027-01-18 09:50")


async def test_a_card_within_the_week_expires_after_its_time() -> None:
    made = await waiting(box("2027-01-13 16:00"))
    assert (await made.card()).request.spec.expires_at == at("2027-01-14 16:00")


async def test_what_comes_on_a_saturday_waits_quietly_until_monday_morning() -> None:
    made = await waiting(box("2027-01-16 11:00"))
    card = (await made.card()).request
    monday = at("2027-01-18 09:00")
    assert card.facts.quiet_until == monday
    assert card.spec.expires_at == monday + 24 * HOUR
    said = await shown(made, f"card:{card.call_id}")
    assert "<@" not in said
    assert "*May approve:* bob and `U03CARA`" in said
    assert "backend to production, `4af9ec0`: waits for working hours" in said
    assert "*Working hours* begin <!date^" in said
    assert "🌙 waits for working hours, <!date^" in await shown(made, "status")
    await until(made, "2027-01-18 08:59")
    assert await calls(made) == []
    await until(made, "2027-01-18 09:00")
    assert await calls(made) == [("reminder", (BOB, CARA), monday)]
    assert "🔔 waiting for approval" in await shown(made, "status")
    assert (await shown(made, f"remind:{card.call_id}")).startswith(
        f"🔔 <@{BOB}> and <@{CARA}>: deploy backend to production, `4af9ec0`, waits on its card "
        "above: it came outside working hours, <!date^"
    )
    await until(made, "2027-01-18 17:59")
    assert len(await calls(made)) == 1
    assert (await made.card()).status == "pending"


async def test_what_is_urgent_calls_at_any_hour() -> None:
    made = await waiting(box("2027-01-16 11:00"), say="urgent: checkout is down, hotfix please")
    card = (await made.card()).request
    assert card.facts.quiet_until is None
    assert f"<@{BOB}>" in await shown(made, f"card:{card.call_id}")
    await until(made, "2027-01-16 11:30")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder"]


async def test_what_becomes_urgent_at_night_calls_at_once() -> None:
    made = await waiting(box("2027-01-16 11:00"))
    made.model.will("reply", message="I call them.")
    await until(made, "2027-01-16 12:00")
    await made.says("this is urgent!")
    assert [kind for kind, _, _ in await calls(made)] == ["urgent"]
    assert "🔔 waiting for approval" in await shown(made, "status")
    card = await shown(made, await slot_of(made, "card"))
    assert "backend to production, `4af9ec0`: waits for approval" in card
    assert "nobody is called" not in card
    called = await shown(made, await slot_of(made, "urgent"))
    assert called.startswith(
        f"🚨 <@{BOB}> and <@{CARA}>: this is urgent, says alice: deploy backend to production, "
        "`4af9ec0`, waits on its card above since <!date^"
    )


async def test_what_becomes_urgent_at_night_is_reminded_of_and_escalated_at_night() -> None:
    made = await waiting(box("2027-01-16 11:00", escalate_to=(LEADS,)))
    await made.does(ev.MarkedUrgent(user=ALICE))
    await until(made, "2027-01-16 11:29")
    assert len(await calls(made)) == 1
    await until(made, "2027-01-16 11:30")
    await until(made, "2027-01-16 13:00")
    assert [kind for kind, _, _ in await calls(made)] == ["urgent", "reminder", "escalation"]
    assert "outside working hours" not in await shown(made, await slot_of(made, "remind"))
    assert "and again <!date^" in await shown(made, await slot_of(made, "escalate"))


@pytest.mark.parametrize("now", ["2027-01-18 09:30", "2027-01-18 20:00"])
async def test_what_becomes_urgent_after_the_call_of_the_morning_calls_once_more(now: str) -> None:
    made = await waiting(box("2027-01-16 11:00"))
    await until(made, "2027-01-18 09:00")
    await until(made, now)
    await made.does(ev.MarkedUrgent(user=ALICE))
    await until(made, "2027-01-19 08:00")
    assert [(kind, when) for kind, _, when in await calls(made)] == [
        ("reminder", at("2027-01-18 09:00")),
        ("urgent", at(now)),
    ]


async def test_what_is_urgent_already_does_not_become_it_again() -> None:
    made = box()
    await made.starts(urgent_label="urgent")
    made.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await made.settles()
    await posts_the_card(made)
    made.model.will("reply", message="I know.")
    await made.says("this is really urgent, please")
    assert await calls(made) == []


async def test_once_working_hours_have_begun_a_card_says_nothing_of_them() -> None:
    night, morning = at("2027-01-16 11:00"), at("2027-01-18 09:00")
    made = await waiting(box("2027-01-16 11:00", freeze=(freeze(night + HOUR, morning + HOUR),)))
    assert "*Working hours* begin" in await shown(made, await slot_of(made, "card"))
    assert next_change(await made.state(), made.config, night + HOUR) == morning
    await until(made, "2027-01-18 09:01")
    assert await calls(made) == []
    assert "*Working hours*" not in await shown(made, await slot_of(made, "card"))
    assert next_change(await made.state(), made.config, morning) == morning + HOUR


async def test_who_stands_above_hears_of_it_once_and_of_who_may_approve() -> None:
    made = await waiting(box(escalate_to=(LEADS,)))
    await until(made, "2027-01-15 10:30")
    await until(made, "2027-01-15 11:59")
    assert len(await calls(made)) == 1
    for now in ("2027-01-15 12:00", "2027-01-15 17:30"):
        await until(made, now)
        assert (await calls(made))[1:] == [("escalation", (LEADS,), at("2027-01-15 12:00"))]
    told = await shown(made, await slot_of(made, "escalate"))
    assert told.startswith(
        f"⏫ <!subteam^{LEADS}>: deploy backend to production, `4af9ec0`, still waits for "
        "approval. I asked bob and `U03CARA` <!date^"
    )
    assert "and again <!date^" in told
    assert "only they can approve it. It expires <!date^" in told


async def test_of_a_quiet_card_the_leads_hear_who_was_asked_in_the_morning() -> None:
    made = await waiting(box("2027-01-16 11:00", escalate_to=(LEADS,)))
    await until(made, "2027-01-18 09:00")
    await until(made, "2027-01-18 11:00")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder", "escalation"]
    assert "and again" not in await shown(made, await slot_of(made, "escalate"))


async def test_a_late_reminder_leaves_its_time_before_the_escalation() -> None:
    made = await waiting(box(escalate_to=(LEADS,)))
    await until(made, "2027-01-15 14:00")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder"]
    await until(made, "2027-01-15 15:29")
    assert len(await calls(made)) == 1
    await until(made, "2027-01-15 15:30")
    assert [kind for kind, _, _ in await calls(made)] == ["reminder", "escalation"]


async def test_where_nobody_can_approve_only_who_stands_above_hears_of_it() -> None:
    made = box(escalate_to=(LEADS,), approvers=(BOB,))
    made.directory.people[BOB] = Person(BOB, deleted=True, name="bob")
    await waiting(made)
    assert (
        "⚠️ *Nobody can approve this:* bob's account is deactivated. "
        f"<@{ALICE}>: name somebody else in `approvers = [...]`"
    ) in await shown(made, await slot_of(made, "card"))
    await until(made, "2027-01-15 12:00")
    assert [kind for kind, _, _ in await calls(made)] == ["escalation"]
    told = await shown(made, await slot_of(made, "escalate"))
    assert "Nobody can approve it: its card above says why." in told


async def test_who_approved_already_is_not_reminded() -> None:
    made = await waiting(box(approvals_needed=2))
    await made.approves(BOB)
    await until(made, "2027-01-15 10:30")
    assert await calls(made) == [("reminder", (CARA,), at("2027-01-15 10:30"))]
    assert "1 of 2 approvals are there." in await shown(made, await slot_of(made, "remind"))


async def test_who_talks_has_not_forgotten() -> None:
    made = await waiting(box())
    await until(made, "2027-01-15 10:20")
    made.model.will("reply", message="Prices with tax.")
    await made.says("what is in it?", user=BOB)
    await until(made, "2027-01-15 10:49")
    assert await calls(made) == []
    await until(made, "2027-01-15 10:50")
    assert len(await calls(made)) == 1


async def test_a_card_whose_words_are_being_read_calls_nobody() -> None:
    made = await waiting(box())
    await made.says("hm")  # the model is down
    await until(made, "2027-01-15 15:00")
    assert await calls(made) == []


@pytest.mark.parametrize("how", ["lock", "freeze"])
async def test_what_nobody_could_approve_now_calls_nobody_until_it_is_over(how: str) -> None:
    begin, end = at("2027-01-15 10:10"), at("2027-01-15 11:00")
    windows = (freeze(begin, end),) if how == "freeze" else ()
    made = await waiting(box(freeze=windows))
    placed: dict[str, ev.Event] = {
        "lock": ev.ServiceLocked(services=("backend",), user=ALICE),
    }
    over: dict[str, ev.Event] = {
        "lock": ev.ServiceUnlocked(services=("backend",), user=ALICE),
    }
    if how in placed:
        await made.log.append(ledger.write(ELSEWHERE, [placed[how]], begin))
    await until(made, "2027-01-15 10:45")
    assert await calls(made) == []
    if how in over:
        await made.log.append(ledger.write(ELSEWHERE, [over[how]], end))
    await until(made, "2027-01-15 11:00")
    assert [when for _, _, when in await calls(made)] == [end]


async def test_a_reminder_that_is_late_waits_for_the_morning() -> None:
    made = await waiting(box("2027-01-15 17:00", approval_expires_seconds=7 * 24 * 3600))
    await until(made, "2027-01-15 20:00")  # nobody worked between
    assert await calls(made) == []
    await until(made, "2027-01-18 09:00")
    assert [when for _, _, when in await calls(made)] == [at("2027-01-18 09:00")]


@pytest.mark.parametrize("end", ["approves", "rejects"])
async def test_what_is_decided_is_not_reminded_of(end: str) -> None:
    made = await waiting(box())
    await (made.approves() if end == "approves" else made.rejects())
    await until(made, "2027-01-15 17:00")
    assert await calls(made) == []


async def test_an_expired_card_is_renewed_and_the_reminders_begin_anew() -> None:
    made = await waiting(box(approval_expires_seconds=3600))
    await until(made, "2027-01-15 10:30")
    first = (await made.card()).request.call_id
    await until(made, "2027-01-15 11:00")
    assert (await made.state()).cards[first].status == "expired"
    await made.does(ev.AskedAgain(call_id=first, user=BOB))
    await posts_the_card(made)
    await until(made, "2027-01-15 11:30")
    assert [when for _, _, when in await calls(made)] == [
        at("2027-01-15 10:30"),
        at("2027-01-15 11:30"),
    ]


async def test_nobody_is_reminded_of_a_card_that_slack_has_not_shown() -> None:
    made = box()
    made.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await made.starts()
    await made.settles()
    await until(made, "2027-01-15 11:00")
    assert await calls(made) == []
    await posts_the_card(made)
    await until(made, "2027-01-15 11:30")
    assert await calls(made) == [("reminder", (BOB, CARA), at("2027-01-15 11:30"))]


async def test_a_reminder_whose_matter_has_passed_is_not_posted() -> None:
    made = await waiting(box())
    await until(made, "2027-01-15 10:30")
    slot = await slot_of(made, "remind")
    now = await made.log.now(REPO)
    assert not render(await made.state(), made.config, now)[slot].passed
    await made.approves()
    message = render(await made.state(), made.config, now)[slot]
    assert message.passed
    assert message.text.startswith(f"<@{BOB}> and <@{CARA}> · called <!date^")
    assert message.text.endswith("· approved since")


async def test_a_reminder_that_slack_did_not_take_is_not_posted_at_night() -> None:
    made = await waiting(box("2027-01-15 17:00", approval_expires_seconds=7 * 24 * 3600))
    await until(made, "2027-01-15 17:30")
    slot, state = await slot_of(made, "remind"), await made.state()
    night, morning = at("2027-01-15 18:00"), at("2027-01-18 09:00")
    assert render(state, made.config, night)[slot].passed
    assert next_change(state, made.config, night) == morning
    assert not render(state, made.config, morning)[slot].passed
    assert next_change(state, made.config, morning) is None
    state.slots[slot] = ("C01DEPLOYS", "1.9")
    assert next_change(state, made.config, night) is None


async def test_without_hours_all_time_counts() -> None:
    made = await waiting(box("2027-01-16 03:00", hours=None))
    await until(made, "2027-01-16 03:30")
    assert await calls(made) == [("reminder", (BOB, CARA), at("2027-01-16 03:30"))]


async def test_the_worker_is_woken_exactly_then() -> None:
    made = await waiting(box())
    claimed = await made.log.claim(REPO, "work")
    assert claimed is None
    made.log.advance(30 * MINUTE - 1)
    assert await made.log.claim(REPO, "work") is None
    made.log.advance(1)
    assert await made.log.claim(REPO, "work")


async def test_the_members_of_a_group_are_called_and_a_silent_slack_stops_no_card() -> None:
    made = box(approvers=("S0WEB",))
    made.directory.groups["S0WEB"] = [ALICE, CARA]
    await waiting(made)
    card = (await made.card()).request.facts
    assert [(each.user, each.why) for each in card.candidates] == [
        (ALICE, "own change"),
        (CARA, ""),
    ]
    assert made.directory.asked == 1
    silent = box(approvers=("S0WEB",))
    silent.directory.away = True
    await waiting(silent)
    said = await shown(silent, await slot_of(silent, "card"))
    assert "*May approve:* <!subteam^S0WEB>" in said
    assert "*Not checked:* who is in the user group S0WEB: Slack did not answer" in said


async def test_of_a_plan_those_are_reminded_whose_step_still_needs_it() -> None:
    repo = repo_config()
    web = repo.production.services["frontend"].model_copy(update={"approvers": ("U04DAN",)})
    services = {**repo.production.services, "frontend": web}
    production = repo.production.model_copy(update={"services": services})
    made = box(production=production, approval="plan", escalate_to=(LEADS,))
    made.model.will("propose_plan", sha=SHA, steps=["frontend", "backend"], reason="")
    await made.starts()
    await made.settles()
    await posts_the_card(made)
    request = (await made.card()).request
    granted = ev.ApprovalGranted(
        call_id=request.call_id, spec_hash=request.spec_hash, user=BOB, covers=("backend",)
    )
    await made.does(granted)
    await until(made, "2027-01-15 10:30")
    assert await calls(made) == [("reminder", ("U04DAN",), at("2027-01-15 10:30"))]
    await until(made, "2027-01-15 12:00")
    told = await shown(made, await slot_of(made, "escalate"))
    assert "I asked `U04DAN`; bob and `U03CARA` <!date^" in told


def frozen(begin: str, end: str, **changes: Any) -> Box:
    """Build a box whose services are frozen for a time."""
    return box(begin, freeze=(freeze(at(begin) - HOUR, at(end)),), **changes)


async def test_what_comes_in_a_freeze_waits_quietly_until_its_end() -> None:
    made = await waiting(frozen("2027-01-15 10:00", "2027-01-15 14:00"))
    card, end = (await made.card()).request, at("2027-01-15 14:00")
    assert card.facts.quiet_until == end
    assert card.spec.expires_at == at("2027-01-18 09:00")
    said = await shown(made, f"card:{card.call_id}")
    assert "<@" not in said
    assert "*Frozen*, so people are called <!date^" in said
    assert "`4af9ec0`: waits for the end of a freeze" in said
    assert "❄️ backend is frozen" in await shown(made, "status")
    await until(made, "2027-01-15 13:59")
    assert await calls(made) == []
    await until(made, "2027-01-15 14:00")
    assert await calls(made) == [("reminder", (BOB, CARA), end)]
    assert "waits on its card above: it came in a freeze, <!date^" in await shown(
        made, f"remind:{card.call_id}"
    )


async def test_a_freeze_that_ends_at_night_calls_in_the_morning() -> None:
    made = await waiting(frozen("2027-01-15 16:00", "2027-01-17 20:00"))
    monday = at("2027-01-18 09:00")
    assert (await made.card()).request.spec.expires_at == monday + 24 * HOUR
    await until(made, "2027-01-17 21:00")
    assert "🌙 waits for the freeze's end, <!date^" in await shown(made, "status")
    await until(made, "2027-01-18 09:00")
    assert await calls(made) == [("reminder", (BOB, CARA), monday)]


async def test_what_is_urgent_in_a_freeze_calls_at_once() -> None:
    made = await waiting(
        frozen("2027-01-15 10:00", "2027-01-15 14:00"), say="urgent: checkout is down"
    )
    card = (await made.card()).request
    assert card.facts.quiet_until is None
    assert f"<@{BOB}>" in await shown(made, f"card:{card.call_id}")


async def test_what_becomes_urgent_in_a_freeze_calls_at_once() -> None:
    made = await waiting(frozen("2027-01-15 10:00", "2027-01-15 14:00"))
    await made.does(ev.MarkedUrgent(user=ALICE))
    assert [kind for kind, _, _ in await calls(made)] == ["urgent"]


async def test_a_freeze_without_an_end_keeps_no_card_for_ever() -> None:
    made = await waiting(frozen("2027-01-15 10:00", "2099-01-15 10:00"))
    assert (await made.card()).request.spec.expires_at < at("2027-02-17 00:00")
