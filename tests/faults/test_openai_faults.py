"""OpenAI down, slow, refusing, malformed, looping: never an effect, always a card or a question."""

import json
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.core import events as ev
from app.core.context import MAX_TOKENS
from app.core.state import MAX_ERRORS, MAX_STEPS, State
from app.core.tokens import tokens_at_most
from app.demo.child import free_port
from app.model import openai
from app.model.offline import OfflinePlanner
from app.model.openai import OpenAIModel
from app.slack.messages import render
from tests import payloads
from tests.core.box import REPO, SHA, Box
from tests.scripted_openai import Reply, Script, ScriptedOpenAI, call, calls, completion, refusal
from tests.shop import ALICE, BOB

VARIANTS = 20
TRY_SECONDS = 0.2
ENOUGH_SECONDS = 5.0  # where nothing is slow, the machine may be
MINUTE = 60_000
# Longer than a thread may ask: an empty script would be another fault.
FOREVER = 64
Kind = Callable[[random.Random], Script]


# Nobody answers in time, or the server says no: the planner stands in.


def cut(chance: random.Random) -> Script:
    return Reply(cut=True)


def slow(chance: random.Random) -> Script:
    return Reply(delay=TRY_SECONDS * chance.uniform(1.5, 3), body=good(chance).body)


def dripping(chance: random.Random) -> Script:
    return Reply(drip=TRY_SECONDS * chance.uniform(0.2, 0.8), body=good(chance).body)


def cut_in_the_middle(chance: random.Random) -> Script:
    return Reply(half=True, body=good(chance).body)


def limited(chance: random.Random) -> Script:
    return refusal(429, chance.choice(("slowly", "You exceeded your current quota")))


def broken(chance: random.Random) -> Script:
    return Reply(chance.choice((500, 502, 503, 504, 520, 529)), chance.randbytes(20))


def turned_away(chance: random.Random) -> Script:
    return refusal(chance.choice((401, 403, 404, 400, 413, 422)), f"no: sk-{'a' * 40}")


def no_gzip(chance: random.Random) -> Script:
    return Reply(body=chance.randbytes(50), headers={"content-encoding": "gzip"})


# It answers, but with no call that can be made: three times, and a person is asked.


def good(chance: random.Random) -> Reply:
    return call(f"deploy_{chance.choice(('frontend', 'backend'))}_to_prod", sha=SHA, reason="now")


def says_no(chance: random.Random) -> Script:
    words = chance.choice(("I can't help with that.", "", "<!channel> no", "x" * 5000))
    return completion({"role": "assistant", "content": None, "refusal": words})


def talks(chance: random.Random) -> Script:
    words = chance.choice(("Deployed!", "", f"deploy_backend_to_prod({SHA})", "\ud800", "\u202e"))
    return completion({"role": "assistant", "content": words})


def two_calls(chance: random.Random) -> Script:
    one = ("deploy_backend_to_prod", json.dumps({"sha": SHA, "reason": "now"}))
    return calls(*[one] * chance.randint(2, 9))


def unknown_tool(chance: random.Random) -> Script:
    name = chance.choice(("deploy_moon_to_prod", "approve", "", "run_shell", "x" * 3000, "reply"))
    return call(name, sha=SHA, message="done", reason="")


def bad_arguments(chance: random.Random) -> Script:
    text = chance.choice(
        (
            "{}",
            "[]",
            "null",
            "NaN",
            "",
            json.dumps({"sha": SHA}),
            json.dumps({"sha": SHA, "reason": 1}),
            json.dumps({"sha": [SHA], "reason": ""}),
            json.dumps({"sha": SHA, "reason": "", "approved": True}),
            json.dumps({"sha": "f" * 40, "reason": "a commit that nobody named"}),
            json.dumps({"sha": SHA[:6], "reason": "too short"}),
            json.dumps({"sha": SHA, "reason": "x" * 3000}),
            "[" * 100_000,
            '{"sha": "\\ud800", "reason": ""}',
        )
    )
    return calls((chance.choice(("deploy_backend_to_prod", "deploy_frontend_to_prod")), text))


