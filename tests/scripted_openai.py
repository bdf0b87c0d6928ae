"""A local server that speaks OpenAI's chat completions and answers what a test scripted."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `delay` seconds pass first, `cut` drops the connection instead.

    `drip` seconds pass after each byte. `half` drops the connection in the middle of the body.
    """

    status: int = 200
    body: bytes = b""
    delay: float = 0
    cut: bool = False
    drip: float = 0
    half: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Script = Reply | Callable[[dict[str, Any]], Reply]


def call(tool: str, **arguments: Any) -> Reply:
    """Answer with one tool call."""
    return calls((tool, json.dumps(arguments)))


def calls(*pairs: tuple[str, str], finish: str = "tool_calls") -> Reply:
    """Answer with tool calls whose arguments are given as text."""
    tool_calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": text}}
        for n, (name, text) in enumerate(pairs)
    ]
    return completion({"role": "assistant", "content": None, "tool_calls": tool_calls}, finish)


def completion(message: dict[str, Any], finish: str = "stop") -> Reply:
    """Answer with any message."""
    choice = {"index": 0, "finish_reason": finish, "message": message}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [choice],
    }
    return Reply(body=json.dumps(body).encode())


def refusal(status: int, message: str) -> Reply:
    """Answer with an error as OpenAI words it."""
    error = {"message": message, "type": "error", "param": None, "code": None}
    return Reply(status, json.dumps({"error": error}).encode())


class ScriptedOpenAI:
    """Answers request after request from its script, and keeps what it was asked.

    An empty script answers 500. A callable in the script gets the request's body.

        async with ScriptedOpenAI([call("reply", message="hi")]) as server:
            model = OpenAIModel("key", "scripted", server.base_url)
    """

    def __init__(self, script: list[Script] | None = None) -> None:
        self.script: list[Script] = list(script or [])
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.base_url = ""

    async def __aenter__(self) -> "ScriptedOpenAI":
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        step = self.script.pop(0) if self.script else refusal(500, "the script is at its end")
        reply = step if isinstance(step, Reply) else step(body)
        await asyncio.sleep(reply.delay)
        if reply.cut and request.transport:
            request.transport.abort()
        if reply.drip or reply.half:
            return await _in_pieces(request, reply)
        headers = {"content-type": "application/json", **reply.headers}
        return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _in_pieces(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status)
    response.content_length = len(reply.body)
    await response.prepare(request)
    for at in range(len(reply.body)):
        if reply.half and at > len(reply.body) // 2 and request.transport:
            request.transport.abort()
        await response.write(reply.body[at : at + 1])
        await asyncio.sleep(reply.drip)
    return response
