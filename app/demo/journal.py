"""What was merged in the demo, kept so that a local GitHub that forgets can be told again."""

import asyncio
import fcntl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Signed(BaseModel):
    """Who made a commit and when."""

    model_config = ConfigDict(frozen=True)

    name: str
    email: str
    date: str


class KeptCommit(BaseModel):
    """A commit but for its files and parents; with them, its SHA comes out the same."""

    model_config = ConfigDict(frozen=True)

    sha: str
    message: str
    author: Signed
    committer: Signed


class Merge(BaseModel):
    """One merged pull request of the shop."""

    model_config = ConfigDict(frozen=True)

    key: str
    number: int
    title: str
    body: str
    author: str
    merged_by: str
    files: dict[str, str]
    head: KeptCommit
    merged: KeptCommit


class Journal:
    """A file of merges, oldest first; a cut last line is no merge."""

    def __init__(self, path: Path) -> None:
        """Use this file, made when the first merge is kept."""
        self._path = path

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Let one process at a time read, merge and keep."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as held:
            await asyncio.to_thread(fcntl.flock, held, fcntl.LOCK_EX)
            yield

    def merges(self) -> list[Merge]:
        """Return what was kept."""
        if not self._path.exists():
            return []
        lines = self._path.read_text().split("\n")
        return [Merge.model_validate_json(line) for line in lines[:-1]]

    def keep(self, merge: Merge) -> None:
        """Add a merge."""
        with self._path.open("a") as journal:
            journal.write(merge.model_dump_json() + "\n")
