"""Who may approve what of a card, who did, and what is still missing from whom."""

from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import PlanStep
from app.core.made_anew import again, first_called
from app.core.state import State
from app.slack import text
from app.slack.messages import people, runs
from app.slack.messages.approvers import called, may_approve


def who_may(state: State, card: Card, repo: RepoConfig) -> list[str]:
    """Say who may approve; of a plan, once for the steps that the same people may."""
    groups: dict[str, list[PlanStep]] = {}
    owner = people.owner(state, repo) or ""
    for step in card.steps:
        calls = first_called(card, step) if step.facts.quiet_until is None else ()
        groups.setdefault(may_approve(step.facts, step.name, repo, owner, calls), []).append(step)
    if len(groups) < 2:
        return list(groups)
    return [f"{_names(steps)}: {said}" for said, steps in groups.items()]


def given(card: Card) -> list[str]:
    """Say who approved what, and what is still missing from whom."""
    if len(card.steps) == 1:
        needed = card.request.facts.needed
        lines = [
            f"✅ Approved by {text.user(each.user)} · {text.when(each.at)} · {number} of {needed}"
            for number, each in enumerate(card.approvals, 1)
        ]
        return [*lines, *missing(card)] if lines else []
    lines = [
        f"✅ Approved by {text.user(each.user)} · {text.when(each.at)} · "
        f"{', '.join(text.inline(name, 60) for name in each.covers) or 'all steps'}"
        for each in card.approvals
    ]
    return [*lines, *missing(card)] if lines else []


def lost(card: Card, repo: RepoConfig) -> list[str]:
    """Ask those for their approval again who gave it before code made the card anew.

    They are mentioned where the card calls people; a quiet one leaves that to a message.
    """
    users, is_quiet = again(card), card.request.facts.quiet_until is not None
    if not users:
        return []
    who = people.all_of(
        [people.name_of(user, repo, call=False) if is_quiet else text.user(user) for user in users]
    )
    asked = "; that no longer counts." if is_quiet else ": please approve again."
    return [f"↩️ {who} approved this before it was made anew{asked}"]


def missing(card: Card) -> list[str]:
    """Call those whose approval of a step is missing, a line for each such step."""
    return [
        f"⏳ {text.inline(step.name, 60)} still needs {runs.counted(count, 'approval')} "
        f"from {_others(card, step) or 'somebody who may'}"
        for step in card.steps
        if (count := card.missing(step))
    ]


def _others(card: Card, step: PlanStep) -> str:
    return called(step.facts, [approval.user for approval in card.approvals_of(step)])


def _names(steps: list[PlanStep]) -> str:
    return f"*{text.inline(', '.join(step.name for step in steps), 200)}*"
