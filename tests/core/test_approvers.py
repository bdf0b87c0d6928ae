"""Who can approve a change, whom to call for it, and a sentence for each cause that nobody can."""

from typing import Any

import pytest

from app.core import approvers
from app.core.events import Candidate, CardFacts
from app.core.people import Person, Roster
from app.slack.messages.approvers import called, may_approve, named
from tests.shop import ALICE, BOB, CARA, repo_config

DAN = "U04DAN"
GROUP = "S0WEB"
MANY = [f"U{number:02}" for number in range(7)]
MEND = "Name somebody else in `approvers = [...]` for `acme/shop` in `deploybot.toml`"


def facts(*people: Person, barred: tuple[str, ...] = (), **more: Any) -> CardFacts:
    """Find out who is behind the approvers, as a card's facts have it."""
    values: dict[str, Any] = {
        "approvers": tuple(p.user_id for p in people if p.user_id not in barred),
        "barred": barred,
        "candidates": approvers.candidates(Roster(people=people), barred),
    }
    return CardFacts(**(values | more))


def sentence(shown: CardFacts, service: str = "backend", **changes: Any) -> str:
    calls = approvers.to_call(shown) if shown.quiet_until is None else ()
    return may_approve(shown, service, repo_config(**changes), calls=calls)


@pytest.mark.parametrize(
    ("person", "barred", "cause"),
    [
        (Person(ALICE), (ALICE,), "alice wrote, merged or pushed it"),
        (Person(DAN, deleted=True, name="dan"), (), "dan's account is deactivated"),
        (Person(DAN, is_bot=True, name="robot"), (), "robot is a bot"),
        (Person(DAN, restricted=True, name="dan"), (), "dan is a guest"),
        (Person(DAN, ultra_restricted=True, name="dan"), (), "dan is a guest"),
        (Person(DAN, foreign=True, name="dan"), (), "dan belongs to another workspace"),
    ],
)
def test_each_cause_that_nobody_can_approve_has_its_sentence(
    person: Person, barred: tuple[str, ...], cause: str
) -> None:
    said = sentence(facts(person, barred=barred))
    assert said == f"⚠️ *Nobody can approve this:* {cause}. {MEND}, and ask again."


def test_a_user_that_slack_does_not_know_cannot_approve() -> None:
    found = approvers.candidates(Roster(strangers=("U0TYPO",)), ())
    said = sentence(CardFacts(approvers=("U0TYPO",), candidates=found))
    assert said.startswith("⚠️ *Nobody can approve this:* Slack knows no user `U0TYPO`. ")


def test_an_empty_group_can_be_filled_in_slack() -> None:
    said = sentence(CardFacts(approvers=(GROUP,), empty=(GROUP,)))
    assert said == (
        f"⚠️ *Nobody can approve this:* nobody is in the user group <!subteam^{GROUP}>. "
        f"{MEND}, and ask again; or add somebody to <!subteam^{GROUP}> in Slack."
    )


def test_without_any_approver_the_sentence_says_so() -> None:
    said = sentence(CardFacts())
    assert said == (
        f"⚠️ *Nobody can approve this:* no approvers are configured. {MEND}, and ask again."
    )


def test_a_service_with_approvers_of_its_own_is_named() -> None:
    repo = repo_config()
    own = repo.production.services["backend"].model_copy(update={"approvers": ()})
    services = {**repo.production.services, "backend": own}
    production = repo.production.model_copy(update={"services": services})
    said = sentence(CardFacts(), production=production)
    assert "`approvers = [...]` for `backend` of `acme/shop` in `deploybot.toml`" in said
    assert "`backend`" not in sentence(CardFacts(), "search", production=production)


def test_too_few_are_told_with_what_keeps_the_others() -> None:
    shown = facts(Person(BOB), Person(DAN, deleted=True, name="dan"), needed=2)
    assert sentence(shown) == (
        f"*May approve:* <@{BOB}> · 2 approvals needed\n"
        "⚠️ *2 approvals are needed, and only bob can give one:* dan's account is deactivated. "
        f"{MEND}, or lower `approvals_needed` there, and ask again."
    )


