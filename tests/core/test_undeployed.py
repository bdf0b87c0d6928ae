"""What is merged but not on production is asked about on a schedule: once, and not in the way."""

from typing import Any

import pytest

from app.core import events as ev
from app.core import undeployed
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import TargetConfig
from app.core.context import render
from app.core.fold import fold
from app.core.policy import Person
from app.core.ports import Write
from app.core.state import State
from app.model.offline import OfflinePlanner
from app.undeployed import UndeployedWatch
from tests.core.box import OLD, SHA, Box
from tests.fake_calendar import DAY_MS, Daily, freeze
from tests.fake_source import FakeSource
from tests.fakes import FakeLog
from tests.shop import ALICE, BOB, REPO, repo_config

NEWER = "5eed5ed" + "3" * 33
REJECTED = "7e7ec7e" + "5" * 33
START = 1_800_000_000_000
SIX = 6 * 3600 * 1000


class Scheduled(Box):
    """A box whose team is asked each day at six hours after the beginning."""

    def __init__(
        self, source: FakeSource | None = None, log: FakeLog | None = None, **changes: Any
    ) -> None:
        config = repo_config(undeployed=Daily(START + SIX), **changes)
        super().__init__(config, model=OfflinePlanner(), source=source, log=log)
        self.watch = UndeployedWatch(self.log, source, {REPO: config})

    async def shipped(self, sha: str = OLD) -> None:
        """Merge a commit and bring it to production."""
        await self.merges(sha)
        await self.approves()
        await self.approves()

    async def left(self, sha: str) -> None:
        """Merge a commit that passes staging, and leave it there."""
        await self.merges(sha)
        await self.does(ev.StopRequested(user=ALICE))

    async def asks(self) -> bool:
        """Let it be the time of the schedule, and look."""
        now = await self.log.now(REPO)
        self.log.advance(DAY_MS - (now - START - SIX) % DAY_MS)
        return await self.watch.ask_if_due(self.config)

    async def question(self) -> State:
        """Go on in the newest thread, which is the question's."""
        [self.thread_id] = await self.log.threads(REPO, 1)
        return await self.state()

    async def click(self, decide: Any) -> Decision:
        """Press a button of the question."""
        here = await self.log.look(self.thread_id)
        state = fold(here.entries)
        click = Click(state, self.config, Person(BOB), "", here.now, here.facts)
        decision: Decision = decide(click)
        if isinstance(decision, Accepted):
            await self.does(*decision.events)
        return decision


async def test_two_commits_are_asked_about_once() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    await box.left(NEWER)
    assert await box.asks()
    found = (await box.question()).undeployed
    assert found is not None
    assert (found.sha, [m.sha for m in found.merges]) == (NEWER, [NEWER, SHA])
    told = {(m.number, m.title, m.author) for m in found.merges}
    assert told == {(12, "Add gift cards", "alice")}
    assert found.was == {"frontend": OLD, "backend": OLD}
    assert not await box.asks()
    assert not await box.watch.ask_if_due(box.config)


async def test_deploy_by_the_button_ships_the_newest_that_passed() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    await box.question()
    await box.settles()
    assert await box.types() == ["thread_started", "undeployed_found"]
    await box.click(undeployed.deploy)
    spec = (await box.card()).request.spec
    assert (spec.tool, spec.sha) == ("deploy_frontend_to_prod", SHA)
    again = await box.click(undeployed.deploy)
    assert again == Refused(f"<@{BOB}> asked for the deploy.")
    await box.approves("U03CARA")
    await box.approves("U03CARA")
    state = await box.state()
    assert state.shipped == {"frontend": SHA, "backend": SHA}
    assert state.asked_by == BOB


