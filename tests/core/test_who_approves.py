"""Who can approve what waits is told in whichever thread it is asked."""

import pytest

from app.core.people import Person
from app.model.offline import OfflinePlanner
from tests.core.box import SHA, Box
from tests.core.test_day_questions import told
from tests.shop import CARA


@pytest.mark.parametrize("words", ["who can approve this?", "who was asked?", "remind them"])
async def test_who_can_approve_is_answered_in_every_thread(words: str) -> None:
    box = Box(model=OfflinePlanner())
    await box.merges()
    merge, since = box.thread_id, (await box.card()).at
    await box.mentions(words)
    assert await told(box) == [
        "Waiting for approval:",
        f"deploy frontend 4af9ec0 waits for approval since {since}: bob or {CARA} can approve this",
    ]
    box.thread_id = merge
    await box.rejects("")
    await box.mentions(words)
    assert await told(box) == ["Nothing waits for approval at the moment."]


async def test_who_can_approve_what_is_about_a_service_is_told() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    for service, title in (
        ("backend", "Waiting for approval:"),
        ("frontend", "Nothing waits for approval at the moment."),
    ):
        box.model.will("tell_facts", about="approvers", of=service)
        await box.mentions("who can approve this?")
        assert (await told(box))[0] == title


async def test_who_approved_is_told_with_the_name_that_slack_has() -> None:
    box = Box(model=OfflinePlanner())
    box.directory.people[CARA] = Person(CARA, name="Cara M")
    await box.merges()
    await box.approves(CARA)
    await box.mentions("what went out today?")
    lines = (await box.state()).says[-1].lines
    named = [piece for line in lines for piece in line if piece.kind == "user"]
    assert [(piece.text, piece.to) for piece in named] == [(CARA, "Cara M")]
