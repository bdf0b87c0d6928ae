"""The day after: back to the last version that passed, with all that changed with it, then held."""

import json

import pytest

from app.core import clicks, thread_clicks, way_back
from app.core import events as ev
from app.core.clicks import Accepted, Click, Refused
from app.core.context import render
from app.core.happened import Record
from app.core.policy import Person
from app.core.ports import Observation, Write
from app.core.versions import KEPT, facts_of, verified
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA, Box
from tests.core.town import ONE, TWO, town
from tests.shop import ALICE, BOB, CARA, REPO, repo_config

NEWER = "5eed5ed" + "3" * 33
RED = Observation(status="failed", summary="red", failing_tests=("test_pay",))
NO_TESTS = repo_config().production.model_copy(update={"e2e": None})


def running(sha: str, thread: str = "t", at: int = 0, kind: str = "deploy") -> str:
    return json.dumps({"sha": sha, "thread": thread, "at": at, "kind": kind})


# Versions.


def test_versions_that_passed_are_kept_in_their_order_and_bounded() -> None:
    facts: dict[str, str] = {"verified/backend": "0"}
    for number in range(1, KEPT + 5):
        facts |= {k: str(v) for k, v in facts_of({"backend": str(number)}, facts).items()}
    assert verified(facts, "backend") == [str(n) for n in range(5, KEPT + 5)]
    assert facts["verified/backend"] == str(KEPT + 4)


def test_a_version_that_passed_again_forgets_what_came_after_it() -> None:
    facts = {"versions/backend": json.dumps(["1", "2", "3"])}
    assert facts_of({"backend": "2"}, facts)["versions/backend"] == json.dumps(["1", "2"])


@pytest.mark.parametrize(
    ("runs", "versions", "goes_to"),
    [
        ("3", ["1", "2", "3"], "2"),
        ("4", ["1", "2", "3"], "3"),
        ("1", ["1", "2"], None),
        ("3", ["1", "9", "3"], "1"),  # 9 is the one for which the service is on hold
        ("4", [], None),
    ],
)
def test_the_way_back_is_the_last_that_passed_before_the_one_that_runs(
    runs: str, versions: list[str], goes_to: str | None
) -> None:
    facts = {
        "running/backend": running(runs),
        "versions/backend": json.dumps(versions),
        "hold/backend": json.dumps({"bad_sha": "9"}),
    }
    assert way_back.earlier(repo_config(), facts, [], "backend") == goes_to


def test_without_tests_the_way_back_is_what_ran_before() -> None:
    told = [
        Record(kind="deploy", sha=sha, at=1, service="backend", outcome=outcome)
        for sha, outcome in (("3", "succeeded"), ("2", "failed"), ("1", "succeeded"))
    ]
    facts = {"running/backend": running("3")}
    assert way_back.earlier(repo_config(production=NO_TESTS), facts, told, "backend") == "1"


def test_what_cannot_go_back_is_said_with_what_can() -> None:
    repo = repo_config(production=NO_TESTS)
    told = way_back.no_way(repo, {"frontend": OLD, "backend": None}, "backend", ())
    assert told == (
        "backend cannot go back: it has no earlier version that ran. These can: frontend "
        "to 0ddba11."
    )


def test_what_changed_together_goes_back_together_the_last_first() -> None:
    facts = {"running/frontend": running("1", "a", 5), "running/backend": running("1", "a", 9)}
    assert way_back.changed_last(repo_config(), facts) == ("backend", "frontend")
    facts["running/backend"] = running("2", "b", 9)
    assert way_back.changed_last(repo_config(), facts) == ("backend",)
    facts["running/backend"] = running("2", "b", 9, "rollback")
    assert way_back.changed_last(repo_config(), facts) == ()
    assert way_back.changed_last(repo_config(), {}) == ()


# In threads.


async def shipped(box: Box, sha: str) -> None:
    await box.merges(sha)
    while (await box.state()).pending:
        await box.approves()


async def back(box: Box) -> tuple[str, str]:
    """Return what the card that waits would bring back."""
    spec = (await box.card()).request.spec
    return spec.tool, spec.sha


async def refused(box: Box) -> str:
    """Return why code refused the newest call."""
    return (await box.state()).last_error


@pytest.mark.parametrize("words", ["rollback", "roll back", "please roll it back", "revert"])
async def test_both_services_go_back_in_a_new_thread_and_are_held_until_the_fix(words: str) -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    await box.later(3 * 24 * 3600 * 1000)
    await box.mentions(words)
    assert await back(box) == ("rollback_backend_in_prod", OLD)
    card = await box.card()
    assert card.request.facts.staging == "passed the production e2e tests before"
    assert [step.name for step in card.steps] == ["backend", "frontend"]
    await box.approves()
    assert (await box.state()).rolled_back == {"frontend": SHA, "backend": SHA}
    facts = await box.log.facts(REPO)
    assert {json.loads(facts[f"hold/{s}"])["bad_sha"] for s in ("frontend", "backend")} == {SHA}
    assert verified(facts, "backend") == [OLD]
    await box.merges(NEWER)
    card = await box.card()
    assert card.request.spec.sha == NEWER
    assert card.request.facts.hold == "on hold since 4af9ec0 was rolled back"
    held = Click(await box.state(), box.config, Person(BOB), card.request.call_id, 0, facts)
    assert isinstance(clicks.approve(held), Refused)
    assert isinstance(clicks.release(held), Accepted)