def chopped(chance: random.Random) -> Script:
    body = good(chance).body
    return Reply(body=body[: chance.randrange(len(body))])


def chopped_arguments(chance: random.Random) -> Script:
    text = json.dumps({"sha": SHA, "reason": "now"})
    return calls(("deploy_backend_to_prod", text[: chance.randrange(len(text))]))


def cut_short(chance: random.Random) -> Script:
    return calls(
        ("deploy_backend_to_prod", json.dumps({"sha": SHA, "reason": ""})), finish="length"
    )


def garbage(chance: random.Random) -> Script:
    null: Any = {"choices": [{"message": None}]}
    bodies = (
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": []}',
        json.dumps(null).encode(),
        b"[" * 50_000,
        b"\xff\xfe",
        b" " * 1_000_000,
        chance.randbytes(200),
    )
    return Reply(body=chance.choice(bodies))


# It calls what can be called, and never comes to an end: twenty steps, and a person is asked.


def reads_for_ever(chance: random.Random) -> Script:
    return call("list_deployments", service=chance.choice(("frontend", "backend")))


def waits_for_ever(chance: random.Random) -> Script:
    return call("wait_for", seconds=chance.randint(1, 9), reason="not yet")


AWAY = [cut, slow, dripping, cut_in_the_middle, limited, broken, turned_away, no_gzip]
ASTRAY = [
    says_no,
    talks,
    two_calls,
    unknown_tool,
    bad_arguments,
    chopped,
    chopped_arguments,
    cut_short,
    garbage,
]
SLOW = [slow, dripping]
AROUND = [reads_for_ever, waits_for_ever]


class Thread(Box):
    """A thread whose model is behind a server of ours, with the planner standing by."""

    def __init__(self, server: ScriptedOpenAI, base_url: str, try_seconds: float) -> None:
        self.openai = OpenAIModel("k", "scripted", base_url or server.base_url, try_seconds)
        super().__init__(model=self.openai, planner=OfflinePlanner())
        self.server = server

    async def shows(self) -> str:
        """Return all that the thread's messages say, each checked as Slack would."""
        messages = render(await self.state(), self.config, await self.log.now(REPO))
        for message in messages.values():
            payloads.check(message.text, message.blocks)
        return "\n".join(payloads.words(m.text, m.blocks) for m in messages.values())

    def production(self) -> list[str]:
        return [effect for effect in self.deployer.effects if effect.startswith("production")]

    def is_within_bounds(self, state: State) -> None:
        """Fail if anything happened, or more was asked than may be."""
        assert self.production() == []
        assert state.steps <= MAX_STEPS
        assert state.errors <= MAX_ERRORS
        assert len(self.server.requests) <= MAX_STEPS * openai.TRIES
        for request in self.server.requests:
            assert tokens_at_most(request["messages"][1]["content"]) <= MAX_TOKENS


@asynccontextmanager
async def thread(
    fails: Kind | None = None, seed: int = 0, base_url: str = ""
) -> AsyncGenerator[Thread]:
    """Open a thread whose model fails in one way, for ever."""
    chance = random.Random(seed)
    script = [fails(chance) for _ in range(FOREVER)] if fails else []
    async with ScriptedOpenAI(script) as server:
        made = Thread(server, base_url, TRY_SECONDS if fails in SLOW else ENOUGH_SECONDS)
        try:
            yield made
        finally:
            await made.openai.aclose()


async def recovers(box: Thread) -> None:
    """Let the model be back, and a person write: it is read, and answered by a card."""
    box.server.script = [call("deploy_backend_to_prod", sha=SHA, reason="as asked")] * 4
    await box.says("backend first please")
    await box.later(MINUTE)
    card = await box.card()
    assert (card.request.spec.service, card.proposed_by) == ("backend", "scripted")
    assert box.production() == []


