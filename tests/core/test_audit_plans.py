"""What an audit says of the steps of one card: each by its click, in the order approved."""

from collections.abc import Sequence

from app.core import events as ev
from app.core.audit import effects
from app.core.events import Entry
from app.core.ports import Observation
from tests.core.box import SHA
from tests.core.test_plans import clicked, proposed
from tests.shop import BOB, CARA


async def shipped() -> list[Entry]:
    """Approve backend, then frontend, on one card, and see both through."""
    box = await proposed()
    box.model.will("done_for_now", message="done")
    await clicked(box, BOB)
    return await box.log.read(box.thread_id)


def start_of(entries: Sequence[Entry], service: str) -> int:
    """Return where a service's production deploy was started."""
    return next(
        n
        for n, entry in enumerate(entries)
        if isinstance(entry.event, ev.ToolStarted)
        and (entry.event.attempt.environment, entry.event.attempt.service)
        == ("production", service)
    )


def problems(entries: Sequence[Entry]) -> dict[str | None, list[str]]:
    return {effect.attempt.service: effect.problems for effect in effects(entries)}


async def test_each_step_is_traced_to_the_one_click() -> None:
    backend, frontend = effects(await shipped())
    assert [backend.attempt.service, frontend.attempt.service] == ["backend", "frontend"]
    assert [click.user for click in backend.approvals] == [BOB]
    assert backend.approvals == frontend.approvals
    assert backend.problems == frontend.problems == []


async def test_steps_out_of_their_order_are_a_problem() -> None:
    entries = await shipped()
    later = entries.pop(start_of(entries, "frontend"))
    entries.insert(start_of(entries, "backend"), later)
    assert problems(entries) == {
        "frontend": ["It was started before backend, which the plan has in front of it."],
        "backend": [],
    }


async def test_a_step_after_one_that_was_red_is_a_problem() -> None:
    entries = await shipped()
    attempt_id = effects(entries)[0].attempt.attempt_id
    red = [
        entry.model_copy(update={"event": entry.event.model_copy(update={"outcome": "failed"})})
        if isinstance(entry.event, ev.ToolEnded) and entry.event.attempt_id == attempt_id
        else entry
        for entry in entries
    ]
    assert problems(red) == {
        "backend": [],
        "frontend": ["Its plan had ended before: backend failed."],
    }


async def test_each_card_of_a_thread_has_its_own_steps() -> None:
    box = await proposed()
    box.deployer.prepare("production backend", Observation(status="failed", summary="boom"))
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="the other")
    await clicked(box, BOB)
    box.model.will("done_for_now", message="done")
    await box.approves(CARA)
    backend, frontend = effects(await box.log.read(box.thread_id))
    assert (backend.outcome, frontend.outcome) == ("failed", "succeeded")
    assert [click.user for click in frontend.approvals] == [CARA]
    assert backend.problems == frontend.problems == []


async def test_a_stop_between_two_steps_settles_what_is_left() -> None:
    entries = await shipped()
    at = start_of(entries, "frontend")
    stop = Entry(at=entries[at].at, write="w", event=ev.StopRequested(user=BOB))
    stopped = [*entries[:at], stop, *entries[at:]]
    assert problems(stopped) == {"backend": [], "frontend": ["Its card was stopped before."]}
