"""Which files a branch has, for `doctor`; https://docs.github.com/en/rest/git/trees."""

from collections.abc import Sequence
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from app.core.config import RepoConfig
from app.core.errors import SourceUnavailable
from app.core.finding import Finding
from app.core.odd_globs import OddGlob, globs_of, odd_globs
from app.github.client import GitHubClient, parsed


class _Item(BaseModel):
    path: str
    type: str


class _Tree(BaseModel):
    tree: list[_Item]
    truncated: bool


_TREE = TypeAdapter(_Tree)


class GitHubTrees:
    """Reads the newest tree of a repository's branch, whole or not at all."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def files(self, repo: str, branch: str) -> list[str] | None:
        """Return the paths of all files of a branch; None if they are too many for one answer."""
        path = f"/git/trees/{quote(branch, safe='')}?recursive=1"
        tree = parsed(_TREE, await self._client.get(repo, path))
        return None if tree.truncated else [i.path for i in tree.tree if i.type != "tree"]

    async def check(self, repo: RepoConfig) -> list[Finding]:
        """Say which configured globs match nothing, for `doctor`; without any, ask nothing."""
        if not globs_of(repo):
            return []
        try:
            files = await self.files(repo.name, repo.branch)
        except SourceUnavailable:
            files = None
        return [_finding(repo, odd, files) for odd in odd_globs(repo, files)]


def _finding(repo: RepoConfig, odd: OddGlob, files: Sequence[str] | None) -> Finding:
    said = f"{repo.name}: {odd.key}: {odd.glob!r}"
    if files is None:
        fix = f"For all files below a folder write {odd.meant!r}."
        return Finding(None, f"{said} matches one file of that name, and nothing below it", fix)
    fix = f"Did you mean {odd.meant!r}?" if odd.meant else "Check its spelling: case counts."
    return Finding(None, f"{said} matches no file of {repo.branch!r}", fix)
