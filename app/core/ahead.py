"""Approval ahead of a green staging: what can be approved so, and why something cannot."""

from app.core.config import RepoConfig
from app.core.events import ApprovalRequested
from app.core.state import State
from app.core.writing import mentions


def touched(state: State, repo: RepoConfig) -> list[str]:
    """Return the services that the merge of a thread is for, in the default order."""
    return [name for name in repo.production.services if not state.is_untouched(name)]


def is_due(state: State, repo: RepoConfig) -> bool:
    """Tell whether to prepare now what can be approved while this run through staging lasts.

    Where each step has a card of its own, one click cannot stand for several: nothing is prepared.
    """
    staging, prepared = state.staging, state.prepared
    if staging is None or not _is_tested(state) or state.words:
        return False
    if prepared is not None and prepared.staging == staging.number:
        return False
    single = len(touched(state, repo)) == 1
    asked = [card for card in state.cards.values() if card.status != "expired" or card.in_effect]
    return (repo.approval == "plan" or single) and not asked


def offered(state: State) -> ApprovalRequested | None:
    """Return what can be approved ahead now and was not yet; words may change what is wanted."""
    prepared, staging = state.prepared, state.staging
    if prepared is None or staging is None or prepared.staging != staging.number:
        return None
    request = prepared.request
    if request is None or state.words or not _is_tested(state) or request.call_id in state.cards:
        return None
    return request


def why_not(state: State) -> str:
    """Say why what a button was about cannot be approved ahead."""
    staging = state.staging
    if state.stopped_by:
        return f"{mentions([state.stopped_by])} stopped this thread, so nothing runs after it."
    if staging is not None and staging.is_good:
        where = "approve it on its card" if state.pending else "its card comes in this thread"
        return f"Too late to approve ahead: staging is green already, and {where}."
    if staging is not None and staging.passed is False:
        return "Staging is red, so nothing can be approved ahead. Its card comes when it is green."
    if state.words:
        return (
            "Somebody wrote in this thread meanwhile, which may change the plan. "
            "Its card comes when staging is green."
        )
    return "Staging runs anew: look at the message once more."


def _is_tested(state: State) -> bool:
    """Tell whether the thread's own merge is on staging now."""
    staging = state.staging
    if staging is None or state.origin != "merge" or state.series or state.stopped_by:
        return False
    return staging.sha == state.sha and staging.passed is None and bool(staging.attempts)