async def test_the_end_says_nothing_of_services_that_were_not_asked_about() -> None:
    box = Scheduled()
    await box.merges(OLD)
    await box.approves()
    await box.does(ev.StopRequested(user=ALICE))
    await box.left(SHA)
    assert await box.asks()
    found = (await box.question()).undeployed
    assert found is not None
    assert found.was == {"frontend": OLD}
    await box.click(undeployed.deploy)
    await box.approves("U03CARA")
    assert (await box.state()).plan_ended == "On production now: frontend 4af9ec0."


async def test_not_now_is_quiet_until_something_new_is_merged() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    first = (await box.question()).thread_id
    await box.click(undeployed.not_now)
    again = "I ask again when something new is merged."
    assert await box.click(undeployed.not_now) == Refused(f"Not now, says <@{BOB}>. {again}")
    assert not await box.asks()
    await box.left(NEWER)
    assert await box.asks()
    assert (await box.question()).thread_id != first


async def test_a_later_question_settles_the_earlier_one() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    first = (await box.question()).thread_id
    await box.left(NEWER)
    assert await box.asks()
    earlier, facts = fold(await box.log.read(first)), await box.log.facts(REPO)
    assert undeployed.over(earlier, facts) == "A newer question took the place of this one."
    box.thread_id = first
    assert isinstance(await box.click(undeployed.deploy), Refused)


async def test_a_question_is_over_when_production_has_moved_on() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    asked = (await box.question()).thread_id
    await box.shipped(NEWER)
    here = await box.log.look(asked)
    told = undeployed.over(fold(here.entries), here.facts)
    assert told == "Production of frontend, backend has moved on since then."


async def test_a_stopped_question_says_who_stopped_it() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    await box.question()
    await box.does(ev.StopRequested(user=ALICE))
    assert await box.click(undeployed.not_now) == Refused(f"<@{ALICE}> stopped this thread.")


def test_a_thread_without_a_question_has_none_to_answer() -> None:
    assert undeployed.over(State(), {}) == "I do not know this question any more."


# When nothing is asked.


async def test_nothing_is_asked_while_a_thread_about_them_is_open() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    await box.mentions("deploy backend")
    assert (await box.card()).request.spec.sha == SHA
    assert not await box.asks()


async def test_nothing_is_asked_while_a_newer_merge_is_under_way() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    await box.merges(NEWER)
    assert not await box.asks()


async def test_an_open_thread_about_something_else_is_not_in_the_way() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    await box.mentions("what is going on with the weather, dear bot?")
    assert await box.asks()


async def test_nothing_is_asked_where_everything_is_on_production() -> None:
    box = Scheduled()
    await box.shipped()
    assert not await box.asks()


async def test_nothing_is_asked_about_what_nobody_ever_deployed() -> None:
    box = Scheduled()
    await box.left(SHA)
    assert not await box.asks()


async def test_nothing_is_asked_while_every_service_is_frozen() -> None:
    box = Scheduled(freeze=(freeze(START + SIX, START + 100 * DAY_MS),))
    await box.shipped()
    await box.left(SHA)
    assert not await box.asks()


async def test_what_was_rejected_red_or_rolled_back_says_so() -> None:
    box = Scheduled()
    await box.shipped()
    await box.shipped(SHA)
    await box.does(ev.RollbackOpened(user=BOB))
    await box.approves("U03CARA")
    assert (await box.state()).rolled_back
    await box.merges(REJECTED)
    await box.rejects("")
    await box.left(NEWER)
    assert await box.asks()
    found = (await box.question()).undeployed
    assert found is not None
    told = {merge.sha: (merge.how, merge.user) for merge in found.merges}
    assert told == {
        NEWER: ("stopped", ALICE),
        REJECTED: ("rejected", BOB),
        SHA: ("rolled back", ""),
    }


async def test_what_was_rolled_back_is_not_offered() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    for service in ("frontend", "backend"):
        bad = ev.HoldPlaced(service=service, bad_sha=SHA)
        await box.does(bad)
    assert not await box.asks()


