"""What people are told where repositories are in shadow mode, in which nothing is done."""

from collections.abc import Sequence

from app.core.config import RepoConfig


def in_shadow(repos: Sequence[RepoConfig]) -> str:
    """Say that nothing is done for these repositories; "" where one of them is live."""
    names = [repo.name for repo in repos if repo.mode == "shadow"]
    if not names or len(names) < len(repos):
        return ""
    return (
        f"{', '.join(names)} is in shadow mode: I only watch there, nothing is asked and nothing "
        "is done. `deploybot threads agreement` shows what I would have done."
    )
