"""Names that follow from their cause, so that the same cause always makes the same thread."""

import hashlib
import re


def thread_id_for(repo: str, *cause: str) -> str:
    """Name a thread: "<owner>/<repo>/<10 hex>", the hex from its cause.

    The cause is branch and SHA for a merge, channel and timestamp for a mention.
    """
    digest = hashlib.sha256("\n".join((repo, *cause)).encode()).hexdigest()
    return f"{repo}/{digest[:10]}"


def is_user_id(name: str) -> bool:
    """Tell whether a name has the form of a Slack user's id."""
    return re.fullmatch(r"[UW][A-Z0-9]+", name) is not None


def is_thread_id(name: str, repo: str) -> bool:
    """Tell whether a name has the form of a thread's id of a repository."""
    return re.fullmatch(rf"{re.escape(repo)}/[0-9a-f]{{10}}", name) is not None
