"""How a thread goes, from the merge to the end, on the real worker and stateful fakes."""

from app.core import events as ev
from app.core.ports import Observation, Write
from tests.core.box import OLD, REPO, SHA, Box

RED = Observation(status="failed", summary="exit code 1", failing_tests=("checkout",))


async def test_the_sixteen_steps() -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha="4af9ec0", reason="first in order")
    await box.merges()
    box.model.will("deploy_backend_to_prod", sha="4af9ec0", reason="asked for")
    await box.rejects("can you deploy the backend first?")
    assert (await box.card()).request.plan == 2
    box.model.will("deploy_frontend_to_prod", sha="4af9ec0", reason="next")
    await box.approves()
    box.model.will("done_for_now", message="both are deployed")
    await box.approves()

    assert box.deployer.effects == [
        "staging frontend 4af9ec0",
        "staging backend 4af9ec0",
        "staging e2e 4af9ec0",
        "production backend 4af9ec0",
        "production frontend 4af9ec0",
        "production e2e 4af9ec0",
    ]
    facts = await box.log.facts(REPO)
    assert facts["verified/backend"] == SHA
    assert await box.log.locks(REPO) == {}


async def test_a_red_staging_e2e_stops_there_and_can_be_retried() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", RED)
    await box.merges()
    state = await box.state()
    assert state.staging
    assert state.staging.passed is False
    assert await box.log.locks(REPO) == {}
    box.model.will("nothing_to_do", reason="no")
    await box.does(ev.StagingRequested(sha=SHA, scope="e2e", user="U01ALICE"))
    assert box.deployer.effects[-2:] == ["staging e2e 4af9ec0"] * 2
    assert (await box.state()).plan_ended == "no"


async def test_an_unknown_sha_never_reaches_a_card() -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha="deadbee", reason="")
    box.model.will("done_for_now", message="sorry")
    await box.merges()
    assert "tool_refused" in await box.types()
    assert (await box.state()).cards == {}


async def test_words_hold_the_card_and_a_reply_releases_it() -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.merges()
    before = await box.card()
    await box.says("why the frontend?")
    assert (await box.state()).held_by == "U01ALICE"
    box.model.will("reply", message="It is first in the order.")
    await box.later(60_000)
    state = await box.state()
    assert state.held_by is None
    assert state.pending
    assert state.pending.request == before.request


async def test_another_step_supersedes_the_card_and_quotes_the_words() -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.merges()
    first = await box.card()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.says("backend first please")
    state = await box.state()
    assert state.cards[first.request.call_id].status == "superseded"
    assert state.pending
    assert state.pending.request.plan == 2
    assert state.pending.request.quote == "backend first please"


async def test_the_same_step_again_leaves_the_card_as_it_is() -> None:
    box = Box()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.merges()
    first = await box.card()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="again")
    await box.says("thanks!")
    assert (await box.card()).request == first.request


async def test_a_red_production_goes_to_the_rollback_agent() -> None:
    box = Box()
    await box.has_old_version()
    box.deployer.prepare("production e2e", RED, RED)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="only the backend")
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="checkout is red")
    await box.approves()
    assert box.deployer.effects[-2:] == ["production e2e 4af9ec0"] * 2
    assert (await box.state()).mode == "rollback"
    box.model.will("done_for_now", message="rolled back")
    await box.approves()
    assert box.deployer.effects[-2:] == ["production backend 0ddba11", "production e2e 0ddba11"]
    facts = await box.log.facts(REPO)
    assert SHA in facts["hold/backend"]
    assert facts["verified/backend"] == OLD
    assert await box.log.locks(REPO) == {}


async def test_production_tests_whose_outcome_was_lost_are_no_red_ones() -> None:
    box = Box()
    lost = Observation(status="unknown", summary="nobody knows")
    box.deployer.prepare("production e2e", lost, RED, lost)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="only the backend")
    await box.approves()
    state = await box.state()
    assert box.deployer.effects.count("production e2e 4af9ec0") == 4
    assert state.verification
    assert state.verification.passed
    assert state.mode == "deploy"


async def test_stop_settles_the_card_and_verifies_what_was_shipped() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.approves()
    await box.does(ev.StopRequested(user="U01ALICE"))
    state = await box.state()
    assert state.pending is None
    assert box.deployer.effects[-1] == "production e2e 4af9ec0"
    assert state.verification
    assert state.verification.passed
    assert await box.log.locks(REPO) == {}


async def test_an_expired_card_is_asked_again() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    first = await box.card()
    await box.later(24 * 3600 * 1000)
    assert (await box.state()).cards[first.request.call_id].status == "expired"
    await box.does(ev.AskedAgain(call_id=first.request.call_id, user="U01ALICE"))
    second = await box.card()
    assert second.request.spec.sha == SHA
    assert second.request.spec_hash != first.request.spec_hash


async def test_three_errors_in_a_row_ask_a_person() -> None:
    box = Box()
    for _ in range(3):
        box.model.will("launch_the_rockets")
    await box.merges()
    state = await box.state()
    assert state.question
    assert state.question.because == "stuck"
    assert not state.turn_due


