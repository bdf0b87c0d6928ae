"""What people approved waits for another thread, or for GitHub, and does not expire in silence."""

from app.core import events as ev
from app.core.ids import thread_id_for
from app.slack.messages import render
from tests import payloads
from tests.core.box import OLD, SHA, Box
from tests.core.test_last_look import production
from tests.core.test_renewals import anytime, endings, minutes
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB, CARA, REPO
from tests.story import Story

NEWER = "b" * 40
START, EXPIRES = "2027-01-13 08:00", "2027-01-14 08:00"
IN_USE = "waiting for `production/backend`, in use by <https://github.com/acme/shop/pull/12|#12>"
SINCE = " · since <!date^"
ASKED = f"↩️ <@{BOB}> approved this before it was made anew: please approve again."
GOES_OUT = "production backend bbbbbbb"


async def behind(**changes: object) -> Box:
    """Let a card wait for the backend, of which nobody can tell whether #12 changed it."""
    box = anytime(START, people={}, **changes)
    box.deployer.recovers = "blind"
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.deployer.forgets = True
    await box.approves()
    box.deployer.forgets = False
    steps = {"steps": ["frontend", "backend"]} if changes else {}
    tool = "propose_plan" if changes else "deploy_backend_to_prod"
    box.model.will(tool, sha=NEWER, reason="", **steps)
    await box.is_asked_for(NEWER)
    await box.approves()
    return box


async def ends(box: Box, *, happened: bool) -> None:
    """Let people say what became of #12's deploy, and end its thread."""
    mine, box.thread_id = box.thread_id, thread_id_for(REPO, "main", SHA)
    unknown = (await box.state()).unknown
    assert unknown
    attempt_id = unknown.attempt.attempt_id
    stated = ev.OutcomeStated(attempt_id=attempt_id, happened=happened, user=BOB)
    await box.does(stated, ev.StopRequested(user=ALICE))
    box.thread_id = mine


async def said(box: Box) -> dict[str, str]:
    """Return what every message of the thread says."""
    facts, now = await box.log.facts(REPO), await box.log.now(REPO)
    messages = render(await box.state(), box.config, now, facts)
    return {slot: payloads.words(m.text, m.blocks) for slot, m in messages.items()}


async def card_says(box: Box) -> str:
    return [words for slot, words in (await said(box)).items() if "card:" in slot][-1]


async def test_the_status_and_the_card_say_what_it_waits_for_and_since_when() -> None:
    box = await behind()
    status, card = (await said(box))["status"], await card_says(box)
    assert f"⏳ approved: deploy backend to production · {IN_USE}{SINCE}" in status
    assert f"{IN_USE}{SINCE}" in card
    assert " · approved until <!date^" in card
    assert ", then I ask again" in card


async def test_it_goes_on_by_itself_when_the_other_thread_is_through() -> None:
    box = await behind()
    await minutes(box, "2027-01-14 07:50")
    assert production(box) == ["production backend 4af9ec0"]
    await ends(box, happened=False)
    assert production(box)[1] == GOES_OUT


async def test_when_its_time_is_up_who_approved_is_asked_again_and_nobody_else() -> None:
    box = await behind()
    await minutes(box, EXPIRES)
    assert await endings(box) == [
        "its approval ran out while it waited, so it is made anew: production/backend is in "
        "use by #12"
    ]
    card = await card_says(box)
    assert card.startswith(f"<@{BOB}>: approve to deploy backend to production")
    assert ASKED in card
    assert f"<@{CARA}>" not in card
    first = next(words for slot, words in (await said(box)).items() if "card:" in slot)
    assert "Ask again" not in first


async def test_approved_again_it_goes_on_as_before() -> None:
    box = await behind()
    await minutes(box, EXPIRES)
    await box.approves()
    assert f"{IN_USE}{SINCE}" in (await said(box))["status"]
    await ends(box, happened=False)
    assert production(box)[1] == GOES_OUT


async def test_the_other_thread_may_change_production_and_then_the_last_look_says_no() -> None:
    box = await behind()
    await ends(box, happened=True)
    assert GOES_OUT not in production(box)
    assert "production has changed since the card was made" in (await endings(box))[0]


async def test_github_that_is_away_for_longer_than_a_card_lives() -> None:
    source = FakeSource([OLD, SHA])
    box = Box(source=source)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    source.away = True
    await box.approves()
    status = (await said(box))["status"]
    assert "⏳ approved: deploy backend to production · waiting for GitHub, and going on" in status
    assert "GitHub does not answer · since <!date^" in status
    for _ in range(25):
        await box.later(3_600_000)
    assert "waiting for GitHub" in (await said(box))["status"]
    assert "Ask again" not in await card_says(box)
    source.away = False
    await box.later(60_000)
    assert ASKED in await card_says(box)
    await box.approves()
    assert production(box) == ["production backend 4af9ec0"]


async def test_a_plan_under_way_says_what_its_next_step_waits_for() -> None:
    box = await behind(approval="plan")
    assert f"⏳ The next step is {IN_USE}{SINCE}" in await card_says(box)
    status = (await said(box))["status"]
    assert f"⏳ approved: deploy backend to production · {IN_USE}" in status


def test_since_when_counts_from_the_first_of_several_waits() -> None:
    story = Story().merged().staged().asks().approves()
    lock = ev.LockWaited(target="production/backend", holder="acme/shop/fedcba9876")
    story.then(lock)
    began = story.state.waits_since
    assert began
    story.then(lock, ev.SourceWaited(message="GitHub does not answer"))
    assert story.state.waits_since == began
