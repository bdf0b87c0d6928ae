"""Shadow mode where the bot deployed before: its record of what runs is old."""

import json

from app.core.errors import ModelUnavailable
from app.core.ports import Write
from app.model.offline import OfflinePlanner
from tests.core.box import OLD, SHA
from tests.core.test_shadow import BOTH, MINUTE, Watched
from tests.shop import REPO


async def was_live(box: Watched) -> None:
    """Let the bot itself have brought to production what runs there."""
    fact = json.dumps({"sha": OLD, "thread": f"{REPO}/0", "at": 0})
    facts = {f"running/{service}": fact for service in BOTH}
    await box.log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))


async def test_a_repository_that_was_live_is_compared_too() -> None:
    box = Watched(model=OfflinePlanner())
    await was_live(box)
    await box.begins()
    state = await box.state()
    assert state.proposals == [("frontend", SHA), ("backend", SHA)]
    assert "tool_refused" not in await box.types()
    assert not state.turn_due
    await box.by_hand(SHA, SHA)
    assert await box.verdict() == ("agreed",)


async def test_what_people_deployed_by_hand_counts_and_not_the_old_record() -> None:
    box = Watched(model=OfflinePlanner())
    await was_live(box)
    box.configure(box.at(SHA, OLD))
    await box.begins()
    assert (await box.state()).proposals == [("backend", SHA)]


async def test_what_was_proposed_stands_when_facts_are_fetched_anew() -> None:
    box = Watched()
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="")
    box.model.script.append(ModelUnavailable("overloaded"))
    await box.starts_watched()
    box.model.will("done_for_now", message="That is all.")
    await box.later(11 * MINUTE)
    facts = box.model.turns[-1].state.facts
    assert facts is not None
    assert {told.service: told.sha for told in facts.running} == {"frontend": SHA, "backend": OLD}
