"""States that tell what became of a merge, or of a card."""

from app.core import clicks, glass, overriding
from app.core import events as ev
from app.demo.local_slack import ALICE, BOB, CARA
from tests.browser.pictures import Said, Screen, picture
from tests.browser.scene import (
    BOTH,
    CACHING,
    GIFT_CARDS,
    HOUR,
    MINUTE,
    PRICES,
    START,
    TESTS,
    WEEKEND,
    Merge,
    Scene,
    opened,
    scene,
    shop,
)
from tests.fake_calendar import Daily

TAIL = ("FAILED test_checkout", "AssertionError: POST /orders answered 500")


async def under_way() -> Screen:
    box = await scene()
    box.will("production backend", "running", line="image 3 of 7 pushed")
    await box.has_clicked()
    return await picture("running", "Approved: the buttons are gone, the deploy runs.", box)


async def done() -> Screen:
    box = await scene()
    await box.has_clicked()
    line = "Done and tested; the way back is a button."
    return await picture("done", line, box, "status", "card", "say")


async def failed() -> Screen:
    box = await scene()
    tail = ("pushing image", "error: no space left on device")
    box.will("production backend", "failed", "exit code 1", tail=tail)
    await box.has_clicked()
    return await picture("failed", "The deploy failed, with its last lines.", box, "first card")


async def rejected() -> Screen:
    box = await scene()
    await box.has_clicked(clicks.reject, text="not before the sale ends")
    line = "Rejected with words: by whom, when, and why."
    return await picture("rejected", line, box, "first card")


async def expired() -> Screen:
    box = await scene()
    await box.later(24 * HOUR)
    return await picture("expired", "Expired is not rejected, and one click asks again.", box)


async def stopped() -> Screen:
    box = await scene()
    await box.does(ev.StopRequested(user=ALICE.id))
    line = "Stopped by words or by the button: nothing new begins."
    return await picture("stopped", line, box, "status", "card")


async def red_on_production() -> Scene:
    box = await scene(Merge(title="Vouchers"))
    for _ in range(2):
        box.will("production e2e", "failed", TESTS, failing_tests=("test_checkout",))
    await box.has_clicked()
    return box


async def rollback() -> Screen:
    line = "Production is red twice: a rollback is proposed, by a card."
    return await picture("rollback", line, await red_on_production(), "say", "card")


async def on_hold() -> Screen:
    box = await red_on_production()
    await box.has_clicked()
    await box.sees_merged(CACHING)
    line = "On hold after a rollback: an approver releases it first."
    return await picture("on-hold", line, box)


async def unknown() -> Screen:
    box = await scene()
    box.will("production backend", "unknown", "the host died while it ran")
    await box.has_clicked()
    await box.later(MINUTE)
    line = "Nobody can tell whether it happened: the approvers are called, and choose."
    return await picture("unknown", line, box, "card", "alert")


async def red_on_staging() -> Scene:
    box = await opened()
    box.will("staging e2e", "failed", TESTS, failing_tests=("test_checkout",), tail=TAIL)
    await box.sees_merged(GIFT_CARDS)
    return box


async def staging_red() -> Screen:
    line = "Staging is red: the author is called, with the reasons and the way on."
    return await picture("staging-red", line, await red_on_staging(), "status", "alert")


async def red_together() -> Screen:
    box = await opened()
    box.will("staging frontend", "running")
    await box.sees_merged(GIFT_CARDS)
    for waits in (CACHING, PRICES):
        await box.sees_merged(waits)
    box.deployer.prepared.clear()
    box.will("staging e2e", "succeeded")
    box.will("staging e2e", "failed", TESTS, failing_tests=("test_checkout",))
    await box.later(MINUTE)
    line = "Merges that waited were tested together, and are red: whose it is can be found out."
    return await picture("red-together", line, box, "alert")


async def overridden() -> Screen:
    box = await red_on_staging()
    staging = overriding.name_of((await box.state()).stagings[-1])
    why = "the payment sandbox is down, this changes a text"
    await box.has_clicked(overriding.override, text=why, about=staging)
    line = "Red tests were overridden: by whom and why stays on the card."
    return await picture("overridden", line, box)


async def _with_broken_glass() -> Scene:
    hotfix = Merge(title="Accept orders without a voucher", author="bob")
    box = await scene(hotfix, config=shop(freeze=(WEEKEND,)))
    why = "orders fail for everybody since 01:50"
    await box.has_clicked(glass.break_glass, user=BOB.id, text=why)
    return box


async def glass_broken() -> Screen:
    line = "A hotfix in a freeze: its author broke the glass, with a reason that stays."
    return await picture("glass-broken", line, await _with_broken_glass())


async def review() -> Screen:
    box = await _with_broken_glass()
    await box.later(3 * 24 * HOUR)
    line = "The next working morning: who broke the glass, why, and somebody else looks at it."
    return await picture("review", line, box, next(iter((await box.state()).reviews)))


async def plan_red() -> Screen:
    box = await scene(BOTH, config=shop(approval="plan"))
    box.will("production frontend", "failed", "exit code 1")
    await box.has_clicked()
    return await picture("plan-red", "The first red step ends a plan.", box, "first card")


async def waits() -> Screen:
    box = await scene()
    box.will("staging e2e", "running")
    await box.sees_merged(CACHING)
    box.thread_id = box.thread_of(GIFT_CARDS.sha)
    said = Said(CARA.id, "wait for #14")
    await box.says(said.text, said.user)
    line = "It waits for an event, and is woken by it; the card that waited is settled."
    return await picture("waits", line, box, "status", "card", said, "say")


async def rides_along() -> Screen:
    box = await scene()
    await box.has_clicked(clicks.reject, text="not before the sale ends")
    await box.sees_merged(CACHING)
    line = "A merge that somebody rejected is in the next one, too: the card says so."
    return await picture("rides-along", line, box)


async def undeployed() -> Screen:
    box = await scene(GIFT_CARDS, CACHING, config=shop(undeployed=Daily(START + 49 * HOUR)))
    for _ in ("the card of one expires", "the card of both expires"):
        await box.later(24 * HOUR)
    await box.later(HOUR)
    await box.is_asked_about_the_rest()
    line = "On a schedule, in the channel: what was merged and left behind."
    return await picture("undeployed", line, box, "status")
