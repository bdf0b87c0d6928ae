"""What a change is for, by the paths of its files: services, jobs; knows nothing of GitHub."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from app.core.config import RepoConfig
from app.core.events import Files

NAMES_KEPT = 10
NAME_LENGTH = 200


def touched(repo: RepoConfig, files: Iterable[str] | None) -> tuple[str, ...]:
    """Return the production services that a change touches, in the default order.

    A service without `paths` is touched by every change; all are where nobody knows the files.
    """
    changed = None if files is None else list(files)
    return tuple(
        name
        for name, target in repo.production.services.items()
        if changed is None or not target.paths or any(_matches(target.paths, f) for f in changed)
    )


def jobs_in(repo: RepoConfig, files: Iterable[str]) -> dict[str, Files]:
    """Return the jobs that a change has files for, in the configured order, with those files."""
    changed = list(files)
    found = {name: matching(job.paths, changed) for name, job in repo.production.jobs.items()}
    return {name: its for name, its in found.items() if its.total}


def matching(patterns: Iterable[str], files: Iterable[str]) -> Files:
    """Return the files that match one of the globs, of which only the first are named."""
    globs = list(patterns)
    found = sorted({file for file in files if _matches(globs, file)})
    return Files(names=tuple(name[:NAME_LENGTH] for name in found[:NAMES_KEPT]), total=len(found))


def _matches(patterns: Iterable[str], path: str) -> bool:
    return any(_glob(pattern).matches(path) for pattern in patterns)


# The parts of a glob: `*` and `?` stay within a folder, `**` goes through any number, `**/` also
# through none.
_PARTS = re.compile(r"\*\*/|\*\*|\*|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Glob:
    """A glob's parts; `after` has for each place between them all that may come next there."""

    parts: tuple[str, ...]
    after: tuple[tuple[int, ...], ...]
    begins: str
    ends: str

    def matches(self, path: str) -> bool:
        """Follow all places at once, character by character: bounded, whatever the path is."""
        if not path.startswith(self.begins) or not path.endswith(self.ends):
            return False
        places = set(self.after[0])
        for character in path:
            places = {then for place in places for then in self._next(place, character)}
            if not places:
                return False
        return len(self.parts) in places

    def _next(self, place: int, character: str) -> tuple[int, ...]:
        part = self.parts[place] if place < len(self.parts) else ""
        match part:
            case "**/":
                return (place, *self.after[place + 1]) if character == "/" else (place,)
            case "**":
                return self.after[place]
            case "*":
                return self.after[place] if character != "/" else ()
            case "?":
                return self.after[place + 1] if character != "/" else ()
            case _:
                return self.after[place + 1] if part == character else ()


@cache
def _glob(pattern: str) -> _Glob:
    parts: list[str] = _PARTS.findall(pattern)
    after: list[tuple[int, ...]] = [(len(parts),)]
    for place in range(len(parts) - 1, -1, -1):
        skipped = after[0] if parts[place] in ("*", "**", "**/") else ()
        after.insert(0, (place, *skipped))
    literal = re.split(r"\*\*/|[*?]", pattern)
    return _Glob(tuple(parts), tuple(after), literal[0], literal[-1])
