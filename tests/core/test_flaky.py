"""Red tests and what they did before: counted from facts, told when it is true, retried alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.core import events as ev
from app.core import flaky
from app.core.context import render
from app.core.events import FailedBefore
from app.core.ports import Observation, Write
from app.core.records import Staging
from app.slack.messages import render as shown
from tests.core.box import SHA, Box
from tests.payloads import words
from tests.shop import ALICE, REPO, repo_config

PAYS = "checkout pays"
RED = Observation("failed", "1 test failed", failing_tests=(PAYS,))
OTHER = "b" * 40


def attempt(name: str, sha: str = SHA, environment: Any = "staging") -> ev.Attempt:
    return ev.Attempt(
        attempt_id=name,
        kind="e2e",
        repo=REPO,
        environment=environment,
        service=None,
        sha=sha,
        deployer="command",
        arguments={},
    )


def ended(failing: tuple[str, ...] | None, outcome: Any = "failed") -> ev.ToolEnded:
    outcome = "succeeded" if failing == () else outcome
    return ev.ToolEnded(attempt_id="", outcome=outcome, summary="", failing_tests=failing or ())


def after(
    *runs: tuple[str, tuple[str, ...] | None], environment: Any = "staging"
) -> dict[str, str]:
    """Return the facts that runs leave, each a commit and its failing tests (None: not named)."""
    facts: dict[str, str] = {}
    for at, (sha, failing) in enumerate(runs):
        tried = attempt(f"a{at}", sha, environment)
        changed = flaky.facts_of(tried, ended(failing), facts, at)
        facts |= {key: value for key, value in changed.items() if value}
        facts = {key: value for key, value in facts.items() if changed.get(key, value)}
    return facts


def before(facts: dict[str, str], *failing: str) -> list[tuple[int, int, int]]:
    told = flaky.failed_before(facts, "staging", failing, {"now"})
    return [(one.failed, one.green, one.runs) for one in told]


def test_a_failure_counts_as_green_again_by_the_next_run_of_its_commit() -> None:
    facts = after(("a", (PAYS,)), ("b", ()), ("a", ()), ("c", ("cart", PAYS)), ("c", ()))
    assert before(facts, PAYS, "cart", "login") == [(2, 2, 5), (1, 1, 5), (0, 0, 5)]


@pytest.mark.parametrize(
    "then",
    [[("a", (PAYS,)), ("a", ())], [("a", None), ("a", ())], [("b", ())]],
    ids=["red again", "red and nobody knows why", "never run again"],
)
def test_a_failure_that_was_not_green_again_is_none_of_a_flaky_test(
    then: list[tuple[str, tuple[str, ...] | None]],
) -> None:
    [told] = flaky.failed_before(after(("a", (PAYS,)), *then), "staging", [PAYS], ())
    assert not told.is_flaky
    assert told.green < told.failed


def test_a_test_that_never_failed_before_is_not_flaky() -> None:
    assert not FailedBefore(test=PAYS, failed=0, green=0, runs=20).is_flaky


def test_a_run_that_named_no_test_or_too_many_is_not_counted() -> None:
    everything = tuple(f"t{n}" for n in range(31))
    facts = after(("a", (PAYS,)), ("a", ()), ("b", None), ("c", everything))
    assert before(facts, PAYS, "t1") == [(1, 1, 2), (0, 0, 2)]


@pytest.mark.parametrize("outcome", ["cancelled", "unknown"])
def test_a_run_that_was_cancelled_or_lost_is_none(outcome: str) -> None:
    assert flaky.facts_of(attempt("a"), ended((PAYS,), outcome), {}, 0) == {}


def test_the_attempts_of_now_do_not_count() -> None:
    facts = after(("a", (PAYS,)), ("a", ()), ("b", (PAYS,)))
    assert flaky.failed_before(facts, "staging", [PAYS], {"a2"})[0].failed == 1


def test_the_newest_twenty_and_the_run_of_now_are_kept() -> None:
    facts = after(*[(f"{n}", ()) for n in range(30)])
    kept = flaky.runs(facts, "staging")
    assert [run.sha for run in kept] == [f"{n}" for n in range(9, 30)]
    assert before(facts, PAYS) == [(0, 0, 20)]


def test_environments_have_runs_of_their_own() -> None:
    facts = after(("a", (PAYS,)), ("a", ()), environment="production")
    assert before(facts, PAYS) == [(0, 0, 0)]
    assert flaky.failed_before(facts, "production", [PAYS], ())[0].is_flaky


def test_long_names_are_cut_and_still_found() -> None:
    name = "a test with a long story " * 20
    assert before(after(("a", (name,)), ("a", ())), name) == [(1, 1, 2)]


# In a thread.


async def flaked(box: Box, times: int, runs: int = 20) -> None:
    """Let other commits have been tested: some red first, and green when their tests ran again."""
    for number in range(runs - times):
        if number < times:
            box.deployer.prepare("staging e2e", RED)
        await box.later(1000)
        await box.merges(f"{number:040x}")
        await box.later(1000)
        if number < times:
            await retry(box)
    box.deployer.prepared.clear()


async def leave(box: Box, facts: Mapping[str, str | None]) -> None:
    """Let somebody else have left facts."""
    await box.log.append(Write("acme/shop/0000000000", [], facts=facts, silent=True))


async def retry(box: Box) -> None:
    state = await box.state()
    assert state.staging
    await box.does(ev.StagingRequested(sha=state.staging.sha, scope="e2e", user=ALICE))


async def staging(box: Box) -> Staging:
    found = (await box.state()).staging
    assert found
    return found


async def says(box: Box, slot: str) -> str:
    message = shown(await box.state(), box.config, await box.log.now(REPO))[slot]
    return words(message.text, message.blocks)


async def test_a_red_test_that_is_known_to_be_flaky_is_said_to_be_and_its_retry_is_green() -> None:
    box = Box()
    await flaked(box, times=3)
    box.deployer.prepare("staging e2e", RED)
    await box.merges()
    line = "🎲 `checkout pays` failed 3 of the last 20, each time green on re-run."
    assert line in await says(box, "alert:staging:1")
    box.deployer.effects.clear()
    await retry(box)
    assert box.deployer.effects == ["staging e2e 4af9ec0"]
    assert (await staging(box)).passed


async def test_the_agent_reads_what_is_known_of_red_tests() -> None:
    box = Box()
    flakes = [run for sha in "abc" for run in ((sha, (PAYS,)), (sha, ()))]
    await leave(box, after(*flakes, *[("d", ())] * 14))
    red = Observation("failed", "2 tests failed", failing_tests=(PAYS, "cart"))
    box.deployer.prepare("staging e2e", red)
    await box.merges()
    box.model.will("reply", message="It is known to be flaky.")
    await box.says("is this test flaky?")
    turn = box.model.turns[-1]
    read = render(turn.state, turn.entries, turn.repo, turn.now)
    assert (
        "«checkout pays» failed 3 of the last 20, each time green on re-run: known to be "
        "flaky; «cart» did not fail in the 20 runs before"
    ) in read


async def test_a_test_that_stayed_red_is_not_excused() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", RED, RED)
    await box.merges()
    await retry(box)
    assert "🎲" not in await says(box, "alert:staging:1") + await says(box, "alert:staging:2")
    run = (await box.state()).runs[(await staging(box)).attempts[-1]]
    assert [(one.failed, one.green, one.runs) for one in run.before] == [(1, 0, 1)]


async def test_the_rollback_agent_reads_it_of_production() -> None:
    box = Box()
    facts = after(("a", (PAYS,)), ("a", ()), ("b", (PAYS,)), ("c", ()), environment="production")
    await leave(box, facts)
    await ships(box)
    box.deployer.prepare("production e2e", RED, RED)
    box.model.will("done_for_now", message="all there")
    box.model.will("request_more_information", question="Roll back?", choices=[])
    await box.approves()
    turn = box.model.turns[-1]
    assert turn.state.mode == "rollback"
    read = render(turn.state, turn.entries, turn.repo, turn.now)
    assert "«checkout pays» failed 2 of the last 4, and was green on re-run 1 times" in read
    [slot] = [s for s in shown(await box.state(), box.config, 0) if s.startswith("progress:e2e:")]
    assert "🎲" not in await says(box, slot)


async def test_flaky_tests_of_production_are_said_to_be() -> None:
    box = Box()
    await leave(box, after(("a", (PAYS,)), ("a", ()), environment="production"))
    await ships(box)
    box.deployer.prepare("production e2e", RED, RED)
    box.model.will("done_for_now", message="all there")
    await box.approves()
    [slot] = [s for s in shown(await box.state(), box.config, 0) if s.startswith("progress:e2e:")]
    assert "🎲 `checkout pays` failed 1 of the last 2, green on re-run." in await says(box, slot)


async def ships(box: Box) -> None:
    """Put the card of the backend up."""
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()


async def test_production_tests_that_people_have_run_again_verify_what_still_runs() -> None:
    box = Box()
    await ships(box)
    box.deployer.prepare("production e2e", RED, RED)
    box.model.will("done_for_now", message="all there")
    box.model.will("request_more_information", question="Roll back?", choices=[])
    await box.approves()
    assert "verified/backend" not in await box.log.facts(REPO)
    box.model.will("run_e2e_tests", environment="production")
    box.model.will("done_for_now", message="flaky")
    await box.says("run the tests on production again")
    state = await box.state()
    assert (state.mode, (await box.log.facts(REPO))["verified/backend"]) == ("deploy", SHA)


# The tests alone.


async def test_tests_alone_deploy_again_what_staging_has_lost_to_another_thread() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", RED)
    await box.merges()
    mine = box.thread_id
    await box.merges(OTHER)
    box.thread_id = mine
    box.deployer.effects.clear()
    await retry(box)
    assert box.deployer.effects == [
        "staging frontend 4af9ec0",
        "staging backend 4af9ec0",
        "staging e2e 4af9ec0",
    ]
    assert (await staging(box)).passed


async def test_tests_count_only_after_the_last_deploy() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", RED)
    await box.merges()
    box.deployer.effects.clear()
    box.deployer.prepare("staging e2e", Observation("running"))
    await retry(box)
    await leave(box, {"staging/backend": None})
    box.deployer.prepared.clear()
    await box.later(10_000)
    assert box.deployer.effects == [
        "staging e2e 4af9ec0",
        "staging backend 4af9ec0",
        "staging e2e 4af9ec0",
    ]
    assert (await staging(box)).passed


async def test_without_tests_there_is_nothing_to_remember() -> None:
    shop = repo_config()
    bare = shop.staging.model_copy(update={"e2e": None})
    box = Box(repo_config(staging=bare))
    await box.merges()
    assert flaky.runs(await box.log.facts(REPO), "staging") == []
