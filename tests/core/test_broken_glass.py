"""A hotfix at 2 am: one approver of another service has it deployed, and all hear of it."""

from typing import Any

from app.core import events as ev
from app.core import glass, ledger
from app.core.audit import Effect, effects
from app.core.clicks import Accepted, Click
from app.core.config import RepoConfig, TargetConfig
from app.core.glass_uses import unreviewed
from app.core.people import Person
from app.core.ports import Write
from app.core.spec import spec_hash
from app.core.state import State
from tests.core.box import SHA, Box, repo_config
from tests.fake_calendar import freeze
from tests.shop import BOB, REPO

DAN = "U04DAN"
HOUR = 3_600_000
# The box begins on a Friday at 08:00 UTC: in Los Angeles it is midnight, and 9 is far.
FRIDAY_8 = 1_800_000_000_000
NIGHT = (freeze(FRIDAY_8 + 12 * HOUR, FRIDAY_8 + 100 * HOUR, "weekend"),)
BACKEND = "production backend 4af9ec0"
MONDAY_9 = FRIDAY_8 + 73 * HOUR


def shop(**changes: Any) -> RepoConfig:
    """Configure the shop, frozen from Friday night on; dan approves the frontend alone."""
    changes.setdefault("freeze", NIGHT)
    repo = repo_config(**changes)
    own = TargetConfig(deployer="command", options={}, approvers=(DAN,))
    services = {**repo.production.services, "frontend": own}
    production = repo.production.model_copy(update={"services": services})
    return repo.model_copy(update={"production": production})


async def breaks(box: Box, user: str = DAN) -> None:
    """Break the glass for the card that waits, or that is approved and waits."""
    here = await box.log.look(box.thread_id)
    state = await box.state()
    call_id = list(state.cards)[-1]
    click = Click(state, box.config, Person(user), call_id, here.now, here.facts, "shop is down!")
    decision = glass.break_glass(click)
    assert isinstance(decision, Accepted), decision
    await box.does(*decision.events)


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def at_two(box: Box) -> str:
    """Merge the hotfix in the freeze, and put its card up."""
    box.log.advance(18 * HOUR)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    return (await box.card()).request.call_id


async def test_a_hotfix_at_two_is_deployed_and_reviewed_on_monday() -> None:
    box = Box(shop())
    call_id = await at_two(box)
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    assert production(box) == [BACKEND, "production e2e 4af9ec0"]
    assert (await box.types()).count("glass_broken") == 1
    now = await box.log.now(REPO)
    await box.later(MONDAY_9 - now - 1000)
    assert (await box.types()).count("review_asked") == 0
    await box.later(2000)
    [review] = (await box.state()).reviews.values()
    [use] = review.uses
    assert (use.name, use.user, use.lifts) == (
        f"{box.thread_id}:{call_id}",
        DAN,
        ("freeze", "approvers"),
    )
    assert unreviewed(await box.log.facts(REPO)) == []
    await box.later(100 * HOUR)
    assert (await box.types()).count("review_asked") == 1


async def test_what_was_approved_before_the_freeze_goes_on_when_the_glass_is_broken() -> None:
    box = Box(shop())
    await at_two(box)
    await box.approves(BOB)
    assert production(box) == []
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    assert production(box)[0] == BACKEND


async def test_a_lock_that_comes_after_it_is_waited_for() -> None:
    box = Box(shop())
    await at_two(box)
    elsewhere = State(thread_id="acme/shop/fedcba9876", repo=REPO)
    now = await box.log.now(REPO)
    locked = ev.ServiceLocked(services=("backend",), user=BOB, until=now + HOUR)
    click_first = breaks(box)
    box.deployer.drops = 1

    async def lock() -> None:
        await box.log.append(ledger.write(elsewhere, [locked], now))

    box.deployer.meanwhile = lock
    await click_first
    assert production(box) == []


