"""Which services a change touches, by the paths of its files; knows nothing of GitHub."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from app.core.config import RepoConfig


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
