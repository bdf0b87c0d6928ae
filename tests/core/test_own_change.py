"""Whose change a commit is, also where another thread than its merge's proposes it."""

import json
from dataclasses import replace

import pytest

from app.core import events as ev
from app.core import thread_clicks
from app.core.actions import Append, Here
from app.core.declined import declined
from app.core.errors import SourceUnavailable
from app.core.policy import barred
from app.core.ports import Comparison
from app.core.rules.lanes import take_riders
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.core.town import (
    DORA,
    ONE,
    RED,
    SHAS,
    THREE,
    TWO,
    Town,
    ends_staging,
    goes_along,
    holds_staging,
    teams,
    town,
    turned_down,
)
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB, CARA, REPO, repo_config
from tests.story import THREAD, Story, card_facts

REJECTED = ev.ApprovalRejected(call_id="c1", user=CARA, text="not now")


class Pushed(FakeSource):
    """A GitHub in which cara pushed to every pull request."""

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        return ["cara"]


async def test_who_merged_a_commit_is_known_in_every_thread() -> None:
    box = Box(repo_config(people={"alice": BOB}), source=FakeSource([SHA]))
    box.model.will("done_for_now", message="later")
    await box.merges()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="asked for")
    await box.mentions("deploy the backend")
    assert (await box.card()).request.facts.barred == (BOB,)


async def test_a_commit_whose_author_nobody_knows_says_so_on_its_card() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="asked for")
    await box.staged(SHA)
    await box.mentions("deploy the backend")
    unchecked = (await box.card()).request.facts.unchecked
    assert "who wrote, merged or pushed this commit is unknown, so was not compared" in unchecked


async def test_every_merge_that_ships_along_is_its_peoples_own() -> None:
    people = {"alice": ALICE, "bob": BOB, "cara": CARA}
    box = town(Pushed([OLD, *SHAS]), people=people)
    await goes_along(box, "alice")
    card = (await box.of(TWO)).pending
    assert card
    assert set(card.request.facts.barred) == {ALICE, BOB, CARA}


async def test_a_card_is_made_anew_where_a_merge_comes_along_after_it() -> None:
    people = {"alice": ALICE, "bob": BOB, "cara": CARA, "dora": DORA}
    box = town(Pushed([OLD, *SHAS]), people=people)
    box.deployer.prepare("staging e2e", RED)
    await box.merged(ONE, author="dora")
    await box.merged(TWO)
    first = (await box.of(TWO)).pending
    assert first
    assert set(first.request.facts.barred) == {ALICE, BOB, CARA}
    box.deployer.prepared.clear()
    click = await box.click(ONE, text="e2e")
    await box.takes(click, thread_clicks.retry(click))
    second = (await box.of(TWO)).pending
    assert second
    assert set(second.request.facts.barred) == {ALICE, BOB, CARA, DORA}
    said = await box.said(TWO)
    assert "#1 came to ship with it, so it is made anew" in said[first.slot]
    assert "*Ships:*" in said[second.slot]
    assert "Ask again" not in said[first.slot]


async def test_a_merge_that_people_rejected_is_named_where_the_next_one_takes_it_along() -> None:
    box = town(FakeSource([OLD, *SHAS]), people={"dora": DORA})
    await turned_down(box, "dora")
    card = (await box.of(THREE)).pending
    assert card
    assert DORA in card.request.facts.barred
    said = await box.card_says(THREE)
    assert "*Goes out with it:* <https://github.com/acme/shop/pull/2|#2> Change 2" in said
    assert f"which `{CARA}` rejected in its thread" in said


async def test_a_merge_whose_thread_was_stopped_is_named_too_and_one_that_went_out_is_not() -> None:
    box = town(FakeSource([OLD, *SHAS]))
    await box.merged(ONE)
    await box.ships(ONE)
    await box.merged(TWO)
    await box.presses("stop", TWO)
    await box.merged(THREE)
    said = await box.card_says(THREE)
    assert f"which `{CARA}` stopped in its thread" in said
    assert "#1>" not in said


