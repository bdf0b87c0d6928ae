"""What an audit says of a start that was recorded too late: was it sent, or withheld in time?"""

from collections.abc import Sequence
from typing import Any

from app.core import events as ev
from app.core.audit import LATE, Effect, effects
from app.core.events import Entry
from app.core.ports import Look, Write
from tests.core.box import SHA, Box
from tests.fakes import FakeLog
from tests.shop import BOB

TWO_DAYS = 2 * 24 * 3_600_000


class LateLog(FakeLog):
    """Takes two days to store that a production deploy starts, as a store that is away may."""

    async def append(self, write: Write) -> Look | None:
        starts = (event for event in write.events if isinstance(event, ev.ToolStarted))
        if any(event.attempt.environment == "production" for event in starts):
            self.advance(TWO_DAYS)
        return await super().append(write)


class StoppedLog(FakeLog):
    """Hears a stop right after a production deploy was recorded."""

    async def append(self, write: Write) -> Look | None:
        seen = await super().append(write)
        starts = (event for event in write.events if isinstance(event, ev.ToolStarted))
        if any(event.attempt.environment == "production" for event in starts):
            await super().append(Write(write.thread_id, [ev.StopRequested(user=BOB)]))
        return seen


async def approved(box: Box, refuses: str = "") -> list[Entry]:
    """Approve the backend, and read what came of it."""
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="next")
    await box.merges()
    box.deployer.refuses = refuses
    await box.approves()
    entries = await box.log.read(box.thread_id)
    ends = [n for n, entry in enumerate(entries) if isinstance(entry.event, ev.ToolEnded)]
    return entries[: ends[-1] + 1]


def the_effect(entries: Sequence[Entry]) -> Effect:
    [effect] = effects(entries)
    return effect


def ended(entries: Sequence[Entry], **fields: Any) -> list[Entry]:
    """Return the entries with their end told otherwise."""
    end = entries[-1]
    told = end.event.model_copy(update=fields)
    return [*entries[:-1], end.model_copy(update={"event": told})]


async def test_what_was_recorded_late_and_withheld_is_no_problem() -> None:
    box = Box(log=LateLog())
    effect = the_effect(await approved(box))
    assert "production backend 4af9ec0" not in box.deployer.effects
    assert (effect.outcome, effect.withheld, effect.problems) == ("failed", True, [])
    assert [click.user for click in effect.approvals] == [BOB]


async def test_what_was_recorded_late_and_reached_its_target_is_a_problem() -> None:
    entries = await approved(Box(log=LateLog()))
    late = ended(entries, withheld=False, outcome="succeeded", summary="done")
    assert the_effect(late).problems == [LATE]


async def test_no_sentence_excuses_a_late_start() -> None:
    """Version 0.2.0 told it in words alone, and a program's output may say the same."""
    late = ended(await approved(Box(log=LateLog())), withheld=False)
    assert "not started: the approval expired" in late[-1].event.model_dump_json()
    assert the_effect(late).problems == [LATE]


async def test_what_is_said_to_be_withheld_though_it_was_sent_is_a_problem() -> None:
    *before, end = await approved(Box(log=LateLog()))
    sent = ev.ToolSent(attempt_id=the_effect(before).attempt.attempt_id)
    effect = the_effect([*before, Entry(at=end.at, write="w", event=sent), end])
    assert (effect.withheld, effect.problems) == (False, [LATE])


async def test_what_its_target_refused_was_not_withheld() -> None:
    effect = the_effect(await approved(Box(), refuses="not started: no such workflow"))
    assert (effect.outcome, effect.withheld, effect.problems) == ("failed", False, [])


async def test_what_people_stopped_before_it_was_sent_was_withheld() -> None:
    log = StoppedLog()
    box = Box(log=log)
    effect = the_effect(await approved(box))
    assert "production backend 4af9ec0" not in box.deployer.effects
    assert (effect.outcome, effect.withheld, effect.problems) == ("cancelled", True, [])
