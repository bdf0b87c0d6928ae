"""The service is killed where words hold a card, and where they are taken back.

Bob presses Approve whenever he looks, held or not: it counts only where no words hold the card.
"""

from pathlib import Path

import pytest

from app.core import events as ev
from app.core.events import Entry
from app.core.fold import fold
from app.core.state import State
from tests.adapters.github_bodies import SHA
from tests.crash import people
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import Deploy, to
from tests.crash.points import Fault
from tests.forks import Zygote
from tests.shop import ALICE, BOB, REPO

FLAKY = "that test is flaky, ignore it"
# In the order in which they come, for each of two cards: alice writes what nobody understands, is
# asked what it means, and takes it back, the first time in words and then by a press.
POINTS = ("append human_said", "append bot_said", "append plan_kept") * 2


@pytest.mark.parametrize("when", ["before", "after"])
async def test_kills_around_words_that_are_taken_back_approve_nothing_and_lose_no_card(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, when: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, "blind", zygote) as box:
        box.reminds = False
        first, *box.later = [Fault(f"{when} {point}") for point in POINTS]
        await box.start(first)
        deploy = Doubted(box, SHA)
        state = await deploy.plays()

        assert box.fired() == [f"{when} {point}" for point in POINTS]
        assert [card.status for card in state.cards.values()] == ["approved"] * 2
        assert [card.approvers for card in state.cards.values()] == [[BOB]] * 2
        assert [(words.user, words.text) for words in state.words] == [(ALICE, FLAKY)] * 2
        entries = await deploy.entries()
        assert sum(isinstance(entry.event, ev.PlanKept) for entry in entries) == 2
        assert nobodys_words_were_passed_over(entries)
        assert sorted(box.target.production()) == [
            f"production {service} {SHA[:7]}" for service in ("backend", "frontend")
        ]
        assert max(box.target.starts.values()) == 1
        assert max(box.outside.posted().values(), default=0) <= 1
        assert await box.log.locks(REPO) == {}
        held = [told for told in box.outside.whispers if "may be against this" in told["text"]]
        assert held


def nobodys_words_were_passed_over(entries: list[Entry]) -> bool:
    """Tell whether no words held a card when it was approved, and when its effect began."""
    counted = [n for n, entry in enumerate(entries) if _counts(entry.event)]
    return not any(fold(entries[:n]).held_by for n in counted)


def _counts(event: ev.Event) -> bool:
    if isinstance(event, ev.ToolStarted):
        return event.attempt.environment == "production"
    return isinstance(event, ev.ApprovalGranted)


class Doubted(Deploy):
    """A merge on each of whose cards alice writes something, and takes it back once asked."""

    def __init__(self, box: Crashes, sha: str) -> None:
        super().__init__(box, sha)
        self._doubted: set[str] = set()

    async def _answer(self, state: State, instance: int) -> None:
        await self._box.revive()
        if state.pending is None or "status" not in state.slots:
            return
        call_id = state.pending.request.call_id
        if call_id not in self._doubted:
            self._doubted.add(call_id)
            await self.ask(FLAKY, state, user=ALICE)
            return
        await self.click("approve", call_id)
        if state.in_doubt:
            await self._takes_back(state, state.in_doubt.call_id)

    async def _takes_back(self, state: State, question: str) -> None:
        if len(self._doubted) == 1:
            await self.ask("never mind", state, user=ALICE)
        else:
            keeps = people.click("choose_0", f"{self.thread_id}:{question}:0", ALICE)
            await self._box.insist(to(keeps))