every_variant = pytest.mark.parametrize("seed", range(VARIANTS))


@every_variant
@pytest.mark.parametrize("fails", AWAY)
async def test_while_no_model_answers_the_default_plan_is_proposed(fails: Kind, seed: int) -> None:
    async with thread(fails, seed) as box:
        await box.merges()
        box.is_within_bounds(await box.state())
        card = await box.card()
        assert (card.request.spec.service, card.proposed_by) == ("frontend", "offline planner")
        assert len(box.server.requests) <= openai.TRIES
        assert "offline planner's words: The model does not answer." in await box.shows()
        assert "sk-" not in await box.shows()
        await recovers(box)


async def test_where_nobody_listens_the_default_plan_is_proposed() -> None:
    async with thread(base_url=f"http://127.0.0.1:{free_port()}/v1") as box:
        await box.merges()
        assert (await box.card()).proposed_by == "offline planner"
        assert box.production() == []


@every_variant
@pytest.mark.parametrize("fails", ASTRAY)
async def test_a_model_that_calls_nothing_useful_is_asked_three_times(
    fails: Kind, seed: int
) -> None:
    async with thread(fails, seed) as box:
        await box.merges()
        state = await box.state()
        box.is_within_bounds(state)
        assert len(box.server.requests) == MAX_ERRORS
        assert state.cards == {}
        assert state.question is not None
        assert "I failed 3 times in a row: " in await box.shows()
        await recovers(box)


@every_variant
@pytest.mark.parametrize("fails", AROUND)
async def test_a_model_that_goes_round_in_circles_is_stopped(fails: Kind, seed: int) -> None:
    async with thread(fails, seed) as box:
        await box.merges()
        for _ in range(MAX_STEPS):
            await box.later(10_000)
        state = await box.state()
        box.is_within_bounds(state)
        assert len(box.server.requests) == MAX_STEPS
        assert state.cards == {}
        assert "I have taken 20 steps since a person last wrote" in await box.shows()
        await recovers(box)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fails", AWAY)
async def test_words_wait_for_the_model_and_hold_the_card(fails: Kind, seed: int) -> None:
    async with thread(fails, seed) as box:
        failing = box.server.script
        box.server.script = [call("deploy_backend_to_prod", sha=SHA, reason="first")] * 4
        await box.merges()
        card = await box.card()
        box.server.script = failing
        await box.says("is that safe?")
        assert (await box.state()).held_by
        assert "the model does not answer" in await box.shows()
        assert "Release" in await box.shows()

        box.server.script = [call("reply", message="Yes: it was tested.")] * 4
        await box.later(MINUTE)
        state = await box.state()
        assert state.pending
        assert state.pending.request == card.request
        assert (state.held_by, state.says[-1].text) == (None, "Yes: it was tested.")
        assert box.production() == []


@pytest.mark.parametrize("fails", [says_no, garbage, bad_arguments, reads_for_ever])
async def test_words_that_a_model_makes_nothing_of_hold_the_card_until_an_approver_releases_it(
    fails: Kind,
) -> None:
    async with thread(fails) as box:
        failing = box.server.script
        box.server.script = [call("deploy_backend_to_prod", sha=SHA, reason="first")]
        await box.merges()
        card = await box.card()
        box.server.script = failing
        await box.says("do not approve this: a migration is missing")
        state = await box.state()
        assert (state.held_by, state.unheard) == (ALICE, True)
        assert "I could make nothing of <@U01ALICE>'s message" in await box.shows()
        assert "Release" in await box.shows()
        assert "Approve" not in await box.shows()

        await box.does(ev.ApprovalReleased(call_id=card.request.call_id, user=BOB))
        assert (await box.state()).held_by is None


def test_the_budget_of_a_turn_is_a_minute() -> None:
    assert openai.TRIES <= 2
    assert openai.TRIES * openai.TRY_SECONDS <= 60
