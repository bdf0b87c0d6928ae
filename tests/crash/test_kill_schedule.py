"""The service is killed where it asks on a schedule what is to become of a merge: it asks once."""

from pathlib import Path

import pytest

from app.core import events as ev
from app.core.fold import fold
from app.core.ports import Write
from app.core.undeployed import asked
from tests.crash import people
from tests.crash.crashes import Crashes, crashes
from tests.crash.deploy import Deploy, to
from tests.crash.ordinary import ran_before
from tests.crash.points import Fault
from tests.crash.target import ACTIONS, CLASSES
from tests.forks import Zygote
from tests.shop import BOB, REPO
from tests.story import NEW, THREAD, Story
from tests.waiting import until

POINT = "append undeployed_found"
ANSWER = "append human_said"  # with the click on Deploy, in one write


@pytest.mark.parametrize("recovery", [*CLASSES, *ACTIONS])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_question_on_a_schedule_is_asked_once_and_leads_to_one_deploy(
    tmp_path: Path, clean_redis_url: str, zygote: Zygote, when: str, recovery: str
) -> None:
    async with crashes(tmp_path, clean_redis_url, recovery, zygote, shop="scheduled") as box:
        box.reminds = False
        await ran_before(box)
        await is_left(box)
        points = [f"{when} {POINT}", f"{when} {ANSWER}"]
        first, *box.later = map(Fault, points)
        await box.start(first)
        question = Question(box, NEW)
        await question.is_asked()
        await box.insist(to(people.click("deploy_undeployed", question.thread_id)))
        state = await question.ends()

        assert box.fired() == points
        assert state.undeployed_answer is not None
        assert sorted(box.target.production()) == [
            f"production {service} {NEW[:7]}" for service in ("backend", "frontend")
        ]
        threads = [fold(await box.log.read(t)) for t in await box.log.threads(REPO, 9)]
        assert [s.origin for s in threads].count("schedule") == 1
        assert max(box.outside.posted().values(), default=0) <= 1
        assert await box.log.locks(REPO) == {}


async def is_left(box: Crashes) -> None:
    """Let a merge have passed staging, and somebody have stopped it."""
    box.outside.merges(NEW)
    told = Story().merged().staged().then(ev.StopRequested(user=BOB))
    await box.log.append(Write(THREAD, [entry.event for entry in told.entries], silent=True))


class Question(Deploy):
    """What becomes of a commit in the thread that the schedule begins."""

    async def is_asked(self) -> None:
        """Wait until the question is there, while what died is started again."""

        async def is_there() -> bool:
            await self._box.revive()
            self.thread_id = asked(await self._box.log.facts(REPO), "backend").thread
            return bool(self.thread_id)

        await until(is_there, 60)
