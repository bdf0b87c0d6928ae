"""Breaking the glass in Slack: the button, the form, the announcement, the review."""

import json
from collections.abc import AsyncGenerator

import pytest

from app.core import events as ev
from app.core.config import RepoConfig
from tests import payloads
from tests.adapters.slack_desk import CHANNEL, Desk
from tests.core.test_glass import DAN, GROUP, WEEKEND, breaks, reviewing, shop, story
from tests.shop import ALICE, BOB, CARA
from tests.story import START, THREAD, Story
from tests.waiting import until

WHY = "checkout is down <!channel> & *loud*"


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with Desk.run(shop()) as desk:
        await desk.tells(story())
        yield desk


async def submits(desk: Desk, text: str, user: str = DAN) -> str:
    """Submit the form, and return what it is answered."""
    answer = await desk.submits(text, user, callback_id="break_glass", field="reason")
    assert answer.status_code == 200
    return answer.text


# The button.


async def test_who_may_not_approve_is_offered_it_where_it_helps(desk: Desk) -> None:
    await desk.clicks("approve", user=DAN)
    assert (await desk.whisper()).startswith("You are not an approver of backend.")
    [shown] = desk.slack.fields("chat.postEphemeral")
    assert payloads.buttons(json.loads(shown["blocks"])) == {"break_glass": f"{THREAD}:c1"}


async def test_others_are_offered_nothing(desk: Desk) -> None:
    await desk.clicks("approve", user=ALICE)
    assert (await desk.whisper()).startswith("You are not an approver of backend.")
    [shown] = desk.slack.fields("chat.postEphemeral")
    assert "blocks" not in shown


async def test_a_silent_slack_offers_nothing(desk: Desk) -> None:
    desk.slack.failing.add("users.info")
    await desk.clicks("approve", user=DAN)
    assert (await desk.whisper()).startswith("I could not check you")


async def test_the_form_repeats_the_exact_action(desk: Desk) -> None:
    await desk.clicks("break_glass", user=DAN)
    await until(lambda: desk.slack.count("views.open") == 1)
    view = json.loads(desk.slack.fields("views.open")[0]["view"])
    assert (view["callback_id"], view["private_metadata"]) == ("break_glass", f"{THREAD}:c1")
    said = payloads.words("", view["blocks"])
    assert "*Deploy backend to production* · `1111111` → `4af9ec0`" in said
    assert 'deploy_backend_to_prod(sha="4af9ec0' in said
    assert "This lifts: approved by no approver of the service." in said


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (ALICE, "It takes an approver of acme/shop to break the glass."),
        (BOB, "There is nothing to break: you may approve this yourself"),
    ],
)
async def test_a_form_that_comes_to_nothing_is_not_opened(desk: Desk, user: str, said: str) -> None:
    await desk.clicks("break_glass", user=user)
    assert (await desk.whisper()).startswith(said)
    assert desk.slack.count("views.open") == 0


async def test_a_form_that_does_not_open_is_said(desk: Desk) -> None:
    desk.slack.failing.add("views.open")
    await desk.clicks("break_glass", user=DAN)
    assert await desk.whisper() == "I could not open the form. Press the button once more."


# The words.


async def test_the_reason_is_recorded_with_the_hash(desk: Desk) -> None:
    assert await submits(desk, WHY) == ""
    broken = await desk.newest()
    assert isinstance(broken, ev.GlassBroken)
    assert (broken.user, broken.reason, broken.lifts) == (DAN, WHY, ("approvers",))


async def test_a_short_reason_is_answered_in_the_form(desk: Desk) -> None:
    assert json.loads(await submits(desk, "  now  ")) == {
        "response_action": "errors",
        "errors": {"reason": "Say why it cannot wait, in at least 10 characters."},
    }


async def test_words_that_come_too_late_are_given_back(desk: Desk) -> None:
    await submits(desk, WHY)
    await submits(desk, "mine was first, really", BOB)
    said = await desk.whisper()
    assert said.startswith("Too late: <@U04DAN> broke the glass for this already")
    assert said.endswith("Your words were not passed on: “mine was first, really”")
    types = [event.type for event in await desk.events_of()]
    assert types.count("glass_broken") == 1


async def test_a_guest_breaks_nothing(desk: Desk) -> None:
    desk.slack.users[DAN] = {"is_restricted": True}
    await submits(desk, WHY)
    assert (await desk.whisper()).startswith("Guests of this workspace cannot decide")


async def test_nothing_is_broken_in_a_shared_channel(desk: Desk) -> None:
    desk.slack.channels[CHANNEL] = {"is_ext_shared": True}
    await submits(desk, WHY)
    assert (await desk.whisper()).startswith("This channel is shared with other workspaces")


async def test_groups_of_the_service_and_of_others_are_both_asked_for() -> None:
    async with Desk.run(shop(approvers=(GROUP,))) as desk:
        await desk.tells(story(shop(approvers=(GROUP,))))
        desk.slack.groups[GROUP] = [DAN]
        await desk.clicks("break_glass", user=DAN)
        assert "nothing to break" in await desk.whisper()


# What people see.


def test_it_is_offered_on_a_card_that_is_frozen_or_that_nobody_can_approve() -> None:
    assert "break_glass" not in story().buttons("card:c1")
    assert "break_glass" in story(shop(freeze=WEEKEND)).buttons("card:c1")
    assert "break_glass" in story(approvers=()).buttons("card:c1")
    assert "break_glass" not in story(shop(freeze=WEEKEND), kind="rollback").buttons("card:c1")
    locked = story(shop(freeze=WEEKEND)).locks("backend")
    assert "break_glass" not in locked.buttons("card:c1")
    held = story(shop(freeze=WEEKEND)).then(
        ev.HumanSaid(user=ALICE, text="?"), ev.ModelDown(message="", retry_at=0)
    )
    assert "break_glass" not in held.buttons("card:c1")


