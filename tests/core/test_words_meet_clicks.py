"""Words that nobody has read yet, when somebody presses a button: they wait, or are let pass."""

from app.core import events as ev
from app.core.ports import Observation
from tests.core.box import SHA, Box


async def a_card(box: Box) -> str:
    """Let the model propose the frontend, and return the card."""
    box.model.will("deploy_frontend_to_prod", sha=SHA, reason="first")
    await box.merges()
    return (await box.card()).request.call_id


async def test_a_released_card_does_not_wait_for_the_model_any_more() -> None:
    box = Box()
    call_id = await a_card(box)
    await box.says("backend first")
    assert (await box.state()).model_down
    await box.does(ev.ApprovalReleased(call_id=call_id, user="U02BOB"))
    turns = len(box.model.turns)
    await box.approves()
    assert len(box.model.turns) == turns + 1


async def test_words_hold_a_card_that_was_made_anew_for_a_click() -> None:
    box = Box()
    call_id = await a_card(box)
    await box.later(24 * 3600 * 1000)
    await box.does(
        ev.AskedAgain(call_id=call_id, user="U02BOB"),
        ev.HumanSaid(user="U01ALICE", text="backend first"),
    )
    state = await box.state()
    assert state.pending
    assert state.held_by == "U01ALICE"


async def test_a_retry_leaves_words_to_be_read() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", Observation(status="failed", summary="red"))
    await box.merges()
    retry = ev.StagingRequested(sha=SHA, scope="e2e", user="U02BOB")
    await box.does(ev.HumanSaid(user="U01ALICE", text="only the backend"), retry)
    assert [words.text for words in (await box.state()).unread] == ["only the backend"]


async def test_a_persons_ambiguous_sha_is_refused_with_what_it_could_mean() -> None:
    box = Box()
    twin = SHA[:12] + "9" * 28
    call_id = await a_card(box)
    await box.does(ev.ToolAnswered(call_id=call_id, result="", commits=(ev.Commit(sha=twin),)))
    box.model.will("reply", message="Which one?")
    await box.says(f"deploy {SHA[:10]}")
    entries = await box.log.read(box.thread_id)
    [resolved] = [e.event for e in entries if isinstance(e.event, ev.ShasResolved)]
    assert resolved.found == ()
    assert "ambiguous" in resolved.refused[0]
    assert SHA[:12] in resolved.refused[0]
    assert len((await box.state()).cards) == 1
