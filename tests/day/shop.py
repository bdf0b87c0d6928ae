"""What the day deploys to and reads from: targets that take their time by the day's clock."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.core.events import Attempt, Commit
from app.core.people import Roster
from app.core.ports import Directory, Observation
from app.core.spec import Environment
from tests.day.clock import Clock
from tests.day.company import ON_HOLIDAY
from tests.fake_source import FakeSource

# The tests do not end in the very second in which a merge that waits for them looks again.
TAKES = {"deploy": 40, "rollback": 30, "e2e": 154, "job": 60}


def sha_of(name: str) -> str:
    """Return the SHA that a commit of this name has on every such day."""
    return hashlib.sha1(name.encode()).hexdigest()


@dataclass
class Targets:
    """Everything that is deployed, staging and production; an attempt takes as long as its kind.

    `red` holds how the next runs of "<environment> <service or e2e>" fail.
    """

    clock: Clock
    runs: dict[str, str] = field(default_factory=dict[str, str])
    red: dict[str, list[Observation]] = field(default_factory=dict[str, list[Observation]])
    began: dict[str, int] = field(default_factory=dict[str, int])
    ended: dict[str, Observation] = field(default_factory=dict[str, Observation])
    effects: list[str] = field(default_factory=list[str])

    def turns_red(self, what: str, *tests: str) -> None:
        """Let the next run of this fail in these tests."""
        summary = f"{len(tests)} of 42 tests failed" if tests else "exit code 1"
        tail = tuple(f"FAILED {test}" for test in tests)
        failed = Observation("failed", summary, failing_tests=tests, tail=tail)
        self.red.setdefault(what, []).append(failed)

    def recovery(self, arguments: Mapping[str, Any]) -> Literal["keyed"]:
        return "keyed"

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        return []

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return {"argv": ["./ship", service or "e2e", environment, sha]}

    async def start(self, attempt: Attempt) -> str:
        self.began.setdefault(attempt.attempt_id, self.clock.now)
        return "started"

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        if attempt.attempt_id not in self.began:
            return Observation("missing")
        seconds = TAKES[attempt.kind]
        left = self.began[attempt.attempt_id] + seconds * 1000 - self.clock.now
        if left > 0:
            return Observation("running", again_seconds=left / 1000)
        if attempt.attempt_id not in self.ended:
            self.ended[attempt.attempt_id] = replace(self._end(attempt), seconds=seconds)
        return self.ended[attempt.attempt_id]

    def _end(self, attempt: Attempt) -> Observation:
        what = f"{attempt.environment} {attempt.service or 'e2e'}"
        self.effects.append(f"{what} {attempt.sha[:7]}")
        if self.red.get(what):
            return self.red[what].pop(0)
        if attempt.service:
            self.runs[what] = attempt.sha
        return Observation("succeeded", "42 tests passed" if attempt.kind == "e2e" else "")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        return False

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        return self.runs.get(f"{environment} {service}")


@dataclass
class Branch(FakeSource):
    """The branch of the day: its commits with their titles, and the files of its pull requests."""

    known: dict[str, Commit] = field(default_factory=dict[str, Commit])
    files_of: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    def add(self, sha: str, title: str, author: str, number: int, files: list[str]) -> None:
        """Put a merge at the head of the branch."""
        self.branch.append(sha)
        self.known[sha] = Commit(sha=sha, title=title, author=author)
        self.files_of[number] = files
        self.touched = {**(self.touched or {}), sha: files}

    async def commit(self, repo: str, ref: str) -> Commit | None:
        found = await super().commit(repo, ref)
        return found and self.known[found.sha]

    async def commits(self, repo: str, branch: str, limit: int) -> list[Commit]:
        return [self.known[commit.sha] for commit in await super().commits(repo, branch, limit)]

    async def compare(self, repo: str, base: str, head: str) -> Any:
        found = await super().compare(repo, base, head)
        return replace(found, commits=tuple(self.known[commit.sha] for commit in found.commits))

    async def files(self, repo: str, pull_request: int) -> list[str] | None:
        return self.files_of[pull_request]


class HolidayCalendar:
    """A directory that knows who is away, which the local Slack cannot say."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def roster(self, approvers: Sequence[str]) -> Roster:
        """Return what the directory says, and that people on holiday are away."""
        found = await self._directory.roster(approvers)
        people = tuple(replace(p, away=p.user_id in ON_HOLIDAY) for p in found.people)
        return replace(found, people=people)
