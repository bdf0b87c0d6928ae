"""Who may approve what, and when an approved action may not happen any more."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.cards import Approval, Asked, Card
from app.core.config import RepoConfig, TargetConfig
from app.core.events import ApprovalGranted, ApprovalRequested, Commit, PlanStep, ShasResolved
from app.core.policy import (
    Allowed,
    Denied,
    Person,
    barred,
    hold_on,
    last_look,
    may_approve,
    may_decide,
    owners,
    unauthorised,
)
from tests.core.test_plans import with_own
from tests.story import ALICE, BOB, CARA, NEW, OLD, Story, card_facts, pull_request, repo_config

DAN, GROUP = "U04DAN", "S0OPS"


def asked(story: Story | None = None, **more: Any) -> tuple[Story, Card]:
    """Let alice's change, which somebody else merged, wait for approval."""
    story = (story or Story()).merged().staged().asks(**more)
    card = story.state.pending
    assert card
    return story, card


def verdict(user: str, repo: RepoConfig | None = None, **more: Any) -> Allowed | Denied:
    """Ask whether a user may approve alice's change."""
    story, card = asked(Story(repo or repo_config(people={"alice": ALICE})), **more)
    return may_approve(story.repo, Person(user), story.state, card)


def reason(answer: Allowed | Denied) -> str:
    """Return why not."""
    assert isinstance(answer, Denied)
    return answer.reason


def request_and_hash() -> ApprovalRequested:
    """Return a card's request."""
    return asked()[1].request


def test_an_approver_may() -> None:
    assert verdict(BOB) == Allowed(("backend",))


def test_others_hear_who_may() -> None:
    assert reason(verdict(DAN)) == (
        "You are not an approver of backend. These are: <@U02BOB>, <@U03CARA>."
    )


def test_an_empty_list_means_nobody() -> None:
    repo = repo_config(approvers=())
    assert reason(verdict(BOB, repo)) == (
        "Nobody can approve backend: its list of approvers is empty."
    )


def test_a_service_that_is_gone_has_no_approvers() -> None:
    assert "search is no longer configured" in reason(
        may_decide(repo_config(), "search", Person(BOB))
    )


def test_a_member_of_an_approving_group_may() -> None:
    repo = repo_config(approvers=(GROUP,))
    assert may_decide(repo, "backend", Person(DAN, groups=frozenset({GROUP}))) == Allowed()
    assert "<!subteam^S0OPS>" in reason(may_decide(repo, "backend", Person(DAN)))


def test_a_service_may_have_its_own_approvers() -> None:
    repo = repo_config()
    own = TargetConfig(deployer="command", options={}, approvers=(DAN,))
    services = {**repo.production.services, "backend": own}
    production = repo.production.model_copy(update={"services": services})
    repo = repo.model_copy(update={"production": production})
    assert may_decide(repo, "backend", Person(DAN)) == Allowed()
    assert isinstance(may_decide(repo, "backend", Person(BOB)), Denied)


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        (Person(BOB, is_bot=True), "Bots cannot decide about production."),
        (Person(BOB, deleted=True), "This Slack account is deactivated"),
        (Person(BOB, restricted=True), "Guests of this workspace cannot decide"),
        (Person(BOB, ultra_restricted=True), "Guests of this workspace cannot decide"),
        (Person(BOB, foreign=True), "People from other workspaces cannot decide"),
    ],
)
def test_a_flag_denies_an_approver(person: Person, sentence: str) -> None:
    assert reason(may_decide(repo_config(), "backend", person)).startswith(sentence)


def test_the_author_may_not_approve() -> None:
    repo = repo_config(approvers=(ALICE, BOB), people={"Alice": ALICE})
    assert reason(verdict(ALICE, repo, facts=card_facts(barred=()))) == (
        "You wrote, merged or pushed this change, so somebody else has to approve it: <@U02BOB>."
    )


def test_the_merger_may_not_approve() -> None:
    answer = verdict(BOB, repo_config(people={"bob": BOB}), facts=card_facts(barred=()))
    assert reason(answer).startswith("You wrote, merged or pushed")


def test_whom_the_card_bars_may_not_approve() -> None:
    answer = verdict(CARA, repo_config(people={}), facts=card_facts(barred=(CARA,)))
    assert reason(answer).startswith("You wrote, merged or pushed")


def test_an_unmapped_author_is_no_obstacle() -> None:
    assert verdict(BOB, repo_config(people={}), facts=card_facts(barred=())) == Allowed(
        ("backend",)
    )


def test_a_team_may_allow_self_approval() -> None:
    repo = repo_config(approvers=(ALICE,), allow_self_approval=True)
    assert verdict(ALICE, repo) == Allowed(("backend",))


def test_two_approvals_come_from_two_people() -> None:
    story, _ = asked(Story(repo_config(people={})), facts=card_facts(needed=2, barred=()))
    card = story.approves(BOB).state.cards["c1"]
    assert reason(may_approve(story.repo, Person(BOB), story.state, card)) == (
        "You approved this already; 1 of 2 approvals are there, "
        "the others have to come from other people."
    )
    assert may_approve(story.repo, Person(CARA), story.state, card) == Allowed(("backend",))


def test_who_did_their_part_of_a_plan_hears_what_is_missing_from_whom() -> None:
    repo = with_own(repo_config(people={}), "frontend", approvers=(DAN,))
    story = Story(repo).merged()
    frontend = PlanStep(spec=story.request("c1.2", "frontend").spec, facts=card_facts(barred=()))
    asked_for = story.request("c1", facts=card_facts(barred=()), more=(frontend,))
    story.then(
        asked_for,
        ApprovalGranted(call_id="c1", spec_hash="", user=BOB, covers=("backend",)),
    )
    card = story.state.cards["c1"]
    assert reason(may_approve(repo, Person(BOB), story.state, card)) == (
        "You approved your part of this already. You are not an approver of frontend. "
        f"These are: <@{DAN}>."
    )


