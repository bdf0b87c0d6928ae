"""Which services a change touches, by the paths of its files; knows nothing of GitHub."""

import re
from collections.abc import Iterable
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
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


# What a glob's wildcards stand for: `*` and `?` stay within a folder, `**` goes through any number.
_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    return re.compile("".join(_WILDCARDS.get(p) or re.escape(p) for p in parts), re.DOTALL)