async def test_who_lost_the_role_since_has_broken_nothing() -> None:
    box = Box(shop())
    call_id = await at_two(box)
    box.configure(shop(approvers=(BOB,)))
    state = await box.state()
    request = state.cards[call_id].request
    event = ev.GlassBroken(
        call_id=call_id,
        spec_hash=request.spec_hash,
        user="U09EVE",
        reason="because I say so",
        lifts=("freeze", "approvers"),
    )
    box.configure(shop())
    await box.does(event)
    assert production(box) == []
    card = (await box.state()).cards[call_id]
    assert (card.status, card.text) == (
        "expired",
        "the glass was broken by somebody who may approve nothing here",
    )


async def test_another_hash_is_refused() -> None:
    box = Box(shop())
    call_id = await at_two(box)
    event = ev.GlassBroken(
        call_id=call_id, spec_hash="0" * 64, user=DAN, reason="", lifts=("freeze", "approvers")
    )
    await box.does(event)
    assert production(box) == []
    card = (await box.state()).cards[call_id]
    assert card.text == "the stored action is not, byte for byte, what was approved"


async def test_an_approval_of_the_right_hash_does_not_help_another_one() -> None:
    box = Box(shop())
    call_id = await at_two(box)
    await box.approves(BOB)
    await box.does(
        ev.GlassBroken(call_id=call_id, spec_hash="0" * 64, user=DAN, reason="", lifts=("freeze",))
    )
    assert production(box) == []
    card = (await box.state()).cards[call_id]
    assert card.text == "the stored action is not, byte for byte, what was approved"


async def test_several_uses_of_a_night_are_one_review() -> None:
    box = Box(shop())
    await at_two(box)
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    first = box.thread_id
    box.log.advance(HOUR)
    other = "7ea5e77" + "3" * 33
    box.model.will("deploy_backend_to_prod", sha=other, reason="")
    await box.merges(other)
    box.model.will("done_for_now", message="Fixed again.")
    await breaks(box)
    now = await box.log.now(REPO)
    await box.later(MONDAY_9 - now + 1000)
    await box.later(HOUR)
    assert "review_asked" not in await box.types()
    box.thread_id = first
    [review] = (await box.state()).reviews.values()
    assert [use.sha for use in review.uses] == [SHA, other]


async def test_a_use_whose_elder_never_asks_is_asked_about_in_the_end() -> None:
    box = Box(shop())
    await at_two(box)
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    [use] = unreviewed(await box.log.facts(REPO))
    elder = use.model_copy(update={"thread_id": "acme/shop/fedcba9876", "at": use.at - 1})
    fact = {f"glass/{elder.name}": elder.model_dump_json()}
    await box.log.append(Write(elder.thread_id, [], facts=fact, silent=True))
    now = await box.log.now(REPO)
    await box.later(MONDAY_9 - now + 1000)
    assert "review_asked" not in await box.types()
    await box.later(10 * 60_000)
    [review] = (await box.state()).reviews.values()
    assert len(review.uses) == 2


# What an audit says of it.


async def broken_and_audited(**changes: Any) -> list[Effect]:
    """Break the glass, and trace what came of it."""
    box = Box(shop(**changes))
    await at_two(box)
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    return effects(await box.log.read(box.thread_id))


async def test_an_audit_traces_it_to_the_person_the_reason_and_the_hash() -> None:
    [effect] = await broken_and_audited(approvals_needed=2, people={"alice": DAN})
    assert effect.problems == []
    assert effect.spec
    assert effect.glass
    click = effect.glass.click
    assert (click.user, click.spec_hash) == (DAN, spec_hash(effect.spec))
    assert effect.approvals == (click,)
    assert effect.glass.reason == "shop is down!"
    assert effect.glass.lifts == ("freeze", "approvers", "approvals_needed", "self_approval")


async def test_an_audit_names_the_approval_beside_it() -> None:
    box = Box(shop())
    await at_two(box)
    await box.approves(BOB)
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    entries = await box.log.read(box.thread_id)
    [effect] = effects(entries)
    assert effect.glass
    assert [click.user for click in effect.approvals] == [BOB]
    assert (effect.glass.click.user, effect.problems) == (DAN, [])
    changed = [
        entry.model_copy(update={"event": entry.event.model_copy(update={"spec_hash": "0"})})
        if isinstance(entry.event, ev.GlassBroken)
        else entry
        for entry in entries
    ]
    assert effects(changed)[0].problems == ["An approval names another hash than the card."]
