"""What an audit says of a thread's effects, and of those that nobody approved."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.core import events as ev
from app.core.audit import effects
from app.core.events import Entry
from tests.core.box import SHA, Box
from tests.shop import BOB, CARA, repo_config


async def deployed(approvals: int = 1) -> list[Entry]:
    """Deploy the backend to the end, approved as often as it takes."""
    box = Box(repo_config(approvals_needed=approvals))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="next")
    box.model.will("done_for_now", message="Done.")
    await box.merges()
    for user in (BOB, CARA)[:approvals]:
        await box.approves(user)
    return await box.log.read(box.thread_id)


def changed(entries: Sequence[Entry], kind: type[ev.Event], **fields: Any) -> list[Entry]:
    """Return the entries with fields of one kind of event changed."""
    return [
        entry.model_copy(update={"event": entry.event.model_copy(update=fields)})
        if isinstance(entry.event, kind)
        else entry
        for entry in entries
    ]


def problems(entries: Sequence[Entry]) -> list[str]:
    [effect] = effects(entries)
    return effect.problems


async def test_an_effect_is_traced_to_its_click_person_hash_and_time() -> None:
    entries = await deployed()
    [effect] = effects(entries)
    [click] = effect.approvals
    card = next(e.event for e in entries if isinstance(e.event, ev.ApprovalRequested))
    granted = next(e for e in entries if isinstance(e.event, ev.ApprovalGranted))
    assert (click.user, click.spec_hash, click.at) == (BOB, card.spec_hash, granted.at)
    assert (effect.attempt.service, effect.outcome, effect.problems) == ("backend", "succeeded", [])


async def test_every_approval_that_was_needed_is_named() -> None:
    [effect] = effects(await deployed(approvals=2))
    assert [click.user for click in effect.approvals] == [BOB, CARA]
    assert effect.problems == []


async def test_staging_and_tests_are_no_production_effects() -> None:
    box = Box()
    await box.merges()
    assert effects(await box.log.read(box.thread_id)) == []


async def test_an_effect_without_a_card_is_a_problem() -> None:
    entries = [e for e in await deployed() if not isinstance(e.event, ev.ApprovalRequested)]
    assert problems(entries) == ["Nobody was asked for it."]


async def test_an_effect_with_too_few_approvals_is_a_problem() -> None:
    entries = await deployed(approvals=2)
    first = next(e for e in entries if isinstance(e.event, ev.ApprovalGranted))
    assert problems([e for e in entries if e is not first]) == ["It has 1 of 2 approvals."]


async def test_an_approval_by_somebody_who_is_not_on_the_card_is_a_problem() -> None:
    entries = changed(await deployed(), ev.ApprovalGranted, user="U99EVE")
    assert problems(entries) == ["U99EVE was none of the card's approvers."]


def settled(how: str, call_id: str) -> ev.Event:
    match how:
        case "rejected":
            return ev.ApprovalRejected(call_id=call_id, user=BOB)
        case "expired":
            return ev.ApprovalExpired(call_id=call_id, reason="")
        case "superseded":
            return ev.ApprovalSuperseded(call_id=call_id, user=BOB)
        case _:
            return ev.StopRequested(user=BOB)


@pytest.mark.parametrize("how", ["rejected", "expired", "superseded", "stopped"])
async def test_an_effect_of_a_settled_card_is_a_problem(how: str) -> None:
    entries = await deployed()
    place = next(n for n, e in enumerate(entries) if isinstance(e.event, ev.ApprovalGranted))
    granted = entries[place].event
    assert isinstance(granted, ev.ApprovalGranted)
    event = Entry(at=entries[place].at, write="w", event=settled(how, granted.call_id))
    before = [*entries[:place], event, *entries[place:]]
    assert problems(before) == [f"Its card was {how} before."]


async def test_a_card_that_nobody_asked_for_settles_nothing() -> None:
    entries = await deployed()
    lone = Entry(at=entries[-1].at, write="w", event=ev.ApprovalRejected(call_id="c9", user=BOB))
    assert problems([lone, *entries]) == []


async def test_a_stop_after_its_start_is_none() -> None:
    entries = await deployed()
    stop = Entry(at=entries[-1].at, write="w", event=ev.StopRequested(user=BOB))
    assert problems([*entries, stop]) == []


async def test_one_person_who_approved_twice_is_one_approval() -> None:
    entries = changed(await deployed(approvals=2), ev.ApprovalGranted, user=BOB)
    assert problems(entries) == ["It has 1 of 2 approvals."]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sha": "f" * 40}, "Its sha is"),
        ({"service": "frontend"}, "Its service is 'frontend', and the card said 'backend'."),
        ({"deployer": "other"}, "Its deployer is 'other', and the card said 'command'."),
        ({"arguments": {"argv": ["rm"]}}, "Its arguments is"),
        ({"kind": "rollback"}, "Its kind is 'rollback', and the card said 'deploy'."),
        ({"attempt_id": "0" * 32}, "Its attempt id does not follow from the approved action."),
    ],
)
async def test_an_effect_other_than_what_was_approved_is_a_problem(
    fields: dict[str, Any], said: str
) -> None:
    entries = await deployed()
    started = next(
        e.event for e in entries if isinstance(e.event, ev.ToolStarted) and e.event.call_id
    )
    other = started.attempt.model_copy(update=fields)
    forged = [
        e.model_copy(update={"event": started.model_copy(update={"attempt": other})})
        if e.event is started
        else e
        for e in entries
    ]
    assert any(problem.startswith(said) for problem in problems(forged))


async def test_an_approval_of_another_hash_is_a_problem() -> None:
    entries = changed(await deployed(), ev.ApprovalGranted, spec_hash="0" * 64)
    assert problems(entries) == ["An approval names another hash than the card."]


async def test_an_action_with_another_hash_than_its_card_is_a_problem() -> None:
    entries = changed(await deployed(), ev.ApprovalRequested, spec_hash="0" * 64)
    assert "The stored action has another hash than its card." in problems(entries)


async def test_an_effect_after_the_cards_end_is_a_problem() -> None:
    late = [
        e.model_copy(update={"at": e.at + 100 * 3_600_000})
        if isinstance(e.event, ev.ToolStarted)
        else e
        for e in await deployed()
    ]
    assert problems(late) == ["It was started after the card had expired."]


async def test_an_effect_that_was_started_twice_is_a_problem() -> None:
    entries = await deployed()
    again = next(e for e in entries if isinstance(e.event, ev.ToolStarted) and e.event.call_id)
    assert problems([*entries, again]) == ["It was started twice."]


@pytest.mark.parametrize(("hash_of", "said"), [("this", []), ("another", 1)])
async def test_a_stated_outcome_names_its_person_and_its_action(hash_of: str, said: Any) -> None:
    entries = await deployed()
    [effect] = effects(entries)
    spec_hash = effect.approvals[0].spec_hash if hash_of == "this" else "0" * 64
    stated = ev.OutcomeStated(
        attempt_id=effect.attempt.attempt_id, happened=True, user=CARA, spec_hash=spec_hash
    )
    at = entries[-1].at
    [after] = effects([*entries, Entry(at=at, write="w", event=stated)])
    assert after.stated is not None
    assert (after.stated.user, after.stated.at, after.outcome) == (CARA, at, "happened")
    assert after.problems == ([] if not said else ["Its outcome was stated of another action."])


async def test_a_stated_outcome_of_what_nobody_was_asked_for_is_one_problem() -> None:
    entries = [e for e in await deployed() if not isinstance(e.event, ev.ApprovalRequested)]
    [effect] = effects(entries)
    stated = ev.OutcomeStated(attempt_id=effect.attempt.attempt_id, happened=True, user=CARA)
    assert problems([*entries, Entry(at=entries[-1].at, write="w", event=stated)]) == [
        "Nobody was asked for it."
    ]
