"""Whatever GitHub's API answers: facts, or one sentence that they cannot be had."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from app.core.errors import SourceUnavailable
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import Token
from tests.adapters.github_stub import Answer, StubGitHub
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation
from tests.shop import REPO

SHA, BASE = "4af9ec0" + "0" * 33, "1111111" + "0" * 33
COMMIT: dict[str, Any] = {
    "sha": SHA,
    "commit": {"message": "Add gift cards\n\nAll.", "author": {"name": "Alice"}},
    "author": {"login": "alice"},
    "committer": {"login": "web-flow"},
}
COMPARISON: dict[str, Any] = {"ahead_by": 0, "behind_by": 0, "commits": [COMMIT]}
PULL: dict[str, Any] = {"base": {"sha": BASE}, "head": {"sha": SHA}}
GENUINE: dict[str, Any] = {
    "": {"full_name": REPO},
    f"/commits/{SHA}": COMMIT,
    "/commits": [COMMIT],
    f"/compare/main...{SHA}": COMPARISON,
    f"/compare/{BASE}...{SHA}": COMPARISON | {"ahead_by": 1},
    "/pulls/12": PULL,
    "/pulls/12/files": [{"filename": "web/b.ts", "previous_filename": "web/a.ts"}],
}
STATUSES = (200, 200, 200, 200, 200, 201, 204, 301, 304, 401, 403, 404, 422, 429, 500, 502)


def answer(genuine: object, case: Mutation) -> Answer:
    """Return an answer, mostly good in its status and mostly wrong in its body."""
    body = case.value(genuine) if case.random() < 0.7 else genuine
    return Answer(case.choice(STATUSES) if case.random() < 0.2 else 200, body)


async def test_answers_of_the_api() -> None:
    async with StubGitHub.run() as stub:
        client = GitHubClient(stub.url, Token("ghs_test"))
        source = GitHubSource(client, {REPO: "main"})
        questions: list[Callable[[], Awaitable[object]]] = [
            lambda: source.commit(REPO, SHA),
            lambda: source.commits(REPO, "main", 20),
            lambda: source.compare(REPO, BASE, SHA),
            lambda: source.pushers(REPO, 12),
            lambda: source.files(REPO, 12),
            lambda: source.check(REPO),
        ]
        with Campaign("github api") as campaign:
            for case in campaign:
                for path, genuine in GENUINE.items():
                    stub.on(f"GET /repos/{REPO}{path}", answer(genuine, case))
                stub.seen.clear()
                with contextlib.suppress(SourceUnavailable):
                    await case.choice(questions)()
        await client.aclose()
