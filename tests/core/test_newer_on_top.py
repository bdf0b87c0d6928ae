"""What "revert that" comes to where a newer merge is on production, on top of this one."""

import pytest

from app.core import events as ev
from app.core import way_back
from app.core.context import render
from app.core.happened import Record
from app.model.offline import OfflinePlanner
from app.model.offline_replies import MOVED_ON, WHICH_BACK, moved_on
from tests.core.box import OLD
from tests.core.town import ONE, TWO, Town
from tests.fake_source import FakeSource
from tests.shop import repo_config
from tests.story import Story


@pytest.fixture
async def box() -> Town:
    """Let two merges go out one after the other, and go on in the thread of the first."""
    box = Town(repo_config(), model=OfflinePlanner(), source=FakeSource([OLD, ONE, TWO]))
    await box.runs_old()
    for sha in (ONE, TWO):
        await box.merged(sha)
        await box.ships(sha)
    box.thread_id = box.thread_of(ONE)
    return box


async def test_it_is_said_what_is_on_top_and_what_would_be_taken_out(box: Town) -> None:
    await box.says("revert that")
    state = await box.state()
    assert state.says[-1].text == (
        "frontend and backend run a newer commit, which has 1111111 in it. To take that back, "
        'say "roll back frontend and backend": that takes #2 out of frontend and backend.'
    )
    assert (state.pending, state.question) == (None, None)
    await box.says("thanks")
    assert (await box.state()).pending is None


async def test_who_says_that_gets_its_card(box: Town) -> None:
    await box.says("revert that")
    await box.says("roll back frontend and backend")
    spec = (await box.card()).request.spec
    assert (spec.kind, spec.sha) == ("rollback", ONE)


async def test_a_model_reads_what_going_back_takes_out(box: Town) -> None:
    await box.says("what is on production?")
    entries = await box.log.read(box.thread_id)
    read = render(await box.state(), entries, box.config, await box.log.now(box.config.name))
    assert "a rollback goes to 1111111 and takes out #2" in read


def test_where_nobody_knows_the_order_the_question_names_what_goes() -> None:
    def runs(service: str, *out: str) -> ev.Running:
        return ev.Running(service=service, sha=TWO, source="recorded", takes_out=out)

    state = Story().merged().state
    assert moved_on(state) == f"{MOVED_ON} {WHICH_BACK}"
    state.facts = ev.FactsFetched(running=(runs("frontend", "#3", "#2"), runs("backend", "#2")))
    out = "Going back takes #3, #2 out of frontend, and #2 out of backend."
    assert moved_on(state) == f"{MOVED_ON} {out} {WHICH_BACK}"


def ran(sha: str, pull: int = 0, kind: str = "deploy", outcome: str = "succeeded") -> Record:
    return Record(kind=kind, sha=sha, at=1, service="backend", outcome=outcome, pull=pull)


@pytest.mark.parametrize(
    ("came", "out"),
    [
        ([ran("c" * 40, 3), ran("b" * 40), ran("a" * 40, 1)], ("#3", "bbbbbbb")),
        ([ran("c" * 40, 3), ran("c" * 40, 3), ran("a" * 40, 1)], ("#3",)),
        ([ran("c" * 40, 3), ran("a" * 40, kind="rollback"), ran("b" * 40, 2)], ("#3",)),
        ([ran("c" * 40, 3), ran("b" * 40, 2, outcome="failed"), ran("a" * 40, 1)], ("#3",)),
        ([ran("c" * 40, 3)], ()),
    ],
)
def test_what_going_back_takes_out_is_what_came_since(
    came: list[Record], out: tuple[str, ...]
) -> None:
    assert way_back.takes_out(came, "backend", "a" * 40) == out
    assert way_back.takes_out(came, "backend", None) == ()
