"""The repository's history as values: what production got, what passed staging, who approved."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.cards import Asked, Card
from app.core.events.values import Frozen, PlanStep
from app.core.going_out import brought, taken_out
from app.core.state import State
from app.core.untrusted import cut

MOST_RIDERS = 20
LONGEST_REASON = 200


class Rider(Frozen):
    """A merge that went out with another one."""

    number: int
    url: str
    author: str = ""


class Record(Frozen):
    """One line of the history; `at` is in milliseconds.

    `pull`, `url` and `author` are the pull request's, `message` is "<channel>|<ts>" of its thread;
    a line of an older version has none of them. `riders` are the first of the merges that went out
    with it, or that a rollback took out (`riders_total`). Who broke the `glass` for it is not among
    those who approved it.
    """

    kind: str
    sha: str
    at: int
    title: str = ""
    service: str = ""
    outcome: str = ""
    approved_by: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    glass: str = ""
    reason: str = ""
    riders: tuple[Rider, ...] = ()
    riders_total: int = 0
    pull: int = 0
    url: str = ""
    author: str = ""
    thread: str = ""
    message: str = ""

    @property
    def is_effect(self) -> bool:
        """Tell whether it is about something that production got, or was to get."""
        return bool(self.service)


def records(history: Sequence[str]) -> list[Record]:
    """Return the history in its own order, newest first; what a commit's merge told is shared."""
    told = [Record.model_validate_json(line) for line in history]
    pulls = {record.sha: record for record in told if record.pull}
    return [_joined(record, pulls.get(record.sha)) for record in told]


def _joined(record: Record, merge: Record | None) -> Record:
    if record.pull or merge is None:
        return record
    shared = {"title": record.title or merge.title, "pull": merge.pull}
    return record.model_copy(update={**shared, "url": merge.url, "author": merge.author})


def place(state: State) -> str:
    """Return where a thread is in Slack, as "<channel>|<ts>"; "" before it is there."""
    root = (state.channel, state.root_ts) if state.root_ts else state.slots.get("status")
    return f"{root[0]}|{root[1]}" if root else ""


def merge_of(state: State, sha: str) -> dict[str, Any]:
    """Return what a line of the history says of the merge that brought a commit."""
    pull = state.pull_request
    if pull is None or state.sha != sha:
        return {}
    return {"pull": pull.number, "url": pull.url, "author": pull.author}


def effect_of(state: State, asked: Asked) -> dict[str, Any]:
    """Return what a line of the history says of a step: who let it happen, and what rode along."""
    glass = asked.card.glass
    approved = approved_by(asked)
    names = {c.user: c.name for c in asked.step.facts.candidates if c.name and c.user in approved}
    told: dict[str, Any] = {"approved_by": approved, **({"names": names} if names else {})}
    if glass:
        told |= {"glass": glass.user, "reason": cut(glass.reason, LONGEST_REASON)}
    moved = taken_out(asked.step) or brought(state, [asked.step])
    pulls = [pull for pull in moved if pull.number and pull.sha != asked.spec.sha]
    fields = set(Rider.model_fields)
    riders = [pull.model_dump(include=fields) for pull in pulls[:MOST_RIDERS]]
    return told | ({"riders": riders, "riders_total": len(pulls)} if pulls else {})


def approved_by(asked: Asked) -> tuple[str, ...]:
    """Return who approved a step, without who had it happen past the rules."""
    glass = asked.card.glass
    given = (approval.user for approval in asked.card.approvals_of(asked.step))
    return tuple(user for user in given if glass is None or user != glass.user)


def under_way(state: State) -> list[Record]:
    """Return what was approved in a thread and has no outcome yet, newest first."""
    return [
        Record(
            kind=step.spec.kind,
            sha=step.spec.sha,
            at=card.decided_at or card.at,
            service=step.name,
            message=place(state),
            **effect_of(state, Asked(card, step)),
        )
        for card in reversed(state.cards.values())
        if card.status == "approved"
        for step in card.steps
        if is_under_way(state, card, step)
    ]


def is_under_way(state: State, card: Card, step: PlanStep) -> bool:
    """Tell whether a step of an approved card is to begin, or has no outcome yet."""
    attempt_id = card.attempts.get(step.spec.call_id)
    if attempt_id is None:
        return card.next_step is not None
    return state.runs[attempt_id].outcome is None