async def test_a_merge_that_does_not_touch_a_service_is_none_of_its() -> None:
    target = TargetConfig(deployer="command", options={}, paths=("web/**",))
    production = repo_config().production
    services = {**production.services, "frontend": target}
    changed = production.model_copy(update={"services": services})
    source = FakeSource([OLD, SHA], changed=["api/main.py", "web/main.js"])
    box = Scheduled(source, production=changed)
    await box.shipped()
    source.changed = ["api/main.py"]
    await box.left(SHA)
    assert await box.asks()
    found = (await box.question()).undeployed
    assert found is not None
    assert list(found.was) == ["backend"]


async def test_with_credentials_the_branch_says_what_is_missing() -> None:
    direct = "d1d1d1d" + "4" * 33
    source = FakeSource([OLD, direct, SHA, NEWER])
    box = Scheduled(source)
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    found = (await box.question()).undeployed
    assert found is not None
    assert (found.sha, [m.sha for m in found.merges]) == (SHA, [SHA, direct])
    assert [m.number for m in found.merges] == [12, 0]


async def test_what_was_asked_before_services_had_their_own_facts_is_known() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    state, facts = await box.question(), await box.log.facts(REPO)
    once = {undeployed.FACT: facts[f"{undeployed.FACT}/backend"]}
    gone = dict.fromkeys(name for name in facts if name.startswith(f"{undeployed.FACT}/"))
    await box.log.append(Write(f"{REPO}/0", [], facts=gone | once, silent=True))
    assert not await box.asks()
    assert undeployed.over(state, await box.log.facts(REPO)) == ""


# When.


async def test_it_is_asked_at_its_time_and_not_long_after() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert not await box.watch.ask_if_due(box.config)
    box.log.advance(SIX + 3601 * 1000)
    assert not await box.watch.ask_if_due(box.config)
    assert await box.asks()


async def test_a_repository_without_a_schedule_is_not_asked_about() -> None:
    box = Box()
    watch = UndeployedWatch(box.log, None, {REPO: box.config})
    assert not await watch.ask_if_due(box.config)
    await watch.run()


async def test_several_instances_make_one_question() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    before = await box.log.threads(REPO, 10)
    facts = await box.log.facts(REPO)  # the other one had looked before
    unseen = dict.fromkeys(name for name in facts if name.startswith(undeployed.FACT))
    await box.log.append(Write(f"{REPO}/0", [], facts=unseen, silent=True))
    assert not await box.watch.ask_if_due(box.config)
    assert await box.log.threads(REPO, 10) == before


# Which threads are open.


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (State(), False),
        (State(owes_step=True), True),
        (State(owes_step=True, stopped_by=BOB), False),
        (State(newer=["from_tomorrow"]), True),
        (State(ask_again=("c", BOB)), True),
    ],
)
def test_a_thread_is_open_while_it_goes_on_or_waits(state: State, is_open: bool) -> None:
    assert undeployed.is_open(state, repo_config(), START) is is_open


async def test_a_question_that_nobody_answers_for_a_day_keeps_no_thread_open() -> None:
    box = Scheduled()
    await box.merges(SHA)
    await box.rejects("")
    await box.does(ev.BotSaid(call_id="q", text="What now?", because="question"))
    state, now = await box.state(), await box.log.now(REPO)
    assert undeployed.is_open(state, box.config, now)
    assert not undeployed.is_open(state, box.config, now + 2 * DAY_MS)


async def test_the_model_reads_what_was_asked_and_answered() -> None:
    box = Scheduled()
    await box.shipped()
    await box.left(SHA)
    assert await box.asks()
    await box.question()
    await box.click(undeployed.deploy)
    text = render(await box.state(), await box.log.read(box.thread_id), box.config, START)
    assert "code asked people on a schedule: commits up to 4af9ec0 are not on production" in text
    assert f"@{BOB} answered by a button: deploy" in text
    assert "by a schedule." in text
