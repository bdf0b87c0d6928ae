"""Asks GitHub's REST API about commits and pull requests; changes nothing there."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from app.core.errors import SourceUnavailable
from app.core.events import Commit
from app.core.finding import Finding
from app.core.ports import Comparison
from app.core.untrusted import clean, masked
from app.core.workflows import WorkflowRun
from app.github.actions import RUN, RUNS
from app.github.client import NOT_FOUND, GitHubClient, NoAnswer, parsed

COMPARED = 100
_PAGE = 100
_FILE_PAGES = 10
_COMPARED_FILES = 300
_PULL_COMMITS = 250
_SHORT_OR_FULL = re.compile(r"[0-9a-f]{7,40}")
_TITLE_LENGTH = 300


class _User(BaseModel):
    login: str = ""


class _Person(BaseModel):
    name: str | None = None


class _Message(BaseModel):
    message: str
    author: _Person | None = None


class _Ref(BaseModel):
    sha: str


class _CommitItem(BaseModel):
    sha: str
    commit: _Message
    parents: tuple[_Ref, ...] = ()
    author: _User | None = None
    committer: _User | None = None


class _File(BaseModel):
    filename: str
    previous_filename: str | None = None

    @property
    def names(self) -> list[str]:
        """Return what it is called, and was."""
        return [name for name in (self.filename, self.previous_filename) if name]


class _Comparison(BaseModel):
    ahead_by: int
    behind_by: int
    commits: list[_CommitItem]
    files: list[_File] | None = None

    @property
    def changed(self) -> tuple[str, ...] | None:
        """Return the paths that it changes; GitHub lists the first 300 files, on page 1 alone."""
        if self.files is None or len(self.files) >= _COMPARED_FILES:
            return None
        return tuple(name for file in self.files for name in file.names)


class _Pull(BaseModel):
    base: _Ref
    head: _Ref


class _Tag(BaseModel):
    name: str
    commit: _Ref


_FILES = TypeAdapter(list[_File])
_ITEM = TypeAdapter(_CommitItem)
_ITEMS = TypeAdapter(list[_CommitItem])
_COMPARISON = TypeAdapter(_Comparison)
_PULL = TypeAdapter(_Pull)
_TAGS = TypeAdapter(list[_Tag])


class GitHubSource:
    """The `Source` of repositories on GitHub; `branches` are the configured ones, by repository.

    A commit counts as the repository's only if its configured branch contains it: GitHub's API
    also finds commits of every fork.
    """

    def __init__(self, client: GitHubClient, branches: Mapping[str, str]) -> None:
        self._client = client
        self._branches = branches

    async def commit(self, repo: str, ref: str) -> Commit | None:
        """Return the commit of the configured branch that a full or short SHA names."""
        if not _SHORT_OR_FULL.fullmatch(ref):
            return None
        response = await self._client.get(repo, f"/commits/{ref}", allow=NOT_FOUND)
        if response.status_code in NOT_FOUND:
            # 404 is also GitHub's answer for a repository that we may not see.
            await self._client.get(repo, "")
            return None
        item = parsed(_ITEM, response)
        # A branch or tag can be named like a SHA.
        if not item.sha.startswith(ref) or not await on_branch(
            self._client, repo, self._branches[repo], item.sha
        ):
            return None
        return _commit(item)

    async def commits(self, repo: str, branch: str, limit: int) -> list[Commit]:
        """Return the newest commits of a branch, newest first; at most 100."""
        path = f"/commits?sha={quote(branch, safe='')}&per_page={min(max(limit, 1), _PAGE)}"
        items = parsed(_ITEMS, await self._client.get(repo, path))
        return [_commit(item) for item in items]

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        """Compare two commits; up to 100 commits, newest first."""
        items, page = await self._newest(repo, base, head, COMPARED)
        commits = tuple(_commit(item) for item in items)
        parents = {item.sha: tuple(each.sha for each in item.parents) for item in items}
        return Comparison(commits, page.ahead_by, page.behind_by, page.changed, parents)

    async def _newest(
        self, repo: str, base: str, head: str, limit: int
    ) -> tuple[list[_CommitItem], _Comparison]:
        page = await self._compared(repo, base, head, 1)
        total = page.ahead_by
        if total == 0:
            return [], page
        # GitHub lists them oldest first, page by page.
        first, last = max(0, total - limit) // _PAGE + 1, -(-total // _PAGE)
        items = page.commits if first == 1 else []
        for number in range(max(first, 2), last + 1):
            items = items + (await self._compared(repo, base, head, number)).commits
        return items[::-1][:limit], page

    async def _compared(self, repo: str, base: str, head: str, page: int) -> _Comparison:
        range_ = f"{quote(base, safe='')}...{quote(head, safe='')}"
        path = f"/compare/{range_}?per_page={_PAGE}&page={page}"
        return parsed(_COMPARISON, await self._client.get(repo, path))

    async def files(self, repo: str, pull_request: int) -> list[str] | None:
        """Return the paths that a pull request changes; of a renamed file, both."""
        listed = await self._listed(repo, pull_request)
        # Some servers list none where there are some: only a comparison can say that it is so.
        return await self._in_comparison(repo, pull_request) if listed == [] else listed

    async def _in_comparison(self, repo: str, pull_request: int) -> list[str] | None:
        pull = await self._pull(repo, pull_request)
        page = await self._compared(repo, pull.base.sha, pull.head.sha, 1)
        return list(page.changed) if page.ahead_by and page.changed is not None else None

    async def _listed(self, repo: str, pull_request: int) -> list[str] | None:
        found: list[str] = []
        for page in range(1, _FILE_PAGES + 1):
            path = f"/pulls/{pull_request}/files?per_page={_PAGE}&page={page}"
            files = parsed(_FILES, await self._client.get(repo, path))
            found += [name for file in files for name in file.names]
            if len(files) < _PAGE:
                return found
        return None

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        """Return the logins of those who wrote or committed a pull request's newest 250 commits.

        Where GitHub knows no login it is "<name> (no known GitHub login)": nobody is mapped to it.
        """
        pull = await self._pull(repo, pull_request)
        items, _ = await self._newest(repo, pull.base.sha, pull.head.sha, _PULL_COMMITS)
        return list(dict.fromkeys(login for item in items for login in _people(item)))

    async def _pull(self, repo: str, pull_request: int) -> _Pull:
        return parsed(_PULL, await self._client.get(repo, f"/pulls/{pull_request}"))

    async def tags(self, repo: str, limit: int) -> list[tuple[str, str]]:
        """Return tags and the full SHAs of their commits; GitHub orders them by their names."""
        response = await self._client.get(repo, f"/tags?per_page={min(max(limit, 1), _PAGE)}")
        return [(_harmless(item.name)[:100], item.commit.sha) for item in parsed(_TAGS, response)]

    async def workflow_runs(self, repo: str, limit: int, workflow: str = "") -> list[WorkflowRun]:
        """Return the newest runs of a workflow's file, or of all workflows, newest first."""
        query = f"per_page={min(max(limit, 1), _PAGE)}&exclude_pull_requests=true"
        of = f"/workflows/{quote(workflow, safe='')}" if workflow else ""
        response = await self._client.get(repo, f"/actions{of}/runs?{query}")
        return [item.run() for item in parsed(RUNS, response).workflow_runs]

    async def workflow_run(self, repo: str, run_id: int) -> WorkflowRun | None:
        """Return a run, None if there is none."""
        response = await self._client.get(repo, f"/actions/runs/{run_id}", allow=NOT_FOUND)
        return None if response.is_error else parsed(RUN, response).run()

    async def check(self, repo: str) -> Finding:
        """Ask for the repository's newest commit, for `doctor`."""
        try:
            await self.commits(repo, self._branches[repo], 1)
        except NoAnswer as error:
            fix = "Check GITHUB_API_URL and the network, or try again later."
            return Finding(None, f"{repo}: could not check: {error}", fix)
        except SourceUnavailable as error:
            fix = (
                "Check GITHUB_TOKEN or the App: it must be able to read contents and pull requests."
            )
            return Finding(False, f"{repo}: {error}", fix)
        return Finding(True, f"{repo}: GitHub answers, and {self._branches[repo]!r} can be read.")


