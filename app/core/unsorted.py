"""Knows whether it is still to be found out which services a merge is for; no I/O."""

from app.core.config import RepoConfig
from app.core.state import State


def is_unsorted(state: State, repo: RepoConfig) -> bool:
    """Tell whether it is not known yet which services, and so which channel, a merge is for."""
    return (
        state.origin == "merge" and state.change is None and not state.runs and repo.sorts_changes
    )
