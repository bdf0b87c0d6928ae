"""The OpenAI adapter against a real local server: one call out, every odd answer an error."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core import events as ev
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.errors import ModelMisbehaved, ModelUnavailable
from app.core.fold import fold
from app.core.ports import ToolSchema, Turn
from app.core.state import Mode
from app.model.openai import OpenAIModel
from app.model.prompts import system_prompt
from tests.scripted_openai import Reply, ScriptedOpenAI, call, calls, completion, refusal

KEY = "sk-test-0123456789abcdef"
SHA = "4af9ec0" + "0" * 33


@pytest.fixture
async def server() -> AsyncIterator[ScriptedOpenAI]:
    async with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
async def model(server: ScriptedOpenAI) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel(KEY, "scripted", server.base_url)
    yield model
    await model.aclose()


@pytest.fixture
async def hasty(server: ScriptedOpenAI) -> AsyncIterator[OpenAIModel]:
    """Give up a try as early as a busy machine allows."""
    model = OpenAIModel(KEY, "scripted", server.base_url, try_seconds=2)
    yield model
    await model.aclose()


def _turn() -> Turn:
    target = TargetConfig(deployer="command", options={})
    services = EnvironmentConfig(services={"frontend": target, "backend": target})
    repo = RepoConfig(
        name="acme/shop",
        branch="main",
        channel="C1",
        approvers=(),
        instructions="Never on Friday.",
        staging=services,
        production=services,
    )
    started = ev.ThreadStarted(
        thread_id="acme/shop/0123456789",
        repo="acme/shop",
        branch="main",
        channel="C1",
        origin="merge",
        sha=SHA,
    )
    entries = [ev.Entry(at=1, write="w1", event=started)]
    return Turn(fold(entries), repo, (_schema("reply"), _schema("ignore")), entries, 2)


def _schema(name: str) -> ToolSchema:
    text = {"type": "string"}
    parameters = {
        "type": "object",
        "properties": {"message": text},
        "required": ["message"],
        "additionalProperties": False,
    }
    return ToolSchema(name, f"Call {name}.", parameters)


async def test_a_tool_call_is_the_answer(model: OpenAIModel, server: ScriptedOpenAI) -> None:
    server.script = [call("reply", message="hello")]
    answer = await model.next_step(_turn())
    assert (answer.tool, answer.arguments, answer.by) == (
        "reply",
        {"message": "hello"},
        "scripted",
    )


async def test_the_request_has_rules_thread_and_strict_tools(
    model: OpenAIModel, server: ScriptedOpenAI
) -> None:
    server.script = [call("reply", message="hello")]
    await model.next_step(_turn())
    [request] = server.requests
    system, user = (message["content"] for message in request["messages"])
    assert "Never on Friday." in system
    assert "Deploy 4af9ec0 of acme/shop" in user
    assert request["tool_choice"] == "required"
    assert request["parallel_tool_calls"] is False
    assert [tool["function"]["strict"] for tool in request["tools"]] == [True, True]
    assert KEY not in json.dumps(request)


@pytest.mark.parametrize("mode", ["deploy", "rollback"])
def test_a_prompt_names_the_services_and_has_the_teams_rules_last(mode: Mode) -> None:
    prompt = system_prompt(mode, _turn().repo)
    assert "Services, in their default order: frontend, backend." in prompt
    assert prompt.endswith("from its configuration:\nNever on Friday.\n")
    assert "{{" not in prompt


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (calls(("reply", '{"message": ')), "no JSON"),
        (calls(("reply", "[1]")), "no JSON object"),
        (calls(("reply", '{"message": NaN}')), "no JSON"),
        (calls(("reply", '{"message": "\\ud800"}')), "no JSON"),
        (calls(("reply", '{"message": ' + "[" * 5000)), "no JSON"),
        (calls(("reply", json.dumps({"message": "x" * 20_000}))), "too long"),
        (calls(("deploy_moon_to_prod", "{}")), "none of the tools: ignore, reply"),
        (calls(("reply", "{}"), ("ignore", "{}")), "2 tools"),
        (calls(("reply", '{"mess'), finish="length"), "cut"),
        (completion({"role": "assistant", "content": "I would reply"}), "I would reply"),
        (completion({"role": "assistant", "content": None, "refusal": "I can't"}), "I can't"),
        (Reply(body=b"<html>"), "no chat completion"),
        (Reply(body=b'{"choices": []}'), "empty"),
        (Reply(body=b'{"choices": [{"message": null}]}'), "no chat completion"),
    ],
)
async def test_an_answer_that_is_no_call_is_misbehaviour(
    model: OpenAIModel, server: ScriptedOpenAI, reply: Reply, sentence: str
) -> None:
    server.script = [reply]
    with pytest.raises(ModelMisbehaved, match=sentence):
        await model.next_step(_turn())
    assert len(server.requests) == 1


async def test_no_part_of_a_valid_answer_is_an_answer(
    model: OpenAIModel, server: ScriptedOpenAI
) -> None:
    whole = call("reply", message="hello").body
    server.script = [Reply(body=whole[:end]) for end in range(len(whole))]
    for _ in range(len(whole)):
        with pytest.raises(ModelMisbehaved, match="no chat completion"):
            await model.next_step(_turn())


async def test_no_part_of_valid_arguments_is_called(
    model: OpenAIModel, server: ScriptedOpenAI
) -> None:
    whole = json.dumps({"message": "hello"})
    server.script = [calls(("reply", whole[:end])) for end in range(len(whole))]
    for _ in range(len(whole)):
        with pytest.raises(ModelMisbehaved, match="no JSON"):
            await model.next_step(_turn())


@pytest.mark.parametrize(
    "fault", [refusal(500, "oh"), refusal(429, "slowly"), Reply(cut=True), Reply(delay=60)]
)
async def test_a_fault_that_may_pass_is_tried_once_more(
    hasty: OpenAIModel, server: ScriptedOpenAI, fault: Reply
) -> None:
    server.script = [fault, call("reply", message="hello")]
    assert (await hasty.next_step(_turn())).tool == "reply"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (refusal(503, "oh"), "status 503, 2 times"),
        (Reply(cut=True), "could not be reached, 2 times"),
        (Reply(delay=60), "did not answer within 2 s, 2 times"),
    ],
)
async def test_two_faults_mean_that_no_model_is_there(
    hasty: OpenAIModel, server: ScriptedOpenAI, fault: Reply, sentence: str
) -> None:
    server.script = [fault, fault]
    with pytest.raises(ModelUnavailable, match=sentence):
        await hasty.next_step(_turn())
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_named_by_its_status_alone(
    model: OpenAIModel, server: ScriptedOpenAI, status: int
) -> None:
    server.script = [refusal(status, f"Incorrect API key provided: {KEY[:12]}***")]
    with pytest.raises(ModelUnavailable, match=f"status {status}") as caught:
        await model.next_step(_turn())
    assert "sk-" not in str(caught.value)
    assert len(server.requests) == 1


async def test_a_refused_request_says_why(model: OpenAIModel, server: ScriptedOpenAI) -> None:
    server.script = [refusal(404, "The model `scripted` does not exist")]
    with pytest.raises(ModelUnavailable, match=r"status 404: .*does not exist"):
        await model.next_step(_turn())


async def test_a_server_that_knows_no_extras_is_asked_without_them_from_then_on(
    model: OpenAIModel, server: ScriptedOpenAI
) -> None:
    def picky(request: dict[str, Any]) -> Reply:
        if "parallel_tool_calls" in request:
            return refusal(400, "unknown field parallel_tool_calls")
        return call("reply", message="hello")

    server.script = [picky, picky, picky]
    await model.next_step(_turn())
    await model.next_step(_turn())
    assert ["parallel_tool_calls" in request for request in server.requests] == [True, False, False]
    assert "strict" not in server.requests[-1]["tools"][0]["function"]
