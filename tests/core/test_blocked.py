"""An approved action waits for the end of a lock or a freeze, and nothing begins before that."""

from dataclasses import dataclass, field

from app.core import context, ledger
from app.core import events as ev
from app.core.events import Commit
from app.core.state import State
from tests.core.box import OLD, SHA, Box, repo_config
from tests.fake_calendar import freeze
from tests.fake_source import FakeSource
from tests.shop import ALICE, BOB, REPO

ELSEWHERE = State(thread_id="acme/shop/fedcba9876", repo=REPO)
START = 1_800_000_000_000
HOUR = 3_600_000
BACKEND = "production backend 4af9ec0"


async def lock(box: Box, *services: str, until: int | None = None) -> None:
    """Let alice lock services in another thread."""
    locked = ev.ServiceLocked(services=services, user=ALICE, reason="load test", until=until)
    await box.log.append(ledger.write(ELSEWHERE, [locked], await box.log.now(REPO)))


async def unlock(box: Box, *services: str) -> None:
    unlocked = ev.ServiceUnlocked(services=services, user=BOB)
    await box.log.append(ledger.write(ELSEWHERE, [unlocked], await box.log.now(REPO)))


def production(box: Box) -> list[str]:
    return [effect for effect in box.deployer.effects if effect.startswith("production")]


async def waiting(box: Box) -> str:
    """Put a card up, and return its call's id."""
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    return (await box.card()).request.call_id


async def test_what_was_approved_before_the_lock_waits_and_goes_on_after_it() -> None:
    box = Box()
    await waiting(box)
    await lock(box, "backend")
    await box.approves()
    for _ in range(3):
        await box.later(HOUR)
    assert production(box) == []
    assert (await box.types()).count("block_waited") == 1
    waits = (await box.state()).waits_for_block
    assert waits
    assert (waits.user, waits.reason, waits.since) == (ALICE, "load test", START)
    await unlock(box, "backend")
    await box.later(6_000)
    assert production(box) == [BACKEND]
    assert (await box.state()).waits_for_block is None


async def test_a_lock_that_ends_by_itself_lets_it_go_on() -> None:
    box = Box()
    await waiting(box)
    await lock(box, "backend", until=START + HOUR)
    await box.approves()
    await box.later(HOUR - 1)
    assert production(box) == []
    await box.later(6_000)
    assert production(box) == [BACKEND]


async def test_the_lock_of_another_service_is_no_matter() -> None:
    box = Box()
    await waiting(box)
    await lock(box, "frontend")
    await box.approves()
    assert production(box) == [BACKEND]


async def test_staging_goes_on_while_everything_is_locked() -> None:
    box = Box(repo_config(freeze=(freeze(START, START + HOUR),)))
    await lock(box, "frontend", "backend")
    await waiting(box)
    assert box.deployer.effects == [
        "staging frontend 4af9ec0",
        "staging backend 4af9ec0",
        "staging e2e 4af9ec0",
    ]


async def test_a_deploy_waits_for_the_end_of_a_freeze() -> None:
    box = Box(repo_config(freeze=(freeze(START, START + HOUR),)))
    await waiting(box)
    await box.approves()
    await box.later(HOUR - 1)
    assert production(box) == []
    waits = (await box.state()).waits_for_block
    assert waits
    assert (waits.user, waits.reason, waits.until) == ("", "weekend", START + HOUR)
    await box.later(6_000)
    assert production(box) == [BACKEND]


async def rolling_back(box: Box) -> None:
    """Ship over an old version, and put the card of its rollback up."""
    await box.has_old_version()
    await waiting(box)
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    await box.approves()


async def test_a_rollback_goes_through_a_freeze() -> None:
    box = Box(repo_config(freeze=(freeze(START + HOUR, START + 2 * HOUR),)))
    await rolling_back(box)
    await box.later(HOUR)
    await box.approves()
    assert production(box) == [BACKEND, "production backend 0ddba11"]


async def test_a_rollback_calls_people_in_a_freeze() -> None:
    box = Box(repo_config(freeze=(freeze(START + HOUR, START + 2 * HOUR),)))
    await box.has_old_version()
    await waiting(box)
    await box.approves()
    await box.later(HOUR)
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    await box.says("it is broken")
    await box.later(60_000)
    assert (await box.card()).request.facts.quiet_until is None


async def test_a_rollback_waits_for_a_lock() -> None:
    box = Box()
    await rolling_back(box)
    await lock(box, "backend")
    await box.approves()
    assert production(box) == [BACKEND]
    await unlock(box, "backend")
    await box.later(6_000)
    assert production(box)[1] == "production backend 0ddba11"


async def test_an_approval_that_waits_expires_in_its_time_and_is_asked_for_again() -> None:
    box = Box()
    call_id = await waiting(box)
    await lock(box, "backend")
    await box.approves()
    await box.later(25 * HOUR)
    card = (await box.state()).cards[call_id]
    assert (card.status, production(box)) == ("expired", [])
    assert card.text == (
        "its approval ran out while it waited, so it is made anew: backend is locked by alice "
        "since 2027-01-15 08:00 UTC: load test"
    )
    assert (await box.card()).approvals == []
    assert (await box.state()).waits_for_block is None


