"""Red production and a rollback call people at once, at any hour, in any freeze, under any lock."""

from typing import Any

import pytest

from app.core import events as ev
from app.core.ports import Observation
from app.model.offline import OfflinePlanner
from app.slack.messages import render
from tests import payloads
from tests.core.box import OLD, SHA, Box
from tests.core.test_day_after import shipped
from tests.core.test_hours import at
from tests.core.test_reminders import (
    BERLIN,
    LEADS,
    START,
    WEEK,
    calls,
    posts_the_card,
    shown,
    slot_of,
    until,
)
from tests.shop import ALICE, BOB, CARA, REPO, repo_config

RED = Observation(status="failed", summary="red", failing_tests=("checkout",))
NIGHT = "2027-01-16 02:00"  # a Saturday
APPROVERS = f"<@{BOB}>"


async def ran(now: str = NIGHT, **changes: Any) -> Box:
    """Let both services have run an old version, at a time when nobody works."""
    settings: dict[str, Any] = {"hours": WEEK, "zone": BERLIN, "escalate_to": (LEADS,)}
    box = Box(repo_config(**(settings | changes)), model=OfflinePlanner())
    await shipped(box, OLD)
    box.log.advance(at(now) - START)
    return box


async def red(box: Box) -> Box:
    """Let a newer version be approved, and the tests of production fail twice."""
    box.deployer.prepare("production e2e", RED, RED)
    await box.merges(SHA)
    while not (await box.state()).verification:
        await box.approves()
    await posts_the_card(box)
    return box


async def messages(box: Box) -> dict[str, str]:
    facts = await box.log.facts(REPO)
    found = render(await box.state(), box.config, await box.log.now(REPO), facts)
    return {slot: payloads.words(m.text, m.blocks) for slot, m in found.items()}


async def test_red_production_calls_who_can_approve_its_rollback_at_night() -> None:
    box = await red(await ran())
    card = await shown(box, await slot_of(box, "card"))
    assert card.startswith(APPROVERS)
    assert "*Outside working hours,* but production is red: people are called at once" in card
    assert "nobody is called before that" not in card
    assert "🌙" not in (await messages(box))["status"]


async def test_red_production_calls_who_shipped_it() -> None:
    box = await red(await ran())
    told = next(said for slot, said in (await messages(box)).items() if "progress:e2e" in slot)
    assert told.startswith(f"<@{ALICE}> and <@{BOB}>: Production tests {SHA[:7]}: ❌")
    assert f"<@{ALICE}> and <@{BOB}>: production is red." in told


async def test_green_production_calls_nobody_but_the_author() -> None:
    box = await ran()
    await box.merges(SHA)
    await box.approves()
    await box.approves()
    assert not any("production is red" in said for said in (await messages(box)).values())


async def test_at_night_they_are_reminded_and_others_told_as_of_what_is_urgent() -> None:
    box = await red(await ran())
    await until(box, "2027-01-16 02:31")
    await until(box, "2027-01-16 04:01")
    assert [kind for kind, _, _ in await calls(box)] == ["reminder", "escalation"]
    said = await messages(box)
    assert "outside working hours" not in said[await slot_of(box, "remind")]
    assert said[await slot_of(box, "escalate")].startswith(f"⏫ <!subteam^{LEADS}>")


async def test_a_rollback_in_words_calls_people_at_night() -> None:
    box = await ran()
    await shipped(box, SHA)
    await box.mentions("roll back")
    card = await shown(box, await slot_of(box, "card"))
    assert card.startswith(APPROVERS)
    assert (
        "*Outside working hours,* but a rollback does not wait: people are called at once" in card
    )


async def test_under_a_lock_a_rollback_calls_and_reminds_people_who_can_unlock() -> None:
    box = await ran("2027-01-15 10:00")
    await shipped(box, SHA)
    locks = [ev.ServiceLocked(services=("backend",), user=CARA, until=at("2027-01-15 18:00"))]
    await box.did(*locks)
    await box.mentions("roll back")
    await posts_the_card(box)
    card = await shown(box, await slot_of(box, "card"))
    assert card.startswith(APPROVERS)
    assert "🔒" in card
    await until(box, "2027-01-15 10:31")
    assert [kind for kind, _, _ in await calls(box)] == ["reminder"]


@pytest.mark.parametrize("now", ["2027-01-15 10:00", NIGHT])
async def test_a_deploy_is_as_quiet_as_the_hour(now: str) -> None:
    box = await ran(now)
    await box.merges(SHA)
    card = await shown(box, await slot_of(box, "card"))
    assert card.startswith(APPROVERS) == (now != NIGHT)
    assert "*Outside working hours,*" not in card
