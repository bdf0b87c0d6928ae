"""Configured globs that do not do what they look like; knows no GitHub and refuses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.config import RepoConfig
from app.core.paths import matching


@dataclass(frozen=True, slots=True)
class OddGlob:
    """A glob, the key that has it, and what it may have been meant to be: empty if nobody knows."""

    key: str
    glob: str
    meant: str = ""


def odd_globs(repo: RepoConfig, files: Sequence[str] | None) -> list[OddGlob]:
    """Return the globs that match none of the repository's files.

    Where nobody knows them (`None`): those that look like a folder, and match only a file.
    """
    odd: list[OddGlob] = []
    for key, glob in globs_of(repo):
        if files is None:
            if _looks_like_a_folder(glob):
                odd.append(OddGlob(key, glob, f"{glob}/**"))
        elif not matching([glob], files).total:
            meant = (f"{glob}/**", f"**/{glob}", f"**/{glob}/**")
            found = (each for each in meant if matching([each], files).total)
            odd.append(OddGlob(key, glob, next(found, "")))
    return odd


def globs_of(repo: RepoConfig) -> list[tuple[str, str]]:
    """Return every glob of a repository with its key, in the order of the configuration."""
    production = repo.production
    kinds = (("services", production.services), ("jobs", production.jobs))
    own = (
        (f"production.{kind}.{name}.{key}", globs)
        for kind, targets in kinds
        for name, target in targets.items()
        for key, globs in (("paths", target.paths), ("risky", target.risky or ()))
    )
    return [(key, glob) for key, globs in (("risky", repo.risky), *own) for glob in globs]


def _looks_like_a_folder(glob: str) -> bool:
    return not set("*?") & set(glob) and "." not in glob.rpartition("/")[2]
