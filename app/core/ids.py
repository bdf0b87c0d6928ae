"""Names that follow from their cause, so that the same cause always makes the same thread."""

import hashlib


def thread_id_for(repo: str, *cause: str) -> str:
    """Name a thread: "<owner>/<repo>/<10 hex>", the hex from its cause.

    The cause is branch and SHA for a merge, channel and timestamp for a mention.
    """
    digest = hashlib.sha256("\n".join((repo, *cause)).encode()).hexdigest()
    return f"{repo}/{digest[:10]}"
