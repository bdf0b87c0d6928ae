"""Whatever the model's server says: a step, or one sentence about what was wrong with it."""

import contextlib
import json
from typing import Any

from app.core.errors import ModelMisbehaved, ModelUnavailable
from app.core.ports import ModelAnswer, ToolSchema, Turn
from app.model.openai import OpenAIModel
from app.slack.payloads import words_of
from tests.core.box import OLD, SHA, Box
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation, encoded
from tests.scripted_openai import Reply, ScriptedOpenAI, call
from tests.story import Story

TURNS = 30  # of one thread; then another begins
GENUINE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("deploy_frontend_to_prod", {"sha": SHA, "reason": "next"}),
    ("deploy_backend_to_prod", {"sha": SHA, "reason": "next"}),
    ("rollback_backend_in_prod", {"sha": OLD, "reason": "red"}),
    ("list_git_commits", {"limit": 5}),
    ("list_deployments", {"service": "backend"}),
    ("run_e2e_tests", {"environment": "staging"}),
    ("wait_for", {"seconds": 60, "reason": "later"}),
    ("request_more_information", {"question": "which?", "choices": ["a", "b"]}),
    ("reply", {"message": "hi"}),
    ("ignore", {"reason": "thanks"}),
    ("done_for_now", {"message": "done"}),
    ("nothing_to_do", {"reason": "docs"}),
)


def answer_of(case: Mutation) -> bytes:
    """Return a chat completion, spoilt as JSON, in its arguments, or as bytes."""
    whole = json.loads(call("reply", message="hi").body)
    if case.random() < 0.3:
        function = whole["choices"][0]["message"]["tool_calls"][0]["function"]
        function["arguments"] = case.text(function["arguments"])
        return encoded(whole)
    if case.random() < 0.6:
        return encoded(case.value(whole))
    return case.data(encoded(whole))


async def test_chat_completions() -> None:
    story = Story().merged().staged()
    schema = ToolSchema("reply", "Say it.", {"type": "object", "properties": {}})
    turn = Turn(story.state, story.repo, (schema,), story.entries, story.now)
    async with ScriptedOpenAI() as server:
        model = OpenAIModel("sk-test-0123456789abcdef", "scripted", server.base_url)
        with Campaign("chat completions") as campaign:
            for case in campaign:
                server.script[:] = [Reply(body=answer_of(case))]
                server.requests.clear()
                server.headers.clear()
                with contextlib.suppress(ModelMisbehaved, ModelUnavailable):
                    assert (await model.next_step(turn)).tool == "reply"
        await model.aclose()


async def test_tool_calls() -> None:
    box = Box()
    with Campaign("tool calls") as campaign:
        for number, case in enumerate(campaign):
            if number % TURNS == 0:
                box = Box()
                await box.has_old_version()
                box.model.script.append(ModelAnswer(tool="reply", arguments={}, by="scripted"))
                await box.merges()
            tool, arguments = case.choice(GENUINE)
            spoilt = {key: case.value(value) for key, value in arguments.items()}
            if case.random() < 0.2:
                spoilt[case.text("more", 1)] = spoilt.pop(case.choice(list(spoilt)))
            name = case.text(tool, 1) if case.random() < 0.05 else tool
            box.model.script.append(ModelAnswer(tool=name, arguments=spoilt, by="scripted"))
            await box.says(words_of(case.text("what is on production?")))
            assert "step_failed" not in await box.types()
            assert [e for e in box.deployer.effects if e.startswith("production")] == []
