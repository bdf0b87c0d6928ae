"""Requests straight to an ASGI application, without an HTTP library that would refuse to send."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from tests.fuzz.mutation import Mutation


class _Latin(dict[int, int | None]):
    """Keeps what an HTTP server lets through in a header."""

    def __missing__(self, key: int) -> int | None:
        return key if 32 <= key < 256 and key != 127 else None


_LATIN = _Latin()


async def knock(app: FastAPI, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post a body and return the answer's status; what the application raises is raised."""
    sent: list[Any] = []
    parts = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    return sent[0]["status"]


def spoilt(headers: Mapping[str, str], case: Mutation) -> dict[str, str]:
    """Return the headers, every fourth time with one changed or left out."""
    fields = dict(headers)
    if case.random() < 0.25:
        name = case.choice(list(fields))
        fields[name] = case.text(fields[name]).translate(_LATIN)
        if case.random() < 0.2:
            del fields[name]
    return fields