async def test_a_changed_production_voids_the_card() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    first = await box.card()
    await box.has_old_version()
    await box.approves()
    assert (await box.state()).cards[first.request.call_id].status == "expired"
    assert not [effect for effect in box.deployer.effects if effect.startswith("production")]


async def test_an_expired_card_does_not_leave_production_untested() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.approves()
    await box.later(24 * 3600 * 1000)
    assert box.deployer.effects[-1] == "production e2e 4af9ec0"
    assert await box.log.locks(REPO) == {}


async def test_stop_during_staging_starts_nothing_more_and_continue_begins_anew() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    await box.does(ev.StopRequested(user="U01ALICE"))
    assert box.deployer.effects == ["staging frontend 4af9ec0"]
    assert await box.log.locks(REPO) == {}
    box.deployer.prepared.clear()
    box.model.will("nothing_to_do", reason="no")
    await box.does(ev.Continued(user="U01ALICE"))
    assert box.deployer.effects[-1] == "staging e2e 4af9ec0"


async def test_what_cannot_be_started_has_failed_and_says_why() -> None:
    box = Box()
    box.deployer.refuses = "there is no program ./deploy.sh"
    await box.merges()
    state = await box.state()
    assert state.staging
    assert state.staging.summary == "frontend: there is no program ./deploy.sh"


async def test_an_unexpected_failure_is_told_in_the_thread_and_tried_again() -> None:
    box = Box()
    box.model.script.append(RuntimeError("a bug"))
    await box.merges()
    assert (await box.state()).fault is not None
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.later(15_000)
    assert (await box.state()).fault is None
    assert await box.card()


async def test_two_merges_share_staging_one_after_the_other() -> None:
    box = Box()
    box.deployer.prepare("staging frontend", Observation(status="running"))
    await box.merges()
    first = box.thread_id
    box.log.advance(1000)
    await box.merges("b" * 40)
    assert await box.waits_for() == ("staging", first)
    box.deployer.prepared.clear()
    box.model.will("nothing_to_do", reason="no")
    box.model.will("nothing_to_do", reason="no")
    await box.later(10_000)
    assert box.deployer.effects[-3:] == [
        f"staging {s} bbbbbbb" for s in ("frontend", "backend", "e2e")
    ]


async def test_an_unknown_outcome_waits_for_a_person_and_keeps_its_lock() -> None:
    box = Box()
    box.deployer.prepare("production backend", Observation(status="unknown", summary="gone"))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    await box.approves()
    state = await box.state()
    assert state.unknown
    assert "production/backend" in await box.log.locks(REPO)
    stated = ev.OutcomeStated(
        attempt_id=state.unknown.attempt.attempt_id, happened=False, user="U02BOB"
    )
    await box.does(stated)
    assert (await box.card()).request.spec.service == "backend"
    assert box.deployer.effects.count("production backend 4af9ec0") == 1


async def test_after_a_declined_rollback_the_locks_are_given_back() -> None:
    box = Box()
    await box.has_old_version()
    box.deployer.prepare("production e2e", RED, RED)
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("done_for_now", message="only the backend")
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="checkout is red")
    await box.approves()
    box.model.will("done_for_now", message="left as it is")
    await box.rejects("leave it, we fix it")
    assert await box.log.locks(REPO) == {}
    assert (await box.state()).mode == "deploy"


async def test_a_card_made_anew_leaves_the_line_for_a_lock_until_it_is_approved_again() -> None:
    box = Box()
    await box.log.append(Write("acme/shop/0000000000", [], take=["production/backend"]))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    await box.approves()
    assert await box.waits_for() == ("production/backend", "acme/shop/0000000000")
    await box.later(box.config.approval_expires_seconds * 1000)
    assert (await box.card()).approvals == []
    assert await box.waits_for() is None
    await box.approves()
    assert await box.waits_for() == ("production/backend", "acme/shop/0000000000")


async def test_of_two_threads_that_wait_for_each_other_one_gives_way() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    first, newer = box.thread_id, "b" * 40
    box.model.will("deploy_frontend_to_prod", sha=newer, reason="")
    await box.is_asked_for(newer)
    await box.approves()
    second, box.thread_id = box.thread_id, first
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    await box.approves()
    box.thread_id = second
    box.model.will("deploy_backend_to_prod", sha=newer, reason="")
    await box.later(60_000)
    await box.approves()
    assert await box.waits_for() == ("production/backend", first)

    box.thread_id = first
    await box.approves()
    cards = list((await box.state()).cards.values())
    assert [card.status for card in cards] == ["approved", "expired"]
    assert cards[-1].text == (
        "production/frontend is held by a thread that waits for what this one holds"
    )
    box.model.will("done_for_now", message="Done.")
    await box.later(60_000)
    assert box.deployer.effects[-3:] == [
        "production e2e 4af9ec0",
        "production backend bbbbbbb",
        "production e2e bbbbbbb",
    ]
    assert await box.log.locks(REPO) == {}
