"""Asks GitHub's REST API about commits and pull requests; changes nothing there."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.core.errors import SourceUnavailable
from app.core.events import Commit
from app.core.finding import Finding
from app.core.ports import Comparison
from app.core.untrusted import masked
from app.github.credentials import Credentials

API_VERSION = "2022-11-28"
TIMEOUT_SECONDS = 10.0
COMPARED = 20
_PAGE = 100
_PULL_COMMITS = 250
_NOT_FOUND = (404, 422)
_SHORT_OR_FULL = re.compile(r"[0-9a-f]{7,40}")
_TITLE_LENGTH = 300
T = TypeVar("T", bound=BaseModel)


class _User(BaseModel):
    login: str = ""


class _Person(BaseModel):
    name: str | None = None


class _Message(BaseModel):
    message: str
    author: _Person | None = None


class _CommitItem(BaseModel):
    sha: str
    commit: _Message
    author: _User | None = None
    committer: _User | None = None


class _Comparison(BaseModel):
    ahead_by: int
    behind_by: int
    commits: list[_CommitItem]


class _Ref(BaseModel):
    sha: str


class _Pull(BaseModel):
    base: _Ref
    head: _Ref


class _NoAnswer(SourceUnavailable):
    """GitHub says nothing now: nothing is known about credentials or the repository."""


_items: TypeAdapter[list[_CommitItem]] = TypeAdapter(list[_CommitItem])


class GitHubSource:
    """The `Source` of repositories on GitHub; `branches` are the configured ones, by repository.

    A commit counts as the repository's only if its configured branch contains it: GitHub's API
    also finds commits of every fork.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        branches: Mapping[str, str],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._credentials = credentials
        self._branches = branches
        self._timeout = timeout_seconds
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout_seconds,
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": API_VERSION,
                "User-Agent": "deploybot",
            },
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def commit(self, repo: str, ref: str) -> Commit | None:
        """Return the commit of the configured branch that a full or short SHA names."""
        if not _SHORT_OR_FULL.fullmatch(ref):
            return None
        response = await self._get(repo, f"/commits/{ref}", allow=_NOT_FOUND)
        if response.status_code in _NOT_FOUND:
            await self._get(repo, "")  # 404 is also GitHub's answer for a repository we may not see
            return None
        item = _parsed(_CommitItem, response)
        # A branch or tag can be named like a SHA.
        if not item.sha.startswith(ref) or not await self._on_branch(repo, item.sha):
            return None
        return _commit(item)

    async def _on_branch(self, repo: str, sha: str) -> bool:
        branch = quote(self._branches[repo], safe="")
        path = f"/compare/{branch}...{sha}?per_page=1"
        response = await self._get(repo, path, allow=_NOT_FOUND)
        return not response.is_error and _parsed(_Comparison, response).ahead_by == 0

    async def commits(self, repo: str, branch: str, limit: int) -> list[Commit]:
        """Return the newest commits of a branch, newest first; at most 100."""
        path = f"/commits?sha={quote(branch, safe='')}&per_page={min(max(limit, 1), _PAGE)}"
        return [_commit(item) for item in await self._list(repo, path)]

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        """Compare two commits; up to 20 commits, newest first."""
        items, page = await self._newest(repo, base, head, COMPARED)
        commits = tuple(_commit(item) for item in items)
        return Comparison(commits, page.ahead_by, page.behind_by)

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
        return _parsed(_Comparison, await self._get(repo, path))

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        """Return the logins of those who wrote or committed a pull request's newest 250 commits.

        Where GitHub knows no login it is "<name> (no known GitHub login)": nobody is mapped to it.
        """
        pull = _parsed(_Pull, await self._get(repo, f"/pulls/{pull_request}"))
        items, _ = await self._newest(repo, pull.base.sha, pull.head.sha, _PULL_COMMITS)
        return list(dict.fromkeys(login for item in items for login in _people(item)))

    async def check(self, repo: str) -> Finding:
        """Ask for the repository's newest commit, for `doctor`."""
        try:
            await self.commits(repo, self._branches[repo], 1)
        except _NoAnswer as error:
            fix = "Check GITHUB_API_URL and the network, or try again later."
            return Finding(None, f"{repo}: could not check: {error}", fix)
        except SourceUnavailable as error:
            fix = (
                "Check GITHUB_TOKEN or the App: it must be able to read contents and pull requests."
            )
            return Finding(False, f"{repo}: {error}", fix)
        return Finding(True, f"{repo}: GitHub answers, and {self._branches[repo]!r} can be read.")

    async def _list(self, repo: str, path: str) -> list[_CommitItem]:
        response = await self._get(repo, path)
        try:
            return _items.validate_json(response.content)
        except ValidationError:
            raise SourceUnavailable("GitHub's answer is not what it documents.") from None

    async def _get(self, repo: str, path: str, allow: tuple[int, ...] = ()) -> httpx.Response:
        token = await self._credentials.token(repo, self._call)
        response = await self._send("GET", f"/repos/{repo}{path}", token)
        if response.status_code not in (200, *allow):
            raise _refusal(response, repo)
        return response

    async def _call(self, method: str, path: str, token: str) -> dict[str, Any]:
        response = await self._send(method, path, token)
        if response.status_code not in (200, 201):
            raise _refusal(response, "the App's installation")
        try:
            return dict(response.json())
        except (ValueError, TypeError):
            raise SourceUnavailable("GitHub's answer is not what it documents.") from None

    async def _send(self, method: str, path: str, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        # A kept connection may have been closed meanwhile; reading once more changes nothing.
        for is_last in (False, True) if method == "GET" else (True,):
            try:
                return await self._client.request(method, path, headers=headers)
            except httpx.TimeoutException:
                sentence = f"GitHub did not answer within {self._timeout:g} s."
                raise _NoAnswer(sentence) from None
            except (httpx.RequestError, httpx.InvalidURL, UnicodeError):
                if is_last:
                    raise _NoAnswer("GitHub cannot be reached.") from None
        raise AssertionError("unreachable")


def _parsed(model: type[T], response: httpx.Response) -> T:
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        raise SourceUnavailable("GitHub's answer is not what it documents.") from None


def _refusal(response: httpx.Response, what: str) -> SourceUnavailable:
    status = response.status_code
    limited = response.headers.get("x-ratelimit-remaining") == "0"
    if status == 429 or (status == 403 and (limited or "retry-after" in response.headers)):
        return _NoAnswer("GitHub's rate limit is used up.")
    if status >= 500:
        return _NoAnswer(f"GitHub answered with status {status}.")
    return SourceUnavailable(_refused(status, what))


def _refused(status: int, what: str) -> str:
    if status == 401:
        return "GitHub does not accept the credentials."
    if status == 403:
        return f"GitHub does not let these credentials read {what}."
    if status in _NOT_FOUND:
        return f"GitHub finds no such thing in {what}, or these credentials may not see it."
    if 300 <= status < 400:
        return f"GitHub says that {what} has moved: configure its new name."
    return f"GitHub answered with status {status}."


def _commit(item: _CommitItem) -> Commit:
    author = item.author.login if item.author else ""
    name = item.commit.author.name if item.commit.author else None
    return Commit(
        sha=item.sha,
        title=masked((item.commit.message.splitlines() or [""])[0])[:_TITLE_LENGTH],
        author=masked(author or name or "")[:100],
    )


def _people(item: _CommitItem) -> list[str]:
    logins = [user.login for user in (item.author, item.committer) if user and user.login]
    if not item.author or not item.author.login:
        name = (item.commit.author.name if item.commit.author else None) or "somebody"
        logins.append(f"{name[:100]} (no known GitHub login)")
    # GitHub itself commits what is done on its pages.
    return [login for login in logins if login != "web-flow"]
