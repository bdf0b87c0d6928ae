"""States in which people are asked, or told what is going on."""

from datetime import UTC

from app.core import ahead_clicks
from app.core import events as ev
from app.core.hours import Hours
from app.demo.local_slack import ALICE, BOB, CARA
from tests.browser.pictures import Said, Screen, picture
from tests.browser.scene import (
    API,
    BOTH,
    CACHING,
    GIFT_CARDS,
    HOUR,
    MIGRATION,
    MINUTE,
    START,
    TESTS,
    WEEKEND,
    Merge,
    Scene,
    opened,
    scene,
    shop,
)
from tests.day.company import GRACE

FIRST = "can you deploy the backend first?"


async def staging() -> Screen:
    box = await opened()
    box.will("staging backend", "running", line="image 3 of 7 pushed")
    await box.sees_merged(BOTH)
    line = "After the merge: the status in the channel, and how far staging is in its thread."
    return await picture("staging", line, box, "status", "progress")


async def on_staging() -> Scene:
    box = await opened()
    box.will("staging e2e", "running")
    await box.sees_merged(GIFT_CARDS)
    return box


async def approve_ahead() -> Screen:
    line = "While staging runs: the status shows exactly what can be approved for when it is green."
    return await picture("approve-ahead", line, await on_staging(), "status")


async def ahead() -> Scene:
    box = await on_staging()
    prepared = (await box.state()).prepared
    assert prepared
    assert prepared.request
    await box.has_clicked(ahead_clicks.approve_when_green, about=prepared.request.call_id)
    return box


async def approved_ahead() -> Screen:
    line = "Approved ahead: it runs when staging is green, and can be taken back until then."
    return await picture("approved-ahead", line, await ahead())


async def lapsed() -> Screen:
    box = await ahead()
    box.deployer.prepared.clear()
    box.will("staging e2e", "failed", TESTS, failing_tests=("test_checkout",))
    await box.later(MINUTE)
    return await picture("lapsed", "What was approved ahead lapses where staging is red.", box)


async def waiting() -> Screen:
    line = "A card waits: what changes, the exact call, the evidence, who may approve, until when."
    return await picture("waiting", line, await scene())


async def held() -> Screen:
    box, said = await scene(BOTH), Said(CARA.id, FIRST)
    await box.did(ev.HumanSaid(user=said.user, text=said.text))
    line = "Somebody wrote: the card is held until their words are read."
    return await picture("held", line, box, "card", said)


async def in_doubt() -> Screen:
    box, said = await scene(), Said(CARA.id, "hm, that test looks flaky to me")
    await box.says(said.text, said.user)
    line = "Nobody can tell whether words are against the card: it stays, held, and says so."
    return await picture("in-doubt", line, box, "card", said)


async def question() -> Screen:
    box, said = await scene(), Said(CARA.id, "hm, that test looks flaky to me")
    await box.says(said.text, said.user)
    line = "What the words mean is asked; some answers are buttons."
    return await picture("question", line, box, "say")


async def replanned() -> tuple[Scene, Said]:
    box, said = await scene(BOTH), Said(CARA.id, FIRST)
    await box.says(said.text, said.user)
    return box, said


async def superseded() -> Screen:
    box, said = await replanned()
    line = "The words led to another plan: the old card is settled in two lines."
    return await picture("superseded", line, box, "first card", said)


async def plan_two() -> Screen:
    box, _ = await replanned()
    return await picture("plan-2", "The new card quotes the words that led to it.", box)


async def one_of_two() -> Screen:
    box = await scene(config=shop(approvals_needed=2))
    await box.has_clicked(user=BOB.id)
    return await picture("one-of-two", "Two approvals are needed, and one is there.", box)


async def locked() -> Screen:
    box = await scene()
    until = START + HOUR
    lock = ev.ServiceLocked(services=("backend",), user=ALICE.id, until=until, reason="load test")
    await box.does(lock)
    return await picture("locked", "Somebody locked the service: who, until when, and why.", box)


async def frozen() -> Screen:
    box = await scene(config=shop(freeze=(WEEKEND,)))
    return await picture("frozen", "A freeze is in force.", box)


async def nobody() -> Screen:
    box = await scene(config=shop(approvers=(ALICE.id,)))
    return await picture("nobody-can-approve", "Nobody can approve, and how to mend it.", box)


async def locking() -> Screen:
    box = await scene()
    both = ("frontend", "backend")
    reason = "the database is moved"
    await box.does(
        ev.ServiceLocked(services=both, user=ALICE.id, until=START + HOUR, reason=reason)
    )
    line = "Services are locked by words, in any thread: what it means, and who ends it."
    return await picture("lock", line, box, "lock")


async def plan() -> Screen:
    box = await scene(BOTH, config=shop(approval="plan"))
    return await picture("plan", "One card for a plan: every step, and one approval.", box)


async def newer() -> Screen:
    box = await scene()
    await box.posts_card(GIFT_CARDS.sha)
    await box.sees_merged(CACHING)
    box.thread_id = box.thread_of(GIFT_CARDS.sha)
    line = "A newer merge was tested while the card waits: three ways on."
    return await picture("newer", line, box)


async def reminder() -> Screen:
    box = await scene()
    await box.posts_card(GIFT_CARDS.sha)
    await box.later(HOUR // 2)
    return await picture("reminder", "Nobody decided for half an hour.", box, "remind")


async def escalation() -> Screen:
    box = await scene(config=shop(escalate_to=(GRACE.id,)))
    await box.posts_card(GIFT_CARDS.sha)
    await box.later(HOUR // 2)
    await box.later(2 * HOUR)
    line = "Nobody decided for two hours: somebody else is told, once."
    return await picture("escalation", line, box, "escalate")


async def quiet() -> Screen:
    hours = Hours(frozenset(range(5)), 9 * 60, 18 * 60, UTC)
    line = "Outside working hours: the card waits, and nobody is called until they begin."
    return await picture("quiet", line, await scene(config=shop(hours=hours)))


async def migration() -> Screen:
    box = await scene(Merge(files=(API, MIGRATION)))
    line = "A migration is in it: the job comes first, and Approve asks twice (the page does not)."
    return await picture("migration", line, box)


async def thread() -> Screen:
    """Return the picture of a whole thread, which the README shows."""
    box, said = await replanned()
    line = "Staging is green, a person asked for the backend first, a card waits for approval."
    return await picture("thread", line, box, "status", "progress", "first card", said, "card")