async def test_one_service_goes_back_alone_where_people_say_so() -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    await box.mentions("roll back frontend")
    assert await back(box) == ("rollback_frontend_in_prod", OLD)
    await box.approves()
    state = await box.state()
    assert (state.pending, list(state.rolled_back)) == (None, ["frontend"])


async def test_days_later_the_threads_own_words_go_back_too() -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    await box.says("roll back")
    assert await back(box) == ("rollback_backend_in_prod", OLD)


async def test_a_rollback_after_a_rollback_is_for_people_to_name() -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    await box.says("roll back")
    await box.approves()
    await box.mentions("roll back")
    question = (await box.state()).question
    assert question is not None
    assert question.text == (
        "I know of no newest deploy to take back: nothing is recorded, or the last change was a "
        "rollback. Which service should go back?"
    )
    assert question.choices == ("stop here",)


async def test_a_thread_that_production_has_left_behind_rolls_nothing_back() -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box, OLD)
    first = box.thread_id
    await shipped(box, SHA)
    box.thread_id = first
    look = await box.log.look(first)
    click = Click(await box.state(), box.config, Person(ALICE), "", look.now, look.facts)
    assert thread_clicks.rollback(click) == Refused(
        "Production has moved on since this thread: frontend runs 4af9ec0, backend runs 4af9ec0. "
        "To go back from there, mention me and say `roll back frontend`."
    )
    await box.says("roll back")
    question = (await box.state()).question
    assert question is not None
    assert question.text.startswith("Production has moved on since this thread.")
    assert question.choices == ("roll back frontend", "roll back backend", "stop here")


# What code refuses.


async def test_a_model_may_name_no_other_version_unless_people_do() -> None:
    box = Box()
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.model.will("deploy_backend_to_prod", sha=NEWER, reason="")
    await box.merges(NEWER)
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    box.model.will("reply", message="hm")
    await box.says("make it as it was")
    assert await refused(box) == (
        "backend goes back to 4af9ec0; people have to name any other version"
    )
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    await box.says(f"go back to {OLD[:7]}")
    card = await box.card()
    assert card.request.spec.sha == OLD
    assert card.request.facts.staging == "passed the production e2e tests before"


async def test_where_nothing_passed_people_are_asked_and_may_name_what_ran() -> None:
    box = Box(model=OfflinePlanner())
    fact = json.dumps({"sha": OLD, "thread": "acme/shop/0000000000", "at": 0})
    facts = {"running/backend": fact, "running/frontend": fact, "verified/frontend": OLD}
    await box.log.append(Write("acme/shop/0000000000", [], facts=facts, silent=True))
    box.deployer.prepare("production e2e", RED, RED)
    await shipped(box, SHA)
    question = (await box.state()).question
    assert question is not None
    assert question.text == (
        "backend cannot go back: it has no earlier version that passed the production tests. "
        "These can: frontend to 0ddba11. It did run 0ddba11, untested: people may name one to go "
        "back to."
    )
    assert question.choices == ("roll back backend to 0ddba11", "roll back frontend", "stop here")
    await box.says(question.choices[0], CARA)
    assert await back(box) == ("rollback_backend_in_prod", OLD)
    tested = (await box.card()).request.facts.staging
    assert tested.endswith("its production e2e tests are not recorded as green")


async def test_a_version_that_never_ran_is_refused_also_by_name() -> None:
    box = Box()
    await box.has_old_version()
    await box.staged(NEWER)
    box.model.will("rollback_backend_in_prod", sha=NEWER, reason="")
    box.model.will("reply", message="It never ran.")
    await box.mentions(f"roll back backend to {NEWER[:7]}")
    assert await refused(box) == (
        "backend never ran 5eed5ed in production. It ran: none that is recorded"
    )


async def test_a_service_without_any_past_cannot_go_back() -> None:
    box = Box()
    await box.has_old_version()
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    box.model.will("reply", message="No way.")
    await box.mentions("undo the backend")
    assert await refused(box) == (
        "backend cannot go back: it has no earlier version that passed the production tests."
    )


async def test_without_production_tests_what_ran_before_is_the_way_back() -> None:
    box = Box(config=repo_config(production=NO_TESTS), model=OfflinePlanner())
    await shipped(box, OLD)
    await shipped(box, SHA)
    await box.says("roll back")
    assert await back(box) == ("rollback_backend_in_prod", OLD)
    assert (await box.card()).request.facts.staging == (
        "ran in production before; no production tests are configured"
    )


async def test_the_model_reads_where_a_rollback_goes() -> None:
    box = Box()
    await box.has_old_version()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.model.will("reply", message="yes")
    await box.says("can we go back?")
    facts = box.model.turns[-1].state.facts
    assert facts is not None
    assert [running.back_to for running in facts.running] == [None, OLD]
    assert facts.changed_last == ("backend",)
    turn = box.model.turns[-1]
    read = render(turn.state, turn.entries, turn.repo, turn.now)
    assert "verified, a rollback goes to 0ddba11" in read
    assert "to be taken back unless people name others: backend" in read
    assert isinstance((await box.log.read(box.thread_id))[-1].event, ev.BotSaid)


async def test_without_github_a_rollback_lists_no_commit_as_taken_out() -> None:
    box = town()
    for sha in (ONE, TWO):
        await box.merged(sha)
        await box.ships(sha)
    await box.mentions("rollback")
    facts = (await box.card()).request.facts
    assert facts.commits == ()
    assert "no GitHub credentials" in " ".join(facts.unchecked)