def test_too_few_without_a_cause_means_that_there_are_no_others() -> None:
    assert "can give one:* there are no others. " in sentence(facts(Person(BOB), needed=2))
    old = CardFacts(approvers=(BOB,), needed=2)
    assert "can give one:* no others are configured. " in sentence(old)


def test_many_causes_are_cut_visibly() -> None:
    shown = facts(*(Person(user, deleted=True, name=user) for user in MANY))
    assert "U05's account is deactivated; 1 more may not. " in sentence(shown)


def test_what_could_not_be_asked_counts_as_able_and_is_said() -> None:
    roster = Roster(unseen=(BOB, CARA), unread=(GROUP,), why="Slack did not answer")
    shown = CardFacts(
        approvers=(BOB, CARA, GROUP),
        candidates=approvers.candidates(roster, ()),
        unread=roster.unread,
        needed=9,
    )
    assert approvers.missing(shown) == 0
    assert approvers.to_call(shown) == [BOB, CARA, GROUP]
    assert approvers.unchecked(roster) == (
        "who is in the user group S0WEB: Slack did not answer",
        "whether 2 of the approvers may approve: Slack did not answer",
    )
    assert approvers.unchecked(Roster(unread=(GROUP,), why="missing_scope")) == (
        "who is in the user group S0WEB: missing_scope",
    )
    assert approvers.unchecked(Roster(unseen=(BOB,))) == ()


def test_few_people_are_called_by_name_and_not_the_group() -> None:
    shown = facts(Person(BOB), Person(CARA), approvers=(GROUP,))
    assert approvers.to_call(shown) == [BOB, CARA]
    assert called(shown) == f"<@{BOB}> and <@{CARA}>"


def test_of_many_the_group_is_called_and_who_is_listed() -> None:
    people = [Person(user) for user in MANY]
    shown = facts(*people, approvers=(MANY[0], GROUP))
    assert approvers.to_call(shown) == [MANY[0], GROUP]
    assert f"*May approve:* <@{MANY[0]}> and <!subteam^{GROUP}>" in sentence(shown)
    more = facts(Person(BOB), approvers=(GROUP,), more=30)
    assert approvers.to_call(more) == [GROUP]


def test_of_many_that_are_listed_a_handful_is_called() -> None:
    shown = facts(*(Person(user, name=f"n{user}") for user in MANY))
    assert approvers.to_call(shown) == MANY[:5]
    assert sentence(shown).endswith("<@U04> and 2 more")


def test_who_is_on_holiday_is_named_but_not_called() -> None:
    shown = facts(Person(CARA, name="cara", away=True), Person(BOB))
    assert approvers.to_call(shown) == [BOB]
    assert sentence(shown) == f"*May approve:* <@{BOB}> and cara (🌴 away)"


def test_who_is_on_holiday_is_called_where_there_are_too_few_others() -> None:
    away = Person(CARA, name="cara", away=True)
    assert approvers.to_call(facts(away)) == [CARA]
    assert approvers.to_call(facts(away, Person(BOB), needed=2)) == [BOB, CARA]


def test_who_has_approved_is_not_called_again() -> None:
    shown = facts(Person(BOB), Person(CARA), needed=2)
    assert approvers.to_call(shown, [BOB]) == [CARA]


def test_without_calling_people_are_named_by_login_name_or_id() -> None:
    shown = facts(Person(BOB), Person(CARA, name="Cara"), Person(DAN), more=2)
    assert named(shown, repo_config()) == "bob, Cara, `U04DAN` and 2 more"
    assert "<" not in named(CardFacts(approvers=(BOB, GROUP)), repo_config())


def test_a_name_cannot_call_or_format() -> None:
    evil = Person(DAN, name="<!channel> *now*")
    shown = facts(evil, approvers=(DAN,))
    assert "<!" not in named(shown, repo_config())
    assert "*" not in named(shown, repo_config())


def test_a_card_of_before_goes_by_what_the_rules_name() -> None:
    old = CardFacts(approvers=(BOB, GROUP))
    assert approvers.able(old) == [Candidate(user=BOB)]
    assert approvers.to_call(old) == [BOB, GROUP]
    assert approvers.approvable(old)
    assert not approvers.approvable(CardFacts(approvers=()))
