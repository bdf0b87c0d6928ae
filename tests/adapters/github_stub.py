"""A GitHub on loopback that answers as a test says, for what the local GitHub cannot do."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """One answer; `cut` closes the connection instead, `silent` never answers."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cut: bool = False
    silent: bool = False


class StubGitHub:
    """Answers "METHOD /path" with the next of its answers; the last one stays."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, list[Answer]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []

    def on(self, request: str, *answers: Answer) -> None:
        """Set the answers for a request line (without its query)."""
        self.answers[request] = list(answers)

    @classmethod
    @asynccontextmanager
    async def run(cls) -> AsyncGenerator["StubGitHub"]:
        """Listen on a free loopback port."""
        stub = cls()
        server = await asyncio.start_server(stub._serve, "127.0.0.1", 0)
        stub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield stub
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            self.seen.append((f"{method} {target}", headers))
            queue = self.answers.get(f"{method} {target.partition('?')[0]}", [Answer(404)])
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
            if answer.silent:
                await reader.read()
            elif not answer.cut:
                writer.write(_encoded(answer))
                await writer.drain()
        except asyncio.IncompleteReadError:
            return  # who connected went away
        finally:
            writer.close()


def _encoded(answer: Answer) -> bytes:
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    lines = [f"HTTP/1.1 {answer.status} X", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
