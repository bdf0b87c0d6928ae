"""The check against GitHub's description refuses what GitHub would never say or take."""

import json
from typing import Any

import pytest
from openapi_core.testing import MockResponse

from tests.github.description import (
    CLOUD,
    ENTERPRISE,
    NEWEST,
    OLDEST,
    NotAsDescribed,
    described,
)

ACTIONS = "/repos/acme/shop/actions"
DISPATCH = f"{ACTIONS}/workflows/deploy.yml/dispatches"
RUNS = f"{ACTIONS}/workflows/deploy.yml/runs"
TAKEN = {"workflow_run_id": 1, "run_url": "https://x/1", "html_url": "https://x/1"}
GOOD = b'{"ref": "main", "inputs": {"sha": "4af9ec0"}}'


def encoded(data: Any) -> bytes:
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"inputs": {}}, "'ref' is a required property"),
        ({"ref": 5}, "5 is not of type 'string'"),
        ({"ref": "main", "inputs": ["sha"]}, "is not of type 'object'"),
        ({"ref": "main", "inputs": {str(n): "" for n in range(26)}}, "too many properties"),
        ({"ref": "main", "input": {}}, "no keys {'input'}"),
        ({"ref": "main", "return_run_details": True}, "no keys {'return_run_details'}"),
    ],
)
def test_a_dispatch_that_github_does_not_describe_is_refused(body: Any, says: str) -> None:
    description = described(CLOUD, NEWEST)
    request = description.request("post", DISPATCH, {}, encoded(body))
    with pytest.raises(NotAsDescribed, match=says):
        description.check_request(request)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"status": "green"}, "'green' is not one of"),
        ({"per_page": "many"}, "per_page"),
        ({"branches": "main"}, "no parameters {'branches'}"),
    ],
)
def test_a_query_that_github_does_not_describe_is_refused(query: dict[str, str], says: str) -> None:
    description = described(CLOUD, NEWEST)
    with pytest.raises(NotAsDescribed, match=says):
        description.check_request(description.request("get", RUNS, query))


@pytest.mark.parametrize(("method", "path"), [("put", RUNS), ("get", "/repos/acme/shop/nothing")])
def test_a_request_that_github_does_not_know_is_refused(method: str, path: str) -> None:
    description = described(CLOUD, NEWEST)
    with pytest.raises(NotAsDescribed):
        description.check_request(description.request(method, path, {}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "5"}, "'5' is not of type 'integer'"),
        ({"head_sha": None}, "None"),
        ({"display_title": ...}, "'display_title' is a required property"),
        ({"created_at": "yesterday"}, "created_at|date-time"),
    ],
)
def test_a_run_that_github_does_not_describe_is_refused(change: dict[str, Any], says: str) -> None:
    description = described(CLOUD, NEWEST)
    run = description.example("workflow-run") | change
    run = {key: value for key, value in run.items() if value is not ...}
    request = description.request("get", f"{ACTIONS}/runs/5", {})
    with pytest.raises(NotAsDescribed, match=says):
        description.check_answer(request, MockResponse(encoded(run)))


def test_its_own_example_of_a_run_is_as_described() -> None:
    description = described(CLOUD, NEWEST)
    run = description.example("workflow-run")
    request = description.request("get", f"{ACTIONS}/runs/5", {})
    description.check(request, MockResponse(encoded(run)))


@pytest.mark.parametrize(
    ("server", "version", "taken"),
    [(CLOUD, NEWEST, True), (CLOUD, OLDEST, True), (ENTERPRISE, OLDEST, False)],
)
def test_the_newest_version_answers_with_the_runs_id_and_an_old_server_never(
    server: str, version: str, taken: bool
) -> None:
    description = described(server, version)
    request = description.request("post", DISPATCH, {}, GOOD)
    with_id, empty = MockResponse(encoded(TAKEN), 200), MockResponse(b"", 204)
    description.check(request, with_id if taken else empty)
    if (server, version) != (CLOUD, OLDEST):
        with pytest.raises(NotAsDescribed, match="Unknown response http status"):
            description.check_answer(request, empty if taken else with_id)


def test_an_error_without_a_message_is_refused() -> None:
    description = described(CLOUD, NEWEST)
    request = description.request("post", DISPATCH, {}, GOOD)
    description.check_answer(request, MockResponse(b'{"message": "No"}', 422))
    with pytest.raises(NotAsDescribed, match="without a message"):
        description.check_answer(request, MockResponse(b'{"error": "No"}', 422))
