"""The example shop's repository in the local GitHub: its first commit and its pull requests."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo.emulate import Emulate, PullRequest, identity
from app.demo.journal import Journal, KeptCommit, Merge, Signed

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "shop"
BAD = "bad-index-by-name"
FIX = "fix-index-by-id"
GOOD = (
    "1-stock-on-every-product",
    "2-cheapest-first",
    "3-prices-in-euro",
    "4-delivery-in-two-days",
)
_FIRST_DATE = "2026-11-02T09:00:00Z"
_OFFERS = ("Blue teapot", "White vase", "Speckled bowl", "Terracotta jug")


class ShopError(Exception):
    """The shop's repository is not what the demo made; says what to do."""


@dataclass(frozen=True)
class Change:
    """A pull request to be opened; its files replace whole files, so it applies to any head."""

    key: str
    title: str
    body: str
    author: str
    merged_by: str
    files: dict[str, str]


def _files(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def change(key: str) -> Change:
    """Read a pull request of the example."""
    folder = FOLDER / "pull_requests" / key
    about = tomllib.loads((folder / "pull_request.toml").read_text())
    return Change(key=key, files=_files(folder / "files"), **about)


def _offer(week: int) -> Change:
    product = _OFFERS[week % len(_OFFERS)]
    return Change(
        key=f"offer-{week}",
        title=f"Offer of week {week}: {product}",
        body="Frontend only.",
        author="cara",
        merged_by="alice",
        files={"frontend/footer.html": f"<p>Offer of week {week}: {product}.</p>\n"},
    )


def next_change(merged: list[str]) -> Change:
    """Return what comes after these: a bad one's fix, the next good one, then weekly offers."""
    if _is_bad(merged):
        return change(FIX)
    left = [key for key in GOOD if key not in merged]
    return change(left[0]) if left else _offer(len(merged) + 1)


def _is_bad(merged: list[str]) -> bool:
    about_the_index = [key for key in merged if key in (BAD, FIX)]
    return about_the_index[-1:] == [BAD]


class Shop:
    """The repository as the demo drives it; merges are kept in a journal."""

    def __init__(self, github: Emulate, journal: Journal) -> None:
        """Drive the repository of this local GitHub."""
        self.github = github
        self._journal = journal

    async def seed(self) -> str:
        """Fill the empty repository, repeat the kept merges, and return the first commit's SHA."""
        files = _files(FOLDER / "product")
        first = await self.github.commit(files, "Open the shop", identity("alice", _FIRST_DATE))
        await self.github.create_branch("main", first)
        async with self._journal.alone():
            for merge in self._journal.merges():
                await self._repeat(merge)
        return first

    async def merge_next(self) -> Merge:
        """Open and merge the next pull request; after a bad one that is its fix."""
        async with self._journal.alone():
            return await self._merge(next_change(self._merged()))

    async def merge_bad(self) -> Merge:
        """Open and merge the change that only production shows to be bad; raises if it is there."""
        async with self._journal.alone():
            if _is_bad(self._merged()):
                raise ShopError("the bad change is on main already: the next merge is its fix")
            return await self._merge(change(BAD))

    def _merged(self) -> list[str]:
        return [merge.key for merge in self._journal.merges()]

    async def _merge(self, wanted: Change) -> Merge:
        pull = await self._open(wanted)
        sha = await self.github.merge(pull.number, wanted.merged_by)
        merge = Merge(
            **vars(wanted),
            number=pull.number,
            head=await self._kept(pull.head_sha),
            merged=await self._kept(sha),
        )
        self._journal.keep(merge)
        return merge

    async def _open(self, wanted: Change | Merge) -> PullRequest:
        return await self.github.open_pull_request(
            wanted.title, wanted.body, wanted.author, wanted.files
        )

    async def _kept(self, sha: str) -> KeptCommit:
        found = await self.github.get(f"/repos/{self.github.repo}/git/commits/{sha}")
        return KeptCommit(
            sha=sha,
            message=found["message"],
            author=Signed.model_validate(found["author"]),
            committer=Signed.model_validate(found["committer"]),
        )

    async def _repeat(self, merge: Merge) -> None:
        """Merge again for the pull request's number, then point main at the commits of then.

        The local GitHub dates a merge itself, so the one that it makes here has another SHA.
        """
        main = await self.github.head()
        pull = await self._open(merge)
        await self.github.merge(pull.number, merge.merged_by)
        head = await self._commit_again(merge.head, [main], main, merge.files)
        merged = await self._commit_again(merge.merged, [main, head], head, {})
        if (pull.number, merged) != (merge.number, merge.merged.sha):
            raise ShopError(
                f"#{merge.number} comes out as another commit than {merge.merged.sha[:7]}: "
                "the example changed since, so remove .deploybot and start again"
            )
        await self.github.move_branch("main", merged)

    async def _commit_again(
        self, kept: KeptCommit, parents: list[str], tree_of: str, files: dict[str, str]
    ) -> str:
        author: dict[str, Any] = kept.author.model_dump()
        committer: dict[str, Any] = kept.committer.model_dump()
        return await self.github.commit(files, kept.message, author, parents, tree_of, committer)
