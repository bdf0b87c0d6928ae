"""Who may break the glass for what, with every sentence that refuses it, and its review."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core import events as ev
from app.core import glass, workdays
from app.core.cards import Asked
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import RepoConfig, TargetConfig
from app.core.glass_uses import unreviewed
from app.core.ledger import write
from app.core.people import Person
from app.core.policy import unauthorised
from app.core.thread_clicks import said
from tests.fake_calendar import freeze
from tests.story import ALICE, BOB, CARA, OLD, START, THREAD, Story, card_facts, repo_config

DAN, GROUP = "U04DAN", "S0OPS"
WEEKEND = (freeze(START, START + 10**9),)
WHY = "checkout is down <!channel>"


def shop(**changes: Any) -> RepoConfig:
    """Configure the shop: dan is an approver of the frontend alone."""
    changes.setdefault("people", {})
    repo = repo_config(**changes)
    own = TargetConfig(deployer="command", options={}, approvers=(DAN,))
    services = {**repo.production.services, "frontend": own}
    production = repo.production.model_copy(update={"services": services})
    return repo.model_copy(update={"production": production})


def story(repo: RepoConfig | None = None, kind: str = "deploy", **facts: Any) -> Story:
    """Let the backend's card wait."""
    told = Story(repo or shop()).merged().staged()
    return told.asks(kind=kind, facts=card_facts(**{"barred": (), **facts}))


def click(told: Story, user: str = DAN, text: str = WHY, call_id: str = "c1") -> Click:
    return Click(told.state, told.repo, Person(user), call_id, told.now, told.facts, text)


def broken(decision: Decision) -> ev.GlassBroken:
    """Return what was accepted."""
    assert isinstance(decision, Accepted), decision
    [event] = decision.events
    assert isinstance(event, ev.GlassBroken)
    return event


def sentence(refused: object) -> str:
    assert isinstance(refused, Refused), refused
    return refused.sentence


def breaks(told: Story, user: str = DAN, why: str = WHY) -> Story:
    """Break the glass, with the facts that come with it."""
    return told.brings(broken(glass.break_glass(click(told, user, why))))


# What it lifts.


def test_an_approver_of_another_service_breaks_it_for_exactly_this_hash() -> None:
    told = story()
    event = broken(glass.break_glass(click(told)))
    assert event == ev.GlassBroken(
        call_id="c1",
        spec_hash=told.state.cards["c1"].request.spec_hash,
        user=DAN,
        reason=WHY,
        lifts=("approvers",),
    )


@pytest.mark.parametrize(
    ("user", "changes", "facts", "lifts"),
    [
        (BOB, {"freeze": WEEKEND}, {}, ("freeze",)),
        (DAN, {"freeze": WEEKEND}, {}, ("freeze", "approvers")),
        (BOB, {}, {"needed": 2}, ("approvals_needed",)),
        (BOB, {"people": {"alice": BOB}}, {}, ("self_approval",)),
        (DAN, {"people": {"alice": DAN}}, {"needed": 3}, None),
        (DAN, {"approvers": ()}, {"approvers": ()}, ("approvers",)),
    ],
)
def test_it_lifts_what_stands_against_the_person_and_the_time(
    user: str, changes: dict[str, Any], facts: dict[str, Any], lifts: tuple[ev.Lift, ...] | None
) -> None:
    everything = ("approvers", "approvals_needed", "self_approval")
    assert broken(glass.break_glass(click(story(shop(**changes), **facts), user))).lifts == (
        everything if lifts is None else lifts
    )


def test_a_freeze_is_nothing_to_a_rollback() -> None:
    told = story(shop(freeze=WEEKEND), kind="rollback")
    assert sentence(glass.liftable(click(told, BOB))) == (
        "There is nothing to break: you may approve this yourself, so press *Approve*."
    )


def test_a_member_of_a_group_is_an_approver_too() -> None:
    told = story(shop(approvers=(GROUP,)))
    seen = replace(click(told, ALICE), person=Person(ALICE, groups=frozenset({GROUP})))
    assert "nothing to break" in sentence(glass.liftable(seen))


def test_an_own_change_may_be_allowed_anyway() -> None:
    told = story(shop(people={"alice": BOB}, allow_self_approval=True))
    assert "nothing to break" in sentence(glass.liftable(click(told, BOB)))


# What it never lifts.


