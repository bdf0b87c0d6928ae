"""A deploy that is to survive the death of its service: its people, and GitHub, insist."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import httpx

from app.core.events import Entry
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.state import State
from tests.adapters.github_bodies import SHA
from tests.crash import people
from tests.crash.instances import Service
from tests.crash.people import Delivery
from tests.shop import BOB, REPO
from tests.waiting import until

if TYPE_CHECKING:
    from tests.crash.crashes import Crashes, Send

LOOK_SECONDS = 0.05


class Deploy:
    """One commit's way to production, with people who approve and answer whatever is asked."""

    number = 7

    def __init__(self, box: "Crashes", sha: str = SHA) -> None:
        self._box = box
        self._words = 0
        self.sha = sha
        self.thread_id = thread_id_for(REPO, "main", sha)

    async def state(self) -> State:
        """Return the thread's state."""
        return fold(await self.entries())

    async def entries(self) -> list[Entry]:
        """Return the thread's log."""
        return await self._box.log.read(self.thread_id)

    async def merge(self, instance: int = 0) -> None:
        """Merge it, and deliver that."""
        self._box.outside.merges(self.sha)
        await self._box.insist(to(people.merge(self.sha, self.number)), instance)

    async def click(self, action: str, call_id: str, instance: int = 0, user: str = BOB) -> None:
        """Press a button; Slack tells one of the instances."""
        await self._box.insist(to(self.clicked(action, call_id, user)), instance)

    def clicked(self, action: str, call_id: str, user: str = BOB) -> Delivery:
        """Return the delivery of a click."""
        return people.click(action, f"{self.thread_id}:{call_id}", user)

    async def ask(self, text: str, state: State, instance: int = 0, user: str = BOB) -> None:
        """Write in the thread, if its message is in Slack already."""
        if "status" in state.slots:
            self._words += 1
            ts = f"1900000000.{self._words:06}"
            sent = people.words(text, state.slots["status"][1], ts, user)
            await self._box.insist(to(sent), instance)

    async def reaches(
        self, holds: Callable[[State], object], seconds: float = 30, instance: int = 0
    ) -> State:
        """Merge, and wait for the thread to come into a state, with nobody doing anything."""
        await self.merge(instance)
        await until(lambda: self._is(holds), seconds)
        return await self.state()

    async def waits_for_a_card(self, instance: int = 0) -> str:
        """Merge, and return the call that waits for approval."""
        state = await self.reaches(lambda state: state.pending, instance=instance)
        assert state.pending
        return state.pending.request.call_id

    async def plays(
        self,
        seconds: float = 60,
        instance: int = 0,
        at_the_crash: Callable[[State], Awaitable[None]] | None = None,
    ) -> State:
        """Merge, and do what people are asked for, until the thread is at its end.

        Where a newer merge ships this one, return the end of that one's thread.
        """
        await self.merge(instance)
        state = await self.ends(seconds, instance, at_the_crash)
        while state.joined:
            newer = Deploy(self._box, state.joined.into.sha)
            state = await newer.ends(seconds, instance)
        return state

    async def ends(
        self,
        seconds: float = 60,
        instance: int = 0,
        at_the_crash: Callable[[State], Awaitable[None]] | None = None,
    ) -> State:
        """Do what people are asked for, until the thread is at its end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = await self.state()
            if at_the_crash and self._box.fired():
                await at_the_crash(state)
                at_the_crash = None
            if self._is_over(state):
                return state
            await self._answer(state, instance)
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError(f"no end: {await self.state()}\n{self._box.output()}")

    def _is_over(self, state: State) -> bool:
        return is_at_its_end(state)

    async def _is(self, holds: Callable[[State], object]) -> bool:
        return bool(holds(await self.state()))

    async def _answer(self, state: State, instance: int) -> None:
        await self._box.revive()
        card = state.pending
        if card and (card.reminded or not self._box.reminds) and not state.held_by:
            await self.click("approve", card.request.call_id, instance)
        elif state.unknown:
            await self._tell(state, instance)
        elif state.staging and state.staging.passed is False:
            await self.click("retry", "all", instance)
        elif state.lapsed and not state.locks:
            newest = list(state.cards.values())[-1]
            await self.click("ask_again", newest.request.call_id, instance)

    async def _tell(self, state: State, instance: int) -> None:
        """Say what became of an unknown effect, truly, once it can no longer arrive."""
        assert state.unknown
        call_id = state.unknown.call_id or ""
        if self._box.target.starts[state.unknown.attempt.attempt_id]:
            await self.click("happened", call_id, instance)
            return
        await self._box.passes(60_000)
        await self.click("did_not_happen", call_id, instance)


def is_at_its_end(state: State) -> bool:
    """Tell whether the plan ended, its effects are verified and its locks given back."""
    return (
        state.plan_ended is not None
        and not state.effects
        and not state.locks
        and not state.turn_due
    )


def to(delivery: Delivery) -> "Send":
    """Return how a delivery is sent to an instance."""
    path, body, headers = delivery

    def send(client: httpx.AsyncClient, service: Service) -> Awaitable[httpx.Response]:
        return client.post(service.url(path), content=body, headers=headers)

    return send