@pytest.mark.parametrize("source", [FakeSource([OLD, *SHAS]), None])
async def test_what_its_own_thread_shipped_meanwhile_goes_out_with_nothing(
    source: FakeSource | None,
) -> None:
    box = town(source)
    await box.runs_old()
    holds_staging(box)
    await box.merged(ONE, TWO, THREE)
    await ends_staging(box)
    await box.presses("stop", ONE)
    await box.staged(TWO)
    box.thread_id = box.thread_of(TWO)
    await box.says("this is urgent, orders fail")
    await box.says("deploy frontend")
    await box.ships(TWO)
    said = await box.card_says(THREE)
    assert "`2222222` → `3333333`" in said
    assert "Goes out with it" not in said


async def test_a_merge_that_changes_another_service_only_is_none_of_this_one() -> None:
    source = FakeSource([OLD, *SHAS])
    config = teams().model_copy(update={"people": {"dora": DORA}})
    box = Town(config, model=OfflinePlanner(), source=source)
    source.changed = ["api/app.py"]
    await box.merged(ONE)
    await box.ships(ONE)
    source.changed = ["web/page.tsx"]
    await box.merged(TWO, author="dora")
    await box.presses("stop", TWO)
    source.changed = ["api/app.py"]
    await box.merged(THREE)
    card = (await box.of(THREE)).pending
    assert card
    assert [commit.sha for commit in card.request.facts.commits] == [THREE, TWO]
    assert DORA not in card.request.facts.barred
    assert "Goes out with it" not in await box.card_says(THREE)


class Written(FakeSource):
    """A GitHub that lists the newest commits only, all by dora."""

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        compared = await super().compare(repo, base, head)
        commits = [ev.Commit(sha=commit.sha, author="dora") for commit in compared.commits]
        return replace(compared, commits=tuple(commits[:100]))


async def test_what_was_pushed_without_a_pull_request_is_its_authors_own() -> None:
    box = town(Written([OLD, ONE, TWO]), people={"dora": DORA})
    await box.runs_old()
    await box.merged(TWO)
    card = (await box.of(TWO)).pending
    assert card
    assert DORA in card.request.facts.barred


async def test_commits_that_a_card_does_not_keep_are_looked_through_all_the_same() -> None:
    later = [f"{number:040x}" for number in range(100, 130)]
    box = town(FakeSource([OLD, ONE, *later, TWO]), people={"dora": DORA})
    await box.runs_old()
    await box.merged(ONE, author="dora")
    await box.presses("stop", ONE)
    await box.merged(TWO)
    facts = (await box.of(TWO)).cards.popitem()[1].request.facts
    assert (len(facts.commits), facts.commits_total) == (20, 32)
    assert DORA in facts.barred
    assert [each.pull.number for each in facts.declined] == [1]


async def test_commits_that_github_does_not_list_are_said_not_to_be_compared() -> None:
    later = [f"{number:040x}" for number in range(100, 210)]
    box = town(Written([OLD, *later, TWO]))
    await box.runs_old()
    await box.merged(TWO)
    facts = (await box.of(TWO)).cards.popitem()[1].request.facts
    assert "whose changes the 11 oldest commits are" in facts.unchecked


def test_only_a_merge_that_people_turned_down_is_declined() -> None:
    assert declined(Story().merged().staged().asks().state) is None
    assert declined(Story().mentioned().asks().then(REJECTED).state) is None
    assert declined(Story().merged().staged().ships().asks("c2").state) is None
    told = declined(Story().merged().staged().asks().then(REJECTED).state)
    assert told
    assert (told.pull.number, told.how, told.user) == (12, "rejected", CARA)


def test_who_did_not_want_a_rollback_did_not_turn_the_merge_down() -> None:
    back = Story().merged().staged().asks().then(ev.ApprovalExpired(call_id="c1", reason=""))
    back.asks("c2", kind="rollback").then(REJECTED.model_copy(update={"call_id": "c2"}))
    assert declined(back.state) is None


