"""Which services and jobs of which repository locking words name: one, several or all of them."""

from collections.abc import Collection, Sequence
from itertools import takewhile

from app.core.config import RepoConfig
from app.core.errors import UserError
from app.core.inert import inline
from app.core.lock_form import ALL, BOTH, ENDS, FORM, NotOfTheForm
from app.core.writing import listed

_JOINTS = (",", "and", "&", "+")
_AROUND = "`'\".,!?:"


def targets(
    said: str, repos: Sequence[RepoConfig], *, unlocks: bool = False
) -> tuple[RepoConfig, tuple[str, ...], Sequence[str]]:
    """Return the repository, its services, and the words that follow them; `repos` can be meant.

    All that are locked are the services, whose jobs are locked with them, and the other jobs; all
    that are unlocked are also jobs with a lock of their own.
    Raise `UserError`, in Slack's markup, where nothing or more than one thing can be meant.
    """
    known = {name for repo in repos for name in repo.production.targets}
    words = [word for word in said.replace(",", " , ").split() if not _says_nothing(word, known)]
    if not words:
        raise NotOfTheForm
    repos, words = _repos(words, repos)
    if words[0].lower() == BOTH and len(words) > 2 and words[2].lower() in _JOINTS:
        words = words[1:]
    names, rest = _listed(words, known)
    repo, services = _services(names, repos, unlocks=unlocks)
    return repo, services, rest


def _says_nothing(word: str, known: Collection[str]) -> bool:
    return _service(word) in ("service", "services") and _service(word) not in known


def _repos(words: list[str], repos: Sequence[RepoConfig]) -> tuple[Sequence[RepoConfig], list[str]]:
    """Return the repositories that are meant, and the words after their name if it is there."""
    first = words[0].strip("`'\"").lower()
    named = [repo for repo in repos if first in _names(repo)]
    if not named or len(words) == 1 or words[1].lower() in (*ENDS, *_JOINTS):
        return repos, words
    return named, words[1:]


def _names(repo: RepoConfig) -> tuple[str, str]:
    return repo.name.lower(), repo.name.rpartition("/")[2].lower()


def _listed(words: Sequence[str], known: Collection[str]) -> tuple[list[str], Sequence[str]]:
    """Split words into the services of a list ("a, b and the c") and what follows it.

    What follows a comma alone, and is no service, follows the list.
    """
    names, at = [_service(words[0])], 1
    while joints := list(takewhile(lambda word: word.lower() in (*_JOINTS, "the"), words[at:])):
        after = at + len(joints)
        if after == len(words) or words[after].lower() in ENDS:
            return names, words[after:] if set(joints) == {","} else words[at:]
        name = _service(words[after])
        if name not in (*known, *ALL) and set(joints) <= {",", "the"}:
            break
        names.append(name)
        at = after + 1
    return names, words[at:]


def _service(word: str) -> str:
    return word.strip(_AROUND).lower().replace("-", "_")


def _services(
    names: Sequence[str], repos: Sequence[RepoConfig], *, unlocks: bool
) -> tuple[RepoConfig, tuple[str, ...]]:
    found = [repo for repo in repos if all(_has(repo, name) for name in names)]
    if not all(names):
        raise NotOfTheForm
    if len(found) > 1:
        example = f"`lock {found[0].name} {listed(names)}`"
        several = " and ".join(repo.name for repo in found)
        raise UserError(f"That can mean {several}. Name the repository, as in {example}.")
    if not found:
        raise _no_pair(repos) if list(names) == [BOTH] else _unknown(names, repos)
    [repo] = found
    if BOTH in names:
        return repo, tuple(repo.production.services)
    if not any(name in ALL for name in names):
        return repo, tuple(dict.fromkeys(names))
    jobs = repo.production.jobs
    own = [job for job, its in jobs.items() if unlocks or its.before is None or job in names]
    return repo, (*repo.production.services, *own)


def _has(repo: RepoConfig, name: str) -> bool:
    if name == BOTH:
        return len(repo.production.services) == 2
    return name in ALL or name in repo.production.targets


def _no_pair(repos: Sequence[RepoConfig]) -> UserError:
    """Say that no repository has just the two services that "both" would be."""
    there = "no repository here has exactly two"
    if len(repos) == 1:
        services = list(repos[0].production.services)
        there = f"{repos[0].name} has {len(services)} ({listed(services)})"
    return NotOfTheForm(
        f"“both” is for two services, and {there}. Name the ones that you mean, or say `all`."
    )


def _unknown(names: Sequence[str], repos: Sequence[RepoConfig]) -> UserError:
    """Say which service is none, or that no repository has them all."""
    unknown = [name for name in names if not any(_has(repo, name) for repo in repos)]
    if not unknown:
        return UserError(f"{listed(names)} are of several repositories. Say it for each by itself.")
    known = ", ".join(sorted({name for repo in repos for name in repo.production.targets}))
    return NotOfTheForm(
        f"I know no service “{inline(unknown[0], 60)}” here. There are: {known}, all. {FORM}",
        near=unknown[0] != names[0],
    )