async def test_people_stop_what_waits() -> None:
    box = Box()
    call_id = await waiting(box)
    await lock(box, "backend")
    await box.approves()
    await box.does(ev.StopRequested(user=BOB))
    assert (await box.state()).cards[call_id].status == "stopped"
    await unlock(box, "backend")
    await box.later(6_000)
    assert production(box) == []


async def test_people_are_answered_while_it_waits() -> None:
    box = Box()
    await waiting(box)
    await lock(box, "backend")
    await box.approves()
    box.model.will("reply", message="alice has locked it")
    await box.says("why is nothing happening?")
    assert (await box.state()).says[-1].text == "alice has locked it"
    assert production(box) == []
    turn = box.model.turns[-1]
    read = context.render(turn.state, turn.entries, turn.repo, turn.now)
    assert "approved, and waits until backend is no longer locked or frozen" in read
    assert "the approved action waits: backend is locked" in read


async def test_a_freeze_after_a_lock_is_said_anew() -> None:
    box = Box(repo_config(freeze=(freeze(START + HOUR, START + 2 * HOUR),)))
    await waiting(box)
    await lock(box, "backend", until=START + HOUR + 1000)
    await box.approves()
    await box.later(HOUR + 10_000)
    assert (await box.types()).count("block_waited") == 2
    waits = (await box.state()).waits_for_block
    assert waits
    assert waits.reason == "weekend"


# Between the looks.


@dataclass
class Locksmith(FakeSource):
    """A GitHub that is asked twice before an effect; meanwhile, the second time, alice locks."""

    boxes: list[Box] = field(default_factory=list[Box])
    asked: int = 0

    async def commit(self, repo: str, ref: str) -> Commit | None:
        self.asked += bool(self.boxes)
        if self.asked == 2:
            await lock(self.boxes[0], "backend")
        return await super().commit(repo, ref)


async def test_a_lock_that_comes_in_the_very_last_moment_still_counts() -> None:
    source = Locksmith([OLD, SHA])
    box = Box(source=source)
    await waiting(box)
    source.boxes.append(box)
    box.model.will("done_for_now", message="Locked.")
    await box.approves()
    assert production(box) == []
    run = list((await box.state()).runs.values())[-1]
    assert (run.outcome, run.summary) == (
        "failed",
        "not started: backend is locked by alice since 2027-01-15 08:00 UTC: load test",
    )


async def test_what_was_lost_on_its_way_is_not_sent_again_into_a_lock() -> None:
    box = Box()
    await waiting(box)
    box.deployer.drops = 1
    box.deployer.meanwhile = lambda: lock(box, "backend")
    await box.approves()
    await box.later(30_000)  # until then the first one may still arrive
    assert production(box) == []
    run = list((await box.state()).runs.values())[-1]
    assert run.summary.startswith("not started: backend is locked by alice")


# What the model reads.


async def test_the_model_reads_who_locked_what_and_why() -> None:
    box = Box(repo_config(freeze=(freeze(START, START + HOUR),)))
    await lock(box, "backend", until=START + HOUR)
    await waiting(box)
    turn = box.model.turns[-1]
    read = context.render(turn.state, turn.entries, turn.repo, turn.now)
    assert (
        "BLOCKED, «locked by alice since 2027-01-15 08:00 UTC until 2027-01-15 09:00 UTC: "
        "load test»" in read
    )
    assert (
        "BLOCKED, «frozen since 2027-01-15 08:00 UTC until 2027-01-15 09:00 UTC: weekend»" in read
    )


async def test_a_lock_that_came_since_is_read_by_the_next_answer() -> None:
    box = Box()
    await waiting(box)
    await lock(box, "backend")
    box.model.will("reply", message="It is locked.")
    await box.says("why is backend blocked?")
    turn = box.model.turns[-1]
    assert "BLOCKED, «locked by alice" in context.render(
        turn.state, turn.entries, turn.repo, turn.now
    )
    await unlock(box, "backend")
    box.model.will("reply", message="It is not.")
    await box.says("and now?")
    turn = box.model.turns[-1]
    assert "BLOCKED" not in context.render(turn.state, turn.entries, turn.repo, turn.now)


async def test_the_thread_of_the_lock_says_so_to_the_model() -> None:
    box = Box()
    await waiting(box)
    box.model.will("reply", message="You did.")
    state = await box.state()
    locked = ev.ServiceLocked(
        services=("backend",), user=ALICE, reason="load «test»", until=START + HOUR
    )
    unlocked = ev.ServiceUnlocked(services=("backend",), user=BOB)
    said = ev.HumanSaid(user=BOB, text="who did what?")
    await box.log.append(ledger.write(state, [locked, unlocked, said], START))
    await box.settles()
    turn = box.model.turns[-1]
    read = context.render(turn.state, turn.entries, turn.repo, turn.now)
    assert '@U01ALICE locked backend until 2027-01-15 09:00 UTC: «load "test"»' in read
    assert "@U02BOB unlocked backend" in read