def test_it_is_offered_on_what_is_approved_and_waits_for_the_end_of_a_freeze() -> None:
    told = story(shop(freeze=WEEKEND)).approves(BOB)
    assert "card:c1" not in [slot for slot in told.show() if "break" in told.says(slot)]
    block = ev.Block(service="backend", reason="weekend", since=START, until=START + 10**9)
    told.then(ev.BlockWaited(block=block))
    assert "break_glass" in told.buttons("card:c1")


def elsewhere() -> RepoConfig:
    """Let the repository's channel be another than the thread's."""
    return shop(freeze=WEEKEND).model_copy(update={"channel": "C02ALL"})


def test_the_channel_hears_of_it_at_once() -> None:
    told = breaks(story(shop(freeze=WEEKEND)), why=WHY)
    told.repo = elsewhere()
    message = told.show()["glass:c1"]
    assert (message.in_thread, message.channel) == (False, "C02ALL")
    said = told.says("glass:c1")
    assert "🚨 *Glass broken* by <@U04DAN> <!date^" in said
    assert "deploy backend to production · `1111111` → `4af9ec0`" in said
    assert "*Why:* checkout is down &lt;!channel&gt; &amp; " in said
    assert "*Lifted:* the freeze, approved by no approver of the service" in said
    card = told.says("card:c1")
    assert "🚨 glass broken by <@U04DAN>" in card
    assert "approved by <@" not in card


def test_the_card_names_who_approved_and_who_broke_the_glass() -> None:
    told = story(shop(freeze=WEEKEND)).approves(BOB)
    block = ev.Block(service="backend", reason="weekend", since=START, until=START + 10**9)
    said = breaks(told.then(ev.BlockWaited(block=block))).says("card:c1")
    assert "approved by <@U02BOB>" in said
    assert "glass broken by <@U04DAN>" in said


def test_the_review_lists_every_use_until_each_was_reviewed() -> None:
    told = reviewing()
    assert told.buttons("review1") == {"reviewed": f"{THREAD}:review1"}
    said = told.says("review1")
    assert "<@U02BOB> and <@U03CARA>: was it right, and what has to change?" in said
    assert "🚨 The glass was broken 2 times since the last review." in said
    assert "• backend `4af9ec0` by <@U04DAN>" in said
    seen = ev.GlassReviewed(call_id="review1", uses=(f"{THREAD}:c1",), user=CARA)
    told.then(seen)
    assert "✅ reviewed by <@U03CARA>" in told.says("review1")
    assert "reviewed" in told.buttons("review1")
    told.then(seen.model_copy(update={"uses": ("acme/shop/fedcba9876:c1",)}))
    assert told.buttons("review1") == {}


def test_a_review_calls_nobody_who_broke_it_alone() -> None:
    told = reviewing()
    use = told.state.reviews["review1"].uses[0].model_copy(update={"user": BOB})
    told.then(ev.ReviewAsked(call_id="review2", uses=(use,)))
    assert "\n<@U03CARA>: was it right" in told.says("review2")


def test_a_review_of_another_thread_calls_all_approvers_as_far_as_there_are_others() -> None:
    told = reviewing()
    [_, use] = told.state.reviews["review1"].uses
    told.then(ev.ReviewAsked(call_id="review2", uses=(use,)))
    assert "\n<@U04DAN> and <@U03CARA>: was it right" in told.says("review2")
    services = told.repo.production.services
    alone = told.repo.production.model_copy(update={"services": {"backend": services["backend"]}})
    told.repo = told.repo.model_copy(update={"approvers": (BOB,), "production": alone})
    assert "An approver who did not break it: was it right" in told.says("review2")


def test_the_announcement_leads_to_the_card() -> None:
    told = breaks(story(shop(freeze=WEEKEND)))
    told.then(ev.MessagePosted(slot="card:c1", channel="C01DEPLOYS", ts="12.34"))
    assert f"*Thread:* `{THREAD}`" in told.says("glass:c1")
    told.facts["slack"] = "https://acme.slack.com/"
    link = "<https://acme.slack.com/archives/C01DEPLOYS/p1234|the card>"
    assert f"*Thread:* {link}" in told.says("glass:c1")


def test_a_long_night_is_cut_visibly() -> None:
    told = reviewing()
    use = told.state.reviews["review1"].uses[0]
    many = tuple(use.model_copy(update={"call_id": f"c{n}", "reason": "r"}) for n in range(13))
    told.then(ev.ReviewAsked(call_id="review2", uses=many))
    assert "… and 3 more (cut)" in told.says("review2")
    told.then(ev.ReviewAsked(call_id="review3", uses=many[:1]))
    assert "broken once" in told.says("review3")


async def test_an_approver_reviews_it_in_the_repositorys_channel() -> None:
    repo = elsewhere()
    async with Desk.run(repo) as desk:
        await desk.tells(reviewing())
        await desk.clicks("reviewed", f"{THREAD}:review1", BOB, channel="C02ALL")
        assert await desk.newest() == ev.GlassReviewed(
            call_id="review1", uses=(f"{THREAD}:c1",), user=BOB
        )
        await desk.clicks("reviewed", f"{THREAD}:review1", ALICE, channel="C02ALL")
        assert "It takes an approver of acme/shop to review this." in await desk.whisper()
        await desk.clicks("approve", f"{THREAD}:c1", BOB, channel="C02ALL")
        assert "belongs to another channel" in await desk.whisper(2)


def test_the_thread_began_by_a_mention_has_no_pull_request_to_link() -> None:
    told = breaks(Story(shop()).mentioned().asks())
    assert f"*Thread:* `{THREAD}`" in told.says("glass:c1")
