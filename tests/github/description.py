"""GitHub's own description of its REST API, against which requests and answers are checked.

It is npm's `@octokit/openapi`, where `make setup` put it. Only the paths that are asked for are
read, as the version of the API that a request names has them.
"""

import json
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

OLDEST = "2022-11-28"
NEWEST = "2026-03-10"
CLOUD = "api.github.com"
ENTERPRISE = "ghes-3.19"
HOST = {CLOUD: "https://api.github.com", ENTERPRISE: "https://github.example.com"}
_RUNS = "/repos/{owner}/{repo}/actions/runs"
_WORKFLOW = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}"
PATHS = (
    "/repos/{owner}/{repo}/tags",
    _RUNS,
    f"{_RUNS}/{{run_id}}",
    f"{_RUNS}/{{run_id}}/jobs",
    f"{_RUNS}/{{run_id}}/cancel",
    f"{_WORKFLOW}/runs",
    f"{_WORKFLOW}/dispatches",
)
_CHANGES = "x-github-breaking-changes"
_NUMBERS = re.compile(rb"[0-9a-f]{6,}|[0-9]+")

Json = dict[str, Any]


class NotAsDescribed(AssertionError):
    """Say what of a request or an answer is not as GitHub describes it."""


class Description:
    """One version of the API of one server."""

    def __init__(self, server: str, version: str) -> None:
        self._host = HOST[server]
        self._part = _part(server, version)
        self._api = OpenAPI.from_dict(self._part)
        self._good: set[tuple[bytes, ...]] = set()

    def example(self, name: str) -> Json:
        """Return a fresh copy of one of the description's own examples."""
        return json.loads(json.dumps(_whole(CLOUD)["components"]["examples"][name]["value"]))

    def check_once(self, request: MockRequest, answer: MockResponse | None = None) -> None:
        """Check a request, or its answer, unless one was good that has other numbers and ids alone.

        A check takes as long as a step of a deploy.
        """
        asked = f"{request.method} {request.path} {request.args}".encode() + (request.body or b"")
        given = b"" if answer is None else b"%d" % answer.status_code + (answer.data or b"")
        shape = tuple(_NUMBERS.sub(b"0", text) for text in (asked, given))
        if shape in self._good:
            return
        if answer is None:
            self.check_request(request)
        else:
            self.check_answer(request, answer)
        self._good.add(shape)

    def check(self, request: MockRequest, answer: MockResponse) -> None:
        """Raise `NotAsDescribed` unless the request and its answer are as described."""
        self.check_request(request)
        self.check_answer(request, answer)

    def check_request(self, request: MockRequest) -> None:
        """Raise `NotAsDescribed` for a request that the server does not describe."""
        try:
            self._api.validate_request(request)
        except OpenAPIError as error:
            raise NotAsDescribed(f"{request.method} {request.path}: {_said(error)}") from None
        operation = self._operation(request)
        known = {self._resolved(p)["name"] for p in operation.get("parameters", [])}
        self._refuse_unknown(request, "parameters", set(request.args or {}) - known)
        content = operation.get("requestBody", {}).get("content", {})
        properties: Json = (
            content.get("application/json", {}).get("schema", {}).get("properties", {})
        )
        body: Json = json.loads(request.body) if request.body else {}
        self._refuse_unknown(request, "keys", set(body) - set(properties))

    def check_answer(self, request: MockRequest, answer: MockResponse) -> None:
        """Raise `NotAsDescribed` for an answer that the server does not describe.

        Of errors it describes few: of the others only their form is checked.
        """
        responses = self._operation(request)["responses"]
        if answer.status_code >= 400 and str(answer.status_code) not in responses:
            if not isinstance(json.loads(answer.data).get("message"), str):
                raise NotAsDescribed(f"{request.path}: an error without a message")
            return
        try:
            self._api.validate_response(request, answer)
        except OpenAPIError as error:
            said = f"{request.method} {request.path} {answer.status_code}: {_said(error)}"
            raise NotAsDescribed(said) from None

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes = b""
    ) -> MockRequest:
        """Return a request in the form that is checked; `path` begins with /repos/."""
        return MockRequest(self._host, method, path, args=dict(query), data=body)

    def _operation(self, request: MockRequest) -> Json:
        for path, operations in self._part["paths"].items():
            if _matches(path, request.path):
                return operations[request.method]
        raise NotAsDescribed(f"{request.path} is no path")

    def _resolved(self, parameter: Json) -> Json:
        reference = parameter.get("$ref")
        return _at(self._part, reference) if reference else parameter

    def _refuse_unknown(self, request: MockRequest, what: str, unknown: set[str]) -> None:
        if unknown:
            raise NotAsDescribed(f"{request.method} {request.path} has no {what} {unknown}")