async def on_branch(client: GitHubClient, repo: str, branch: str, sha: str) -> bool:
    """Tell whether a branch contains a commit."""
    path = f"/compare/{quote(branch, safe='')}...{sha}?per_page=1"
    response = await client.get(repo, path, allow=NOT_FOUND)
    return not response.is_error and parsed(_COMPARISON, response).ahead_by == 0


def _commit(item: _CommitItem) -> Commit:
    author = item.author.login if item.author else ""
    name = item.commit.author.name if item.commit.author else None
    return Commit(
        sha=item.sha,
        title=_harmless((item.commit.message.splitlines() or [""])[0])[:_TITLE_LENGTH],
        author=_harmless(author or name or "")[:100],
    )


def _harmless(text: str) -> str:
    # Masked before it is cut to what is shown; what is longer than this is read by nobody.
    return masked(clean(text[:4096]))


def _people(item: _CommitItem) -> list[str]:
    logins = [user.login for user in (item.author, item.committer) if user and user.login]
    if not item.author or not item.author.login:
        name = (item.commit.author.name if item.commit.author else None) or "somebody"
        logins.append(f"{_harmless(name)[:100]} (no known GitHub login)")
    # GitHub itself commits what is done on its pages.
    return [login for login in logins if login != "web-flow"]
