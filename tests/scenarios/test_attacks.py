"""People who do everything at once, and targets that vanish: at most one effect, and an answer."""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.outside import click_payload, later, quiet, slow, threads, to_slack_door
from tests.scenarios.world import Json, World, buttons, text, world
from tests.waiting import until


async def events(w: World) -> list[Any]:
    """Return the newest thread's events."""
    return [entry.event for entry in list((await threads(w)).values())[-1]]


def count(happened: Sequence[Any], kind: str) -> int:
    """Count the events of a kind."""
    return sum(event.type == kind for event in happened)


def shipped(w: World) -> list[str]:
    """Return the effects on production's services."""
    effects = w.effects()
    return [e for e in effects if e.startswith("production") and " e2e " not in e]


@pytest.mark.parametrize("round_", range(3))
async def test_click_stop_and_words_at_once(tmp_path: Path, round_: int) -> None:
    async with world(tmp_path) as w:
        await w.merge()
        card = await w.card("Deploy frontend")
        doing = [
            w.click("bob", card, "approve"),
            w.reply("alice", card, "stop"),
            w.reply("cara", card, "backend first"),
            w.click("cara", card, "approve"),
        ]
        await asyncio.gather(*doing[round_:], *doing[:round_])
        await quiet(w)
        happened = await events(w)
        assert count(happened, "approval_granted") <= 1
        assert count(happened, "stop_requested") == 1
        assert len(shipped(w)) <= count(happened, "approval_granted")
        assert "step_failed" not in [event.type for event in happened]


async def test_reject_and_approve_at_once_settle_it_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.merge()
        card = await w.card("Deploy frontend")
        await asyncio.gather(
            w.click("bob", card, "approve"),
            w.click("cara", card, "reject"),
            w.click("bob", card, "reject"),
            w.click("cara", card, "approve"),
        )
        await quiet(w)
        happened = await events(w)
        assert count(happened, "approval_granted") + count(happened, "approval_rejected") == 1
        assert len(shipped(w)) == count(happened, "approval_granted")


async def test_a_card_cannot_be_approved_from_another_channel_or_for_another_thread(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        await w.merge()
        card = await w.card("Deploy frontend")
        value = next(b["value"] for b in buttons(card) if b["action_id"] == "approve")
        thread, call = value.rsplit(":", 1)
        for payload in (
            click_payload("approve", value, channel={"id": "C0ELSEWHERE"}),
            click_payload("approve", value, user={"id": "U0UNKNOWN"}),
            click_payload("approve", f"{thread[:-1]}x:{call}"),
            click_payload("approve", f"{thread}:{'0' * 10}"),
            click_payload("approve", thread),
            click_payload("happened", value),
            click_payload("release", value),
            click_payload("choose_0", f"{value}:0"),
        ):
            assert (await to_slack_door(w, payload)).status_code == 200
        await quiet(w)
        assert count(await events(w), "approval_granted") == 0
        assert shipped(w) == []


async def test_two_merges_at_once_share_staging_in_turn(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        held = slow(w, "staging-e2e")
        first = await w.merge("One")
        await until(lambda: f"staging e2e {first[:7]}" in w.effects())
        second = await w.merge("Two")
        await w.sees("waiting for `staging`")
        assert not any(second[:7] in effect for effect in w.effects())
        held.unlink()
        await w.sees("A newer merge was tested")
        await quiet(w)
        assert w.effects() == [
            f"staging {what} {sha[:7]}"
            for sha in (first, second)
            for what in ("frontend", "backend", "e2e")
        ]
        assert len([m for m in await w.messages() if _waits(m)]) == 1


def _waits(message: Json) -> bool:
    return any(button["action_id"] == "approve" for button in buttons(message))


async def test_stop_ends_a_running_deploy_and_production_is_told_apart(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        slow(w, "production-frontend")
        await w.merge()
        card = await w.card("Deploy frontend")
        await w.click("bob", card, "approve")
        await until(lambda: len(shipped(w)) == 1)
        await w.reply("alice", card, "stop")
        await w.sees("cancelled")
        await quiet(w)
        assert not (tmp_path / "production-frontend.version").exists()
        await w.click("bob", card, "approve")
        await w.whisper("bob", "approved this already")
        assert len(shipped(w)) == 1


async def test_retry_while_staging_runs_is_answered(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        held = slow(w, "staging-e2e")
        sha = await w.merge()
        await until(lambda: f"staging e2e {sha[:7]}" in w.effects())
        thread = next(iter(await threads(w)))
        root = (await w.sees("Add gift cards"))["ts"]
        for action, scope in (("retry", "all"), ("retry_e2e", "e2e")):
            click = click_payload(action, f"{thread}:{scope}", message={"thread_ts": root})
            assert (await to_slack_door(w, click)).status_code == 200
        await w.whisper("bob", "already running")
        held.unlink()
        await w.card("Deploy frontend")
        assert len(w.effects()) == 3


async def test_an_expired_card_says_so_and_is_asked_for_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sha = await w.merge()
        card = await w.card("Deploy frontend")
        await later(w, 24 * 3600 + 1)
        expired = await w.card("nobody rejected it", "ask_again")
        await w.click("bob", card, "approve")
        await w.whisper("bob", "expired")
        await asyncio.gather(*(w.click("alice", expired, "ask_again") for _ in range(3)))
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        await w.card("Deploy backend")
        assert shipped(w) == [f"production frontend {sha[:7]}"]


async def unknown_card(w: World) -> Json:
    """Kill the program that runs a deploy, and what would tell how it ended."""
    slow(w, "production-frontend")
    await w.merge()
    await w.click("bob", await w.card("Deploy frontend"), "approve")
    await until(lambda: len(shipped(w)) == 1)
    attempts = w.folder / ".deploybot" / "attempts"
    [running] = [a for a in attempts.iterdir() if not (a / "end.json").exists()]
    runner = json.loads((running / "started.json").read_text())["runner"]
    for pid in (int(runner), int((running / "pid").read_text())):
        os.kill(pid, signal.SIGKILL)
    (w.folder / "slow" / "production-frontend").unlink()
    return await w.card("nobody can tell", "happened")


async def test_an_unknown_outcome_is_settled_as_happened(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        card = await unknown_card(w)
        await w.click("alice", card, "happened")
        await w.whisper("alice", "not an approver")
        await w.click("bob", card, "happened")
        await w.click("cara", card, "did_not_happen") if _did_not(card) else None
        await w.card("Deploy backend")
        assert len(shipped(w)) == 1


def _did_not(card: Json) -> bool:
    return any(button["action_id"] == "did_not_happen" for button in buttons(card))


async def test_an_unknown_outcome_that_did_not_happen_is_asked_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        early = await unknown_card(w)
        assert not _did_not(early)
        await later(w, 31)
        card = await w.card("nobody can tell", "did_not_happen")
        await w.click("bob", card, "did_not_happen")
        await w.click("bob", await w.card("Deploy frontend"), "approve")
        await w.card("Deploy backend")
        assert len(shipped(w)) == 2


async def test_an_unknown_outcome_can_be_rolled_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        card = await unknown_card(w)
        await w.click("bob", card, "rollback")
        await quiet(w)
        happened = await events(w)
        assert count(happened, "outcome_stated") == 1
        assert count(happened, "rollback_opened") == 1
        said = "\n".join(text(m) for m in await w.messages())
        assert "says <@U02BOB>" in said
