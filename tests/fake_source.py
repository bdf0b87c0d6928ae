"""A GitHub that knows one branch, and can be away."""

from dataclasses import dataclass, field

from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import Commit
from app.core.ports import Comparison
from app.core.workflows import WorkflowRun


@dataclass
class FakeSource:
    """Knows the commits of one branch, oldest first, and what every pull request `changed`.

    `touched` are the files that a commit changes; where it is None, no comparison tells of files.
    `parents` are those of merge commits: what was the branch, and what was merged into it; any
    other commit has the one before it.
    """

    branch: list[str] = field(default_factory=list[str])
    away: bool = False
    changed: list[str] | None = None
    touched: dict[str, list[str]] | None = None
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    tagged: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ran: list[WorkflowRun] = field(default_factory=list["WorkflowRun"])
    workflows: tuple[str, ...] = ("deploy.yml",)

    async def commit(self, repo: str, ref: str) -> Commit | None:
        self._ask(repo)
        return next((Commit(sha=sha) for sha in self.branch if sha.startswith(ref)), None)

    async def commits(self, repo: str, branch: str, limit: int) -> list[Commit]:
        self._ask(repo)
        return [Commit(sha=sha) for sha in reversed(self.branch)][:limit]

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        self._ask(repo)
        of_base, of_head = self._ancestry(base), self._ancestry(head)
        ahead = [sha for sha in of_head if sha not in of_base]
        behind = [sha for sha in of_base if sha not in of_head]
        commits = tuple(Commit(sha=sha) for sha in reversed(ahead))
        touched = self.touched
        files = None if touched is None else tuple(f for sha in ahead for f in touched.get(sha, []))
        before = dict(zip(self.branch[1:], self.branch, strict=False))
        parents = {sha: self.parents.get(sha, (before[sha],)) for sha in ahead if sha in before}
        return Comparison(commits, len(ahead), len(behind), files, parents)

    async def files(self, repo: str, pull_request: int) -> list[str] | None:
        self._ask(repo)
        return self.changed

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        self._ask(repo)
        return []

    async def tags(self, repo: str, limit: int) -> list[tuple[str, str]]:
        self._ask(repo)
        return self.tagged[:limit]

    async def workflow_runs(self, repo: str, limit: int, workflow: str = "") -> list[WorkflowRun]:
        self._ask(repo)
        if workflow not in ("", *self.workflows):
            raise SourceMissing("GitHub finds no such thing.")
        return self.ran[:limit]

    async def workflow_run(self, repo: str, run_id: int) -> WorkflowRun | None:
        self._ask(repo)
        return next((run for run in self.ran if run.run_id == run_id), None)

    def _ancestry(self, sha: str) -> list[str]:
        if sha == "main":
            return self.branch
        return self.branch[: self.branch.index(sha) + 1] if sha in self.branch else [sha]

    def _ask(self, repo: str) -> None:
        if "/" not in repo:
            raise LookupError(f"{repo} is no repository")
        if self.away:
            raise SourceUnavailable("GitHub does not answer")
