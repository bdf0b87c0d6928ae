"""People of an ordinary day: red tests, a wait, a freeze, a job, a rollback, a morning after."""

import json

from app.core.ports import Write
from app.core.state import State
from app.core.versions import facts_of
from tests.crash import people
from tests.crash.crashes import Crashes
from tests.crash.deploy import Deploy, is_at_its_end, to
from tests.crash.outside import WITH_JOB
from tests.crash.points import Fault
from tests.crash.shipping import SERVICES
from tests.shop import CARA, REPO

OLD = "0ddba11".ljust(40, "0")
WAIT_MS = 10 * 60_000
LONG_WEEKEND_MS = 4 * 24 * 3_600_000  # a working day's morning is in it, whatever day it is
WHY = "the sandbox is down, and checkout is broken"


async def ran_before(box: Crashes) -> None:
    """Let production run an older version that passed its tests."""
    box.outside.merges(OLD)
    told = json.dumps({"sha": OLD, "thread": f"{REPO}/0000000000", "at": 0, "kind": "deploy"})
    facts = {f"running/{service}": told for service in SERVICES}
    facts |= facts_of(dict.fromkeys(SERVICES, OLD), {})
    await box.log.append(Write(f"{REPO}/0000000000", (), facts=facts, silent=True))


class OrdinaryDay(Deploy):
    """A merge whose e2e tests on staging are red, in a freeze; it is rolled back once it is out.

    `at_command` is what befalls the command line that approves the rollback. Where it `is_reviewed`
    the day ends only when another approver has looked at the broken glass.
    """

    number = WITH_JOB

    def __init__(
        self, box: Crashes, sha: str, at_command: Fault | None = None, is_reviewed: bool = False
    ) -> None:
        super().__init__(box, sha)
        self._at_command = at_command
        self._is_reviewed = is_reviewed
        self._waited = False
        self._asked_back = False
        self._slept = False

    def _is_over(self, state: State) -> bool:
        if not is_at_its_end(state) or set(state.rolled_back) != set(SERVICES):
            return False
        return not self._is_reviewed or any(not r.open for r in state.reviews.values())

    async def _answer(self, state: State, instance: int) -> None:
        await self._box.revive()
        if state.staging and state.staging.passed is False and not state.staging.override:
            await self._submit("override", f"{state.staging.sha}-{state.staging.number}")
        elif state.pending and not state.held_by:
            await self._decide(state)
        elif state.wait:
            await self._box.passes(WAIT_MS)
        elif is_at_its_end(state) and not self._asked_back:
            self._asked_back = True
            await self.ask("roll back", state)
        elif is_at_its_end(state) and state.rolled_back:
            await self._review(state)
        else:
            await super()._answer(state, instance)

    async def _decide(self, state: State) -> None:
        assert state.pending
        request = state.pending.request
        if not self._waited:
            self._waited = "status" in state.slots
            await self.ask("wait 10 minutes", state)
        elif request.spec.kind == "rollback":
            fault, self._at_command = self._at_command, None
            await self._box.approve(self.thread_id, request.call_id, fault)
        else:
            await self._submit("break_glass", request.call_id)

    async def _review(self, state: State) -> None:
        """Let the morning come, and another approver press the button as soon as it is there."""
        if not self._slept:
            self._slept = True
            await self._box.passes(LONG_WEEKEND_MS)
        for call_id in state.reviews:
            await self._box.insist(
                to(people.click("reviewed", f"{self.thread_id}:{call_id}", CARA))
            )

    async def _submit(self, what: str, about: str) -> None:
        sent = people.submit(what, f"{self.thread_id}:{about}", WHY)
        await self._box.insist(to(sent))
