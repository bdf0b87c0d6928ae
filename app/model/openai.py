"""Asks an OpenAI-compatible server for the next step; reads no environment, runs no tool."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from app.core.context import render
from app.core.errors import ModelMisbehaved, ModelUnavailable
from app.core.ports import ModelAnswer, ToolSchema, Turn
from app.core.untrusted import cut, masked, one_line
from app.model.prompts import system_prompt

DEFAULT_BASE_URL = "https://api.openai.com/v1"
TRY_SECONDS = 30.0
TRIES = 2
MAX_ARGUMENTS = 16_000  # characters; what is called is stored

_AGAIN = (
    TimeoutError,
    openai.APIConnectionError,
    openai.RateLimitError,
    openai.InternalServerError,
)


class ModelSilent(ModelUnavailable):
    """Report that the server says nothing now: nothing is known about the key or the model."""


class _Function(BaseModel):
    name: str
    arguments: str


class _Call(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    finish_reason: str | None = None
    message: _Message


class _Answer(BaseModel):
    """The part of a chat completion that counts; the client itself checks none of it."""

    choices: list[_Choice]


class OpenAIModel:
    """A `Model` behind the chat completions API, with strict tools and one call an answer.

    Servers that refuse `strict` or `parallel_tool_calls` (they answer 400 or 422) are asked
    without them from then on. Close it with `aclose`.
    """

    def __init__(
        self,
        api_key: str,
        model: str,
        base_url: str | None = None,
        try_seconds: float = TRY_SECONDS,
    ) -> None:
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url or DEFAULT_BASE_URL,
            timeout=try_seconds,
            max_retries=0,
        )
        self._model = model
        self._try_seconds = try_seconds
        self._strict = True

    @property
    def name(self) -> str:
        """Return the model's name as cards and logs show it."""
        return self._model

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def check(self) -> None:
        """Ask the server for the model; raise `ModelUnavailable` saying why it cannot be had.

        `ModelSilent`, which is one, where it may be there all the same.
        """
        try:
            await self._client.models.retrieve(self._model)
        except _AGAIN as error:
            why = _why(error, self._try_seconds)
            raise ModelSilent(f"the model's server {why}") from error
        except openai.APIStatusError as error:
            raise ModelUnavailable(f"the model's server {_refusal(error)}") from error

    async def next_step(self, turn: Turn) -> ModelAnswer:
        """Return one call of one of the turn's tools, within two tries; see `Model`."""
        context = render(turn.state, turn.entries, turn.repo, turn.now)
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": system_prompt(turn.state.mode, turn.repo)},
            {"role": "user", "content": context},
        ]
        body = await self._ask(messages, turn.tools)
        tool, arguments = _only_call(body, {schema.name for schema in turn.tools})
        return ModelAnswer(tool=tool, arguments=arguments, by=self.name)

    async def _ask(
        self, messages: list[ChatCompletionMessageParam], tools: Sequence[ToolSchema]
    ) -> bytes:
        problem = ""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(self._try_seconds):
                    return await self._complete(messages, tools)
            except _AGAIN as error:
                problem = _why(error, self._try_seconds)
            except openai.APIStatusError as error:
                raise ModelUnavailable(f"the model's server {_refusal(error)}") from error
        raise ModelUnavailable(f"the model's server {problem}, {TRIES} times")

    async def _complete(
        self, messages: list[ChatCompletionMessageParam], tools: Sequence[ToolSchema]
    ) -> bytes:
        try:
            return await self._send(messages, tools)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if not self._strict or not _names_an_extra(error):
                raise
            self._strict = False
            return await self._send(messages, tools)

    async def _send(
        self, messages: list[ChatCompletionMessageParam], tools: Sequence[ToolSchema]
    ) -> bytes:
        response = await self._client.chat.completions.with_raw_response.create(
            model=self._model,
            messages=messages,
            tools=[_tool(schema, self._strict) for schema in tools],
            tool_choice="required",
            parallel_tool_calls=False if self._strict else openai.omit,
        )
        return response.content


def _tool(schema: ToolSchema, strict: bool) -> ChatCompletionToolParam:
    function: dict[str, Any] = {
        "name": schema.name,
        "description": schema.description,
        "parameters": dict(schema.parameters),
    }
    if strict:
        function["strict"] = True
    return cast(ChatCompletionToolParam, {"type": "function", "function": function})


def _names_an_extra(error: openai.APIStatusError) -> bool:
    text = str(error).lower()
    return "parallel_tool_calls" in text or "strict" in text


def _why(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return f"did not answer within {seconds:g} s"
    if isinstance(error, openai.APIStatusError):
        return f"answered with status {error.status_code}"
    return "could not be reached"


def _refusal(error: openai.APIStatusError) -> str:
    """Say what was refused; what a server says of a key may hold parts of it, so that stays out."""
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return f"did not accept the API key (status {error.status_code})"
    said = cut(masked(one_line(error.message)), 200)
    return f"refused the request with status {error.status_code}: {said}"


def _only_call(body: bytes, allowed: set[str]) -> tuple[str, dict[str, Any]]:
    try:
        choices = _Answer.model_validate_json(body).choices
    except ValidationError:
        raise ModelMisbehaved("the answer was no chat completion") from None
    if not choices:
        raise ModelMisbehaved("the answer was empty")
    if choices[0].finish_reason == "length":
        raise ModelMisbehaved("the answer was cut at the length limit; answer more briefly")
    message = choices[0].message
    calls = message.tool_calls or []
    if not calls:
        said = message.refusal or message.content or "nothing"
        raise ModelMisbehaved(f"no tool was called; the answer was {_shown(said)}")
    if len(calls) > 1:
        raise ModelMisbehaved(f"{len(calls)} tools were called; call exactly one")
    function = calls[0].function
    if function.name not in allowed:
        known = ", ".join(sorted(allowed))
        raise ModelMisbehaved(f"{_shown(function.name)} is none of the tools: {known}")
    return function.name, _arguments(function.name, function.arguments)


def _arguments(tool: str, text: str) -> dict[str, Any]:
    if len(text) > MAX_ARGUMENTS:
        raise ModelMisbehaved(f"the arguments of {tool} were too long; answer more briefly")
    try:
        # The strict parser: no NaN, no half of a character, no endless nesting can be stored.
        arguments = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise ModelMisbehaved(f"the arguments of {tool} were no JSON") from None
    if not isinstance(arguments, dict):
        raise ModelMisbehaved(f"the arguments of {tool} were no JSON object")
    return cast("dict[str, Any]", arguments)


def _shown(text: str) -> str:
    return repr(cut(masked(one_line(text)), 120))