def test_a_hold_stands_against_a_deploy_and_not_against_a_rollback() -> None:
    facts = {"hold/backend": f'{{"bad_sha": "{OLD}", "thread": "t", "at": 0}}'}
    spec = request_and_hash().spec
    assert hold_on(spec, facts) == OLD
    assert hold_on(spec, {}) is None
    assert hold_on(spec.model_copy(update={"kind": "rollback"}), facts) is None


def look(
    request: ApprovalRequested,
    granted: list[str] | None = None,
    production_is: str | None = OLD,
    hold: str | None = None,
    policy_version: str = "",
    now: int = 0,
) -> str | None:
    """Take the last look, by default at a world that has not changed."""
    hashes = [request.spec_hash] if granted is None else granted
    card = Card(request, 0, approvals=[Approval(BOB, 0, given) for given in hashes])
    version = policy_version or request.spec.policy_version
    return last_look(Asked(card, card.steps[0]), production_is, hold, version, now)


def test_what_was_approved_may_be_executed() -> None:
    assert look(request_and_hash()) is None


def test_changed_bytes_may_not() -> None:
    request = request_and_hash()
    spec = request.spec.model_copy(update={"arguments": {"argv": ["./other.sh"]}})
    changed = request.model_copy(update={"spec": spec})
    assert look(changed) == "the stored action is not, byte for byte, what was approved"
    assert look(request, ["another hash"]) == (
        "the stored action is not, byte for byte, what was approved"
    )


def test_too_few_approvals_may_not() -> None:
    request = request_and_hash()
    assert look(request, []) == "it has 0 of 1 approvals"


def test_an_expired_approval_may_not() -> None:
    request = request_and_hash()
    why = look(request, now=request.spec.expires_at)
    assert why
    assert why.startswith("the approval expired at 20")


def test_new_rules_may_not() -> None:
    why = look(request_and_hash(), policy_version="new")
    assert why == "the rules for approvals have changed since the card was made"


def test_a_held_service_may_not() -> None:
    why = look(request_and_hash(), hold=OLD)
    assert why == "backend is on hold since 1111111 was rolled back"


def test_another_production_may_not() -> None:
    why = look(request_and_hash(), production_is=NEW)
    assert why == (
        "production has changed since the card was made: it ran 1111111 and now runs 4af9ec0"
    )
    assert look(request_and_hash(), production_is=None) is not None


def test_a_pull_request_of_the_card_counts_too() -> None:
    story = Story(repo_config(people={"alice": ALICE}, approvers=(ALICE,))).mentioned()
    story.asks(facts=card_facts(barred=(), pull_request=pull_request()))
    card = story.state.cards["c1"]
    person = replace(Person(BOB), user_id=ALICE)
    assert isinstance(may_approve(story.repo, person, story.state, card), Denied)


def test_who_is_the_only_approver_hears_that_there_is_no_other() -> None:
    repo = repo_config(approvers=(ALICE,), people={"alice": ALICE})
    assert reason(verdict(ALICE, repo)) == (
        "You wrote, merged or pushed this change, so you cannot approve it, and no other approver "
        "is configured: name one in `deploybot.toml`."
    )


def test_the_author_of_the_commit_counts_beside_those_of_the_pull_request() -> None:
    told = Story(repo_config(people={"dan": CARA})).mentioned()
    told.then(ShasResolved(found=(Commit(sha=NEW, title="", author="dan"),)))
    card = told.asks(facts=card_facts(barred=())).state.cards["c1"]
    assert CARA in barred(told.repo, told.state, card.steps[0])
    answer = may_approve(told.repo, Person(CARA), told.state, card)
    assert reason(answer).startswith("You wrote, merged or pushed")


def test_a_merges_owners_are_those_of_the_commit_and_of_the_pull_request() -> None:
    told = Story(repo_config(people={"dan": CARA, "alice": ALICE})).merged()
    told.then(ShasResolved(found=(Commit(sha=OLD, title="", author="dan"),)))
    assert owners(told.repo, told.state, OLD) == {CARA, ALICE}


def test_with_a_group_among_the_approvers_its_members_are_the_clicks_matter() -> None:
    story, _ = asked(Story(repo_config(approvers=(GROUP,), people={})), facts=card_facts(barred=()))
    card = story.approves(DAN).state.cards["c1"]
    assert unauthorised(story.repo, story.state, Asked(card, card.steps[0])) is None


def test_without_a_group_an_approval_by_somebody_else_carries_nothing() -> None:
    story, _ = asked(Story(repo_config(approvers=(BOB,), people={})), facts=card_facts(barred=()))
    card = story.approves(DAN).state.cards["c1"]
    assert unauthorised(story.repo, story.state, Asked(card, card.steps[0])) == (
        "one of its approvals is by somebody who may not approve it"
    )


def test_fewer_people_than_the_rules_ask_for_carry_nothing() -> None:
    story, _ = asked(Story(repo_config(approvers=(BOB,), people={})), facts=card_facts(barred=()))
    card = story.approves(BOB).state.cards["c1"]
    repo = story.repo.model_copy(update={"approvals_needed": 2})
    assert unauthorised(repo, story.state, Asked(card, card.steps[0])) == (
        "it has 1 of 2 approvals by different people"
    )