def test_what_was_approved_ahead_lapses_where_a_merge_comes_along_that_it_did_not_list() -> None:
    story = Story().merged().starts("s", kind="e2e").prepares().approves_ahead(CARA)
    pull = ev.Pull(thread_id=f"{REPO}/1", sha=ONE, number=1, title="", url="", author="dora", at=1)
    rider = json.dumps({"into": THREAD, "pulls": [pull.model_dump()]})
    action = take_riders(story.state, Here(story.repo, story.now, {f"rider/{REPO}/1": rider}))
    assert isinstance(action, Append)
    reason = "#1 came to ship with it, so it is made anew"
    lapsed = ev.ApprovalExpired(call_id="c1", reason=reason)
    assert action.events == [ev.Carried(pulls=(pull,)), lapsed]


def test_what_comes_along_after_the_card_was_made_counts_too() -> None:
    story = Story(repo_config(people={"carl": CARA})).merged().staged()
    story.asks(facts=card_facts(barred=()))
    [card] = story.state.cards.values()
    assert CARA not in barred(story.repo, story.state, card.steps[0])
    pull = ev.Pull(thread_id=f"{REPO}/1", sha=ONE, number=1, title="", url="", author="carl", at=1)
    story.then(ev.Carried(pulls=(pull,)))
    assert CARA in barred(story.repo, story.state, card.steps[0])


# What a rollback takes out.


class Asked(Pushed):
    """A GitHub that counts how often it is asked who pushed; `silent` about that alone."""

    silent = False
    asked = 0

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        self.asked += 1
        if self.silent:
            raise SourceUnavailable("GitHub does not answer")
        return ["erin"]


PEOPLE = {"dora": DORA, "erin": "U0ERIN"}


async def goes_back(source: FakeSource | None, carries: bool = False) -> Town:
    """Bring out a merge of bob's, then dora's, and let people ask for the first one again."""
    box = town(source, people=PEOPLE)
    await box.merged(ONE)
    await box.ships(ONE)
    await box.merged(TWO, author="dora")
    if carries:
        await box.merged(THREE)
        await box.presses("both", TWO)
    await box.ships(THREE if carries else TWO)
    await box.mentions("roll back")
    assert (await box.card()).request.spec.sha == ONE
    return box


@pytest.mark.parametrize("carries", [False, True], ids=["alone", "with a newer one"])
@pytest.mark.parametrize("known", [True, False], ids=["by github", "by the record"])
async def test_a_rollback_is_the_change_of_those_whose_merges_it_takes_out(
    known: bool, carries: bool
) -> None:
    box = await goes_back(Asked([OLD, *SHAS]) if known else None, carries)
    card = await box.card()
    for step in card.steps:
        assert DORA in step.facts.barred
        assert ("U0ERIN" in step.facts.barred) is known
    assert DORA in barred(box.config, await box.state(), card.steps[0])


async def test_a_rollback_asks_a_silent_github_once() -> None:
    source = Asked([OLD, *SHAS])
    box = await goes_back(source)
    await box.rejects("not yet")
    source.silent, source.asked = True, 0
    await box.says("roll back")
    facts = (await box.card()).request.facts
    assert source.asked == 1
    assert DORA in facts.barred
    assert "the last pusher could not be asked for" in facts.unchecked


async def test_what_a_rollback_leaves_alone_is_nobodys_change() -> None:
    source = FakeSource([OLD, *SHAS], changed=["api/app.py"])
    config = teams().model_copy(update={"people": PEOPLE})
    box = Town(config, model=OfflinePlanner(), source=source)
    await box.merged(ONE)
    await box.ships(ONE)
    source.changed = ["web/page.tsx"]
    await box.merged(TWO, author="dora")
    await box.ships(TWO)
    source.changed = ["api/app.py"]
    await box.merged(THREE)
    await box.ships(THREE)
    await box.mentions("roll back the backend")
    facts = (await box.card()).request.facts
    assert [commit.sha for commit in facts.commits] == [THREE, TWO]
    assert DORA not in facts.barred