def test_it_takes_an_approver_of_the_repository() -> None:
    assert sentence(glass.break_glass(click(story(), ALICE))) == (
        "It takes an approver of acme/shop to break the glass. "
        "These are: <@U04DAN>, <@U02BOB>, <@U03CARA>."
    )
    nobody = Story(repo_config(approvers=())).merged().staged().asks()
    assert sentence(glass.break_glass(click(nobody, ALICE))) == (
        "It takes an approver of acme/shop to break the glass. It has none."
    )


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("is_bot", "Bots cannot decide about production."),
        ("deleted", "This Slack account is deactivated"),
        ("restricted", "Guests of this workspace"),
        ("foreign", "People from other workspaces"),
    ],
)
def test_no_account_that_decides_nothing_breaks_it(flag: str, said: str) -> None:
    seen = replace(click(story()), person=replace(Person(DAN), **{flag: True}))
    assert sentence(glass.break_glass(seen)).startswith(said)


def test_a_service_that_is_gone_is_not_deployed() -> None:
    told = story()
    own = {"frontend": told.repo.production.services["frontend"]}
    production = told.repo.production.model_copy(update={"services": own})
    told.repo = told.repo.model_copy(update={"production": production})
    assert "backend is no longer configured" in sentence(glass.break_glass(click(told)))


def test_a_reason_is_typed() -> None:
    answer = sentence(glass.break_glass(click(story(), text="now now")))
    assert answer == "Say why it cannot wait, in at least 10 characters."


def test_a_persons_lock_stands() -> None:
    told = story().locks("backend", reason="surgery")
    answer = sentence(glass.break_glass(click(told)))
    assert answer.startswith("backend is locked by <@U01ALICE>")
    assert answer.endswith("Broken glass ends no lock.")


def test_a_hold_stands() -> None:
    told = story()
    told.facts = {"hold/backend": f'{{"bad_sha": "{OLD}", "thread": "t", "at": 0}}'}
    assert "backend is on hold since 1111111 was rolled back" in sentence(
        glass.break_glass(click(told))
    )


def test_unread_words_stand() -> None:
    told = story().then(ev.HumanSaid(user=ALICE, text="wait"))
    assert "I am reading <@U01ALICE>'s message." in sentence(glass.break_glass(click(told)))


def test_a_card_of_other_rules_is_stale() -> None:
    told = story()
    told.repo = shop(approvals_needed=2)
    assert "The rules for approvals have changed" in sentence(glass.break_glass(click(told)))


def test_a_card_that_is_settled_or_expired_or_unknown_is_over() -> None:
    told = story()
    late = replace(click(told), now=told.state.cards["c1"].request.spec.expires_at)
    assert sentence(glass.break_glass(late)).startswith("Too late: this card expired")
    gone = click(story().then(ev.ApprovalRejected(call_id="c1", user=BOB)))
    assert sentence(glass.break_glass(gone)).startswith("Too late: <@U02BOB> rejected this")
    assert "I do not know this card" in sentence(glass.break_glass(click(told, call_id="c9")))


def test_the_second_hears_who_broke_it() -> None:
    told = breaks(story())
    answer = sentence(glass.break_glass(click(told, BOB)))
    assert answer.startswith("Too late: <@U04DAN> broke the glass for this already, <!date^")


# A card that is approved, and waits for the end of a freeze.


def frozen_after_approval() -> Story:
    told = story(shop(freeze=WEEKEND)).approves(BOB)
    block = ev.Block(service="backend", reason="weekend", since=START, until=START + 10**9)
    return told.then(ev.BlockWaited(block=block))


def test_what_is_approved_and_frozen_needs_the_freeze_lifted_alone() -> None:
    told = breaks(frozen_after_approval())
    card = told.state.cards["c1"]
    assert (card.lifted, card.approvers, card.decided_by) == (("freeze",), [BOB], BOB)
    assert told.state.waits_for_block is None
    assert unauthorised(told.repo, told.state, Asked(card, card.steps[0])) is None


def test_once_the_freeze_is_over_nothing_is_to_be_broken() -> None:
    told = frozen_after_approval()
    told.repo = shop(freeze=(freeze(START, told.now),))
    seen = click(told)
    assert sentence(glass.break_glass(seen)) == (
        "Nothing stands against it any more: it starts by itself."
    )


def test_what_waits_for_a_lock_is_not_broken() -> None:
    told = story().approves(BOB)
    told.then(ev.BlockWaited(block=ev.Block(service="backend", user=ALICE, since=START)))
    assert sentence(glass.break_glass(click(told))).startswith("Too late: <@U02BOB> approved this")


# At the last look.


def test_the_last_look_takes_it_for_the_approval() -> None:
    told = breaks(story(shop(approvals_needed=2, people={"alice": DAN}), needed=2))
    card = told.state.cards["c1"]
    assert (card.status, card.decided_by) == ("approved", DAN)
    assert [card.needed(step) for step in card.steps] == [1]
    assert [given.spec_hash for given in card.approvals] == [card.request.spec_hash]
    assert unauthorised(told.repo, told.state, Asked(card, card.steps[0])) is None


