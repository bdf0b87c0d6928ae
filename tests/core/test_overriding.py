"""Red tests that an approver overrides: who may, when, what shows it, and what ends it."""

from typing import Any

import pytest

from app.core import context, endings, overrides, overriding
from app.core import events as ev
from app.core.clicks import Accepted, Click, Refused
from app.core.people import Person
from app.core.ports import Observation
from app.core.records import Staging
from app.core.state import State
from app.core.thread_clicks import retry
from app.slack.messages import render as shown
from tests.core.box import SHA, Box
from tests.payloads import buttons, words
from tests.shop import ALICE, BOB, CARA, REPO, repo_config

RED = Observation("failed", "1 test failed", failing_tests=("checkout pays",))
WHY = "the payment sandbox is down <!channel>"
HOUR = 3_600_000


async def red(box: Box, *outcomes: Observation, what: str = "staging e2e") -> None:
    """Merge a change whose staging is red."""
    box.deployer.prepare(what, *(outcomes or (RED,)))
    await box.merges()


async def click(box: Box, user: str = BOB, text: str = WHY, **more: Any) -> Click:
    state = await box.state()
    call_id = overriding.name_of(state.stagings[-1])
    person = more.pop("person", Person(user))
    now, facts = await box.log.now(REPO), await box.log.facts(REPO)
    return Click(state, box.config, person, more.pop("call_id", call_id), now, facts, text)


async def overridden(box: Box, user: str = BOB) -> None:
    """Let an approver override what is red."""
    decided = overriding.override(await click(box, user))
    assert isinstance(decided, Accepted)
    await box.does(*decided.events)


async def refusal(box: Box, **more: Any) -> str:
    decided = overriding.override(await click(box, **more))
    assert isinstance(decided, Refused)
    return decided.sentence


async def says(box: Box, slot: str) -> str:
    message = (await messages(box))[slot]
    return words(message.text, message.blocks)


async def messages(box: Box) -> Any:
    facts = await box.log.facts(REPO)
    return shown(await box.state(), box.config, await box.log.now(REPO), facts)


LINE = "⚠️ e2e red, overridden by <@U02BOB>"
REST = "the payment sandbox is down &lt;!channel&gt; (failing: `checkout pays`)"


async def card_says(box: Box) -> str:
    return await says(box, f"card:{(await box.card()).request.call_id}")


# What it does.


async def test_an_override_lets_the_agent_go_on_and_every_card_shows_it() -> None:
    box = Box()
    await red(box)
    assert "override" in buttons((await messages(box))["alert:staging:1"].blocks)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await overridden(box)
    for slot in ("status", "alert:staging:1"):
        said = await says(box, slot)
        assert LINE in said
        assert REST in said
    assert "override" not in buttons((await messages(box))["alert:staging:1"].blocks)
    assert LINE in await card_says(box)
    assert "*Staging:* deployed; its e2e tests are red, and were overridden" in await card_says(box)
    call_id = (await box.card()).request.call_id
    box.model.will("done_for_now", message="done")
    await box.approves(CARA)
    assert LINE in await says(box, f"card:{call_id}")
    assert REST in await says(box, f"card:{call_id}")
    assert "production backend 4af9ec0" in box.deployer.effects


async def test_it_shows_in_another_thread_and_after_days() -> None:
    box = Box()
    await red(box)
    box.model.will("done_for_now", message="not today")
    await overridden(box)
    await box.later(5 * 24 * HOUR)
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.mentions(f"deploy the frontend {SHA[:9]}")
    assert LINE in await card_says(box)
    assert REST in await card_says(box)
    assert box.deployer.effects.count("staging e2e 4af9ec0") == 1, "staging counts as passed"


async def test_who_overrode_may_approve_and_is_named() -> None:
    box = Box()
    await red(box)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await overridden(box, BOB)
    box.model.will("done_for_now", message="done")
    await box.approves(BOB)
    assert "production backend 4af9ec0" in box.deployer.effects


async def test_the_agent_reads_it() -> None:
    box = Box()
    await red(box)
    await overridden(box)
    state, entries = await box.state(), await box.log.read(box.thread_id)
    read = context.render(state, entries, box.config, await box.log.now(REPO))
    assert "staging tests were red and overridden by @U02BOB: it counts as passed" in read
    assert "@U02BOB overrode the red tests of 4af9ec0, so it counts as passed: «the payment" in read


@pytest.mark.parametrize("again", [[], [RED]], ids=["green", "red"])
async def test_a_new_run_of_staging_ends_it(again: list[Observation]) -> None:
    box = Box()
    await red(box)
    box.model.will("done_for_now", message="later")
    await overridden(box)
    assert overrides.override_of(await box.log.facts(REPO), SHA)
    box.deployer.prepare("staging e2e", *again)
    box.model.will("run_e2e_tests", environment="staging")
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.says("run the tests again")
    assert overrides.override_of(await box.log.facts(REPO), SHA) is None
    staging = (await box.state()).staging
    assert staging
    assert staging.is_good is not bool(again)
    if not again:
        assert "overridden" not in await card_says(box)