@cache
def described(server: str, version: str) -> Description:
    """Return a version of a server's description; each is read once."""
    return Description(server, version)


@cache
def _whole(server: str) -> Json:
    folder = Path(sys.prefix) / "standins/node_modules/@octokit/openapi/generated"
    return json.loads((folder / f"{server}.json").read_bytes())


def _part(server: str, version: str) -> Json:
    """Return the paths that are used, with all that they refer to."""
    whole = _whole(server)
    part: Json = {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": [{"url": HOST[server]}],
        "paths": {path: _of_version(whole["paths"][path], version) for path in PATHS},
        "components": {},
    }
    waiting = [*_references(part["paths"])]
    while waiting:
        reference = waiting.pop()
        _, kind, name = reference.removeprefix("#/").split("/")
        found = part["components"].setdefault(kind, {})
        if name not in found:
            found[name] = _of_version(_at(whole, reference), version)
            waiting += _references(found[name])
    return part


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in cast("list[Any]", node) for found in _references(item)]
    if not isinstance(node, dict):
        return []
    table = cast("Json", node)
    own = [table["$ref"]] if isinstance(table.get("$ref"), str) else []
    inner = (value for key, value in table.items() if key not in ("examples", "example", _CHANGES))
    return [*own, *(found for value in inner for found in _references(value))]


def _of_version(node: Any, version: str) -> Any:
    """Return a part of the description with the changes of a version made, all the way down."""
    if isinstance(node, list):
        return [_of_version(item, version) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    table = dict(cast("Json", node))
    for change in table.pop(_CHANGES, []):
        if change["version"] <= version:
            table = _changed(table, change["patch"])
    # GitHub says "nullable" of a list of values that has no null, and sends it.
    if table.get("nullable") and "enum" in table:
        table["enum"] = [*table["enum"], None]
    return {key: _of_version(value, version) for key, value in table.items() if key != "examples"}


def _changed(table: Json, patch: Any) -> Json:
    """Apply a change: a JSON Patch of operations, or a merge patch of what is new."""
    if isinstance(patch, dict):
        return _merged(table, cast("Json", patch))
    copy: Json = json.loads(json.dumps(table))
    for step in cast("list[Json]", patch):
        *way, last = [
            key.replace("~1", "/").replace("~0", "~") for key in step["path"].split("/")[1:]
        ]
        place: Any = copy
        for key in way:
            place = place[int(key) if isinstance(place, list) else key]
        if step["op"] == "remove":
            del place[int(last) if isinstance(place, list) else last]
        else:
            place[last] = step["value"]
    return copy


def _merged(table: Json, patch: Json) -> Json:
    result = dict(table)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _merged(result[key], cast("Json", value))
        else:
            result[key] = value
    return result


def _at(whole: Json, reference: str) -> Json:
    place: Any = whole
    for key in reference.removeprefix("#/").split("/"):
        place = place[key.replace("~1", "/")]
    return place


def _matches(pattern: str, path: str) -> bool:
    parts, given = pattern.split("/"), path.split("/")
    pairs = zip(parts, given, strict=False)
    return len(parts) == len(given) and all(p.startswith("{") or p == g for p, g in pairs)


def _said(error: OpenAPIError) -> str:
    # A sentence of a schema begins with the whole value, and ends with what is wrong with it.
    causes = getattr(error.__cause__, "schema_errors", ())
    said = [f"{list(cause.path)} {cause.message[-200:]}" for cause in causes]
    return "; ".join(said) or str(error)[:500]
