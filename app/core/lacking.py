"""Which merges and commits of the branch a service does not have; no I/O.

Where nobody can tell ancestry, the order in which the merges' threads began stands in for it.
"""

from collections.abc import Mapping

from app.core.config import RepoConfig
from app.core.events import Commit
from app.core.ports import Comparison
from app.core.state import State


def lacking(
    repo: RepoConfig,
    service: str,
    runs: str,
    merges: Mapping[str, State],
    ahead: Comparison | None,
) -> dict[str, Commit]:
    """Return the commits that are for a service and not there, newest first.

    A pull request's own commits are not listed beside its merge. Where a service has `paths`, only
    merges count: nobody knows whether a commit of none is about it.
    """
    if ahead is None:
        order = list(merges)
        newer = order[: order.index(runs)] if runs in merges else []
        commits = [merges[sha].known[sha] for sha in newer if passed(merges[sha])]
    else:
        own = _own_commits(ahead)
        commits = [commit for commit in ahead.commits if commit.sha not in own]
    needs_merge = bool(repo.production.services[service].paths)
    return {c.sha: c for c in commits if _is_for(service, merges.get(c.sha), needs_merge)}


def _is_for(service: str, merge: State | None, needs_merge: bool) -> bool:
    return not needs_merge if merge is None else not merge.is_untouched(service)


def passed(merge: State) -> bool:
    """Tell whether a merge passed staging, or its red tests were overridden."""
    return any(staging.sha == merge.sha and staging.is_good for staging in merge.stagings)


def _own_commits(compared: Comparison) -> set[str]:
    """Return the commits that merge commits brought, each from its pull request's branch."""
    listed, parents = {commit.sha for commit in compared.commits}, compared.parents
    if not parents:
        return set()
    merged = {each for told in parents.values() for each in told}
    left = [commit.sha for commit in compared.commits if commit.sha not in merged]
    branch = set[str]()
    while left and left[0] in listed:
        branch.add(left[0])
        left = list(parents.get(left[0], ()))
    return listed - branch