def test_who_is_no_approver_any_more_has_broken_nothing() -> None:
    told = breaks(story())
    card = told.state.cards["c1"]
    assert unauthorised(repo_config(people={}), told.state, Asked(card, card.steps[0])) == (
        "the glass was broken by somebody who may approve nothing here"
    )
    groups = repo_config(people={}, approvers=(GROUP,))
    assert unauthorised(groups, told.state, Asked(card, card.steps[0])) is None


def test_the_freeze_alone_makes_nobody_an_approver() -> None:
    told = breaks(story(shop(freeze=WEEKEND)), BOB)
    card = told.state.cards["c1"]
    assert card.lifted == ("freeze",)
    of = {"backend": CARA, "frontend": BOB}
    services = {
        name: TargetConfig(deployer="command", options={}, approvers=(user,))
        for name, user in of.items()
    }
    production = told.repo.production.model_copy(update={"services": services})
    changed = told.repo.model_copy(update={"production": production})
    assert unauthorised(changed, told.state, Asked(card, card.steps[0])) == (
        "one of its approvals is by somebody who may not approve it"
    )


def test_it_lifts_no_more_than_it_says() -> None:
    told = breaks(story(shop(freeze=WEEKEND)), BOB)
    card = told.state.cards["c1"]
    assert card.lifted == ("freeze",)
    own = told.repo.model_copy(update={"people": {"alice": BOB}})
    assert unauthorised(own, told.state, Asked(card, card.steps[0])) == (
        "one of its approvals is by somebody whose own change it is"
    )


def test_a_person_who_approved_already_counts_once() -> None:
    told = breaks(story(shop(approvals_needed=2), needed=2).approves(BOB), BOB)
    assert told.state.cards["c1"].approvers == [BOB]


# Words.


@pytest.mark.parametrize("text", ["Break the glass!", "override the freeze", "approve it anyway"])
def test_words_break_no_glass(text: str) -> None:
    answer = sentence(said(story().state, ALICE, text, None))
    assert answer.startswith("Words break no glass: press *Break glass* on the card.")
    assert isinstance(said(Story(shop()).merged().state, ALICE, text, None), Accepted)


# The review.


def reviewing() -> Story:
    """Let two uses be asked about: dan's, and one of bob's in another thread."""
    told = breaks(story())
    [mine] = unreviewed(told.facts)
    others = mine.model_copy(update={"thread_id": "acme/shop/fedcba9876", "user": BOB})
    return told.then(ev.ReviewAsked(call_id="review1", uses=(mine, others)))


def test_a_use_is_a_fact_until_people_are_asked_about_it() -> None:
    told = breaks(story())
    [use] = unreviewed(told.facts)
    assert (use.name, use.service, use.reason) == (f"{THREAD}:c1", "backend", WHY)
    asked = ev.ReviewAsked(call_id="review1", uses=(use,))
    assert write(told.state, [asked], told.now).facts == {f"glass/{use.name}": None}


def test_who_broke_it_does_not_review_it() -> None:
    told = reviewing()
    decision = glass.reviewed(click(told, BOB, call_id="review1"))
    assert isinstance(decision, Accepted)
    [seen] = decision.events
    assert seen == ev.GlassReviewed(call_id="review1", uses=(f"{THREAD}:c1",), user=BOB)
    told.then(seen)
    assert sentence(glass.reviewed(click(told, BOB, call_id="review1"))) == (
        "You broke the glass yourself, so another approver has to review it."
    )
    last = glass.reviewed(click(told, CARA, call_id="review1"))
    assert isinstance(last, Accepted)
    told.then(*last.events)
    assert sentence(glass.reviewed(click(told, DAN, call_id="review1"))) == (
        "<@U02BOB>, <@U03CARA> reviewed this already."
    )


def test_a_review_is_for_approvers_and_is_known() -> None:
    told = reviewing()
    assert sentence(glass.reviewed(click(told, ALICE, call_id="review1"))) == (
        "It takes an approver of acme/shop to review this."
    )
    assert sentence(glass.reviewed(click(told))) == "I do not know this review any more."


BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000
FRIDAY_9_BERLIN = 1_800_000_000_000  # 2027-01-15 08:00 UTC


@pytest.mark.parametrize(
    ("at", "morning"),
    [
        (FRIDAY_9_BERLIN - 7 * HOUR, FRIDAY_9_BERLIN),
        (FRIDAY_9_BERLIN, FRIDAY_9_BERLIN + 72 * HOUR),
        (FRIDAY_9_BERLIN + 15 * HOUR, FRIDAY_9_BERLIN + 72 * HOUR),
        (FRIDAY_9_BERLIN + 73 * HOUR, FRIDAY_9_BERLIN + 96 * HOUR),
    ],
)
def test_the_morning_after_is_one_of_a_working_day(at: int, morning: int) -> None:
    assert workdays.next_morning(at, BERLIN) == morning
