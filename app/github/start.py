"""From a merge to the write that begins its thread: the same one, however we heard of the merge."""

from app.core.config import RepoConfig
from app.core.events import ThreadStarted
from app.core.ids import thread_id_for
from app.core.ledger import PULL
from app.core.ports import Write
from app.github.webhook import Merge


def start_of(merge: Merge, repo: RepoConfig, *causes: str) -> Write:
    """Build the write; it happens once for a merge, and once for each of the further causes.

    Appending it raises `Conflict` where the thread is there, though its causes were forgotten.
    """
    thread_id = thread_id_for(repo.name, merge.branch, merge.sha)
    started = ThreadStarted(
        thread_id=thread_id,
        repo=repo.name,
        branch=merge.branch,
        channel=repo.channel,
        origin="merge",
        sha=merge.sha,
        pull_request=merge.pull_request,
        shadow=repo.mode == "shadow",
        urgent_label=repo.urgent_label if merge.has_label(repo.urgent_label) else "",
    )
    dedupe = [*causes, f"merge:{repo.name}:{merge.branch}:{merge.sha}"]
    index = [f"{PULL}|{merge.pull_request.number}"]
    return Write(thread_id=thread_id, events=[started], version=0, dedupe=dedupe, index=index)