async def test_a_thread_whose_tests_were_overridden_can_be_taken_up_again() -> None:
    box = Box()
    await red(box)
    await overridden(box)
    await box.does(ev.StopRequested(user=ALICE))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.does(ev.Continued(user=ALICE))
    assert LINE in await card_says(box)


async def test_an_override_without_a_run_of_staging_changes_nothing() -> None:
    box = Box()
    box.model.will("reply", message="hello")
    await box.mentions("hello")
    await box.does(ev.StagingOverridden(sha=SHA, user=BOB, reason=WHY))
    assert (await box.state()).staging is None


# Who may, and when.


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"user": ALICE}, "It takes an approver of acme/shop to override red tests. These are: <@"),
        ({"person": Person(BOB, deleted=True)}, "This Slack account is deactivated"),
        ({"text": "flaky"}, "Say why the red tests do not count, in at least 10 characters."),
        ({"call_id": f"{SHA}-2"}, "Staging has run again since this message"),
        ({"call_id": "f" * 40 + "-1"}, "I do not know this run of staging any more."),
    ],
)
async def test_who_may_not_is_told(more: dict[str, Any], why: str) -> None:
    box = Box()
    await red(box)
    assert (await refusal(box, **more)).startswith(why)


async def test_where_nobody_approves_nobody_overrides() -> None:
    box = Box(repo_config(approvers=()))
    await red(box)
    said = await refusal(box)
    assert said == "It takes an approver of acme/shop to override red tests. It has none."


async def test_an_own_change_is_overridden_by_somebody_else() -> None:
    box = Box(repo_config(people={"alice": BOB}))
    await red(box)
    assert (await refusal(box)).startswith("You wrote or merged this change")
    box.configure(repo_config(people={"alice": BOB}, allow_self_approval=True))
    assert isinstance(overriding.override(await click(box)), Accepted)


async def test_nothing_but_red_tests_is_overridden() -> None:
    box = Box()
    await red(box, Observation("failed", "exit code 1"), what="staging backend")
    assert (await refusal(box)).startswith("Only red e2e tests can be overridden")
    assert "override" not in buttons((await messages(box))["alert:staging:1"].blocks)


async def test_lost_tests_are_no_red_ones() -> None:
    box = Box()
    await red(box, *[Observation("unknown", "lost")] * 5)
    assert (await refusal(box)).startswith("Only red e2e tests can be overridden")


async def test_what_passed_runs_or_was_overridden_needs_no_override() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", Observation("running"))
    await box.merges()
    assert (await refusal(box)).startswith("Staging is running again")
    box.deployer.prepared["staging e2e"] = [RED]
    await box.later(10_000)
    await overridden(box)
    assert await refusal(box) == "<@U02BOB> overrode these tests already."
    decided = retry(await click(box))
    assert isinstance(decided, Refused)
    assert decided.sentence.startswith("<@U02BOB> overrode these tests.")


async def test_green_tests_need_none() -> None:
    box = Box()
    await box.merges()
    assert (await refusal(box)).startswith("Staging has passed for 4af9ec0")


async def test_in_a_stopped_thread_nothing_is_overridden() -> None:
    box = Box()
    await red(box)
    await box.does(ev.StopRequested(user=ALICE))
    assert (await refusal(box)).startswith("<@U01ALICE> stopped this thread.")
    assert "alert:staging:1" in await messages(box)
    state = await box.state()
    assert not overriding.is_offered(state, state.stagings[-1], {})


async def test_what_a_newer_merge_ships_is_decided_in_its_thread() -> None:
    box = Box()
    await red(box)
    call_id = overriding.name_of((await box.state()).stagings[-1])
    again = ev.StagingRequested(sha=SHA, scope="all", user=ALICE)
    await box.does(again, ev.Coalesced(into=newer()))
    assert (await refusal(box, call_id=call_id)).startswith("A newer merge ships this one")
    state = await box.state()
    assert not overriding.is_offered(state, state.stagings[-1], {})
    assert endings.ending(state, box.config) == "a newer merge ships it, #43"


def newer() -> ev.Pull:
    return ev.Pull(
        thread_id="acme/shop/fedcba9876", sha="b" * 40, number=43, title="", url="", author="", at=0
    )


async def test_staging_that_was_stopped_says_nothing_of_tests() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", Observation("running"))
    await box.merges()
    await box.does(ev.StopRequested(user=ALICE))
    assert (await refusal(box)).startswith("Staging was stopped, so nothing is known.")


async def test_once_production_has_changed_the_tests_are_run_again_first() -> None:
    box = Box()
    await red(box)
    mine = box.thread_id
    await box.later(1000)
    box.model.will("deploy_backend_to_prod", sha="b" * 40, reason="")
    await box.merges("b" * 40)
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.thread_id = mine
    assert (await refusal(box)).startswith("Production has changed since these tests ran.")
    assert "override" not in buttons((await messages(box))["alert:staging:1"].blocks)


async def test_nothing_is_overridden_that_a_newer_version_may_have_decided() -> None:
    box = Box()
    await red(box)
    await box.does(ev.UnknownEvent(type="from_tomorrow"))
    assert (await refusal(box)).startswith("There is something in this thread that I cannot read")


def test_staging_that_ran_nothing_has_no_red_tests() -> None:
    assert overriding.red_tests(State(), Staging(SHA, "all", 1, 0)) is None
