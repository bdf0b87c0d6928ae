"""A rollback that people asked for before production changed: it ends, and says how to go on."""

from collections.abc import Sequence

from app.core import events as ev
from app.core import ledger
from app.core.actions import Append, Here
from app.core.cards import Card
from app.core.spec import ActionSpec
from app.core.state import State
from app.core.writing import listed, short

LOOK_AGAIN_MS = 60_000


def end_rollback(state: State, here: Here) -> Append | None:
    """End a rollback whose card production left behind, instead of finding another target for it.

    Words mean the versions of when they were said. Red tests call for a rollback whatever runs.
    """
    card = next(reversed(state.cards.values()), None)
    due = state.owes_step or state.ask_again
    if card is None or not due or state.unread or state.red or not _is_given_up(state, card):
        return None
    left = [step.spec for step in card.left]
    runs = [ledger.production(here.facts, spec.service) for spec in left]
    moved = [sha not in (None, spec.production_was) for spec, sha in zip(left, runs, strict=True)]
    if not any(moved):
        return None
    call_id = f"overtaken{state.version}"
    told = _told(left, runs, "nothing more" if card.attempts else "nothing")
    return Append([ev.PlanEnded(call_id=call_id, message=told)])


def next_look(state: State, here: Here) -> int | None:
    """Return when to look whether production left behind a rollback that waits for approval."""
    card = state.pending
    return here.now + LOOK_AGAIN_MS if card and card.takes_back else None


def _is_given_up(state: State, card: Card) -> bool:
    """Tell whether a rollback is not to begin any more, and nobody has spoken since."""
    ended = card.decided_at or card.at
    over = card.status == "expired" or bool(card.void)
    return card.takes_back and over and all(said.at <= ended for said in state.words)


def _told(left: Sequence[ActionSpec], runs: Sequence[str | None], back: str) -> str:
    changed = [
        f"{spec.service} ran {short(spec.production_was)}, and runs {short(sha)} now"
        for spec, sha in zip(left, runs, strict=True)
        if sha not in (None, spec.production_was)
    ]
    since = f"Production has changed since this rollback was asked for: {'; '.join(changed)}."
    if [spec.sha for spec in left] == list(runs):
        return f"{since} That is what was asked for: nothing is left to do."
    exact = " and ".join(f'"roll back {spec.service} to {short(spec.sha)}"' for spec in left)
    names = listed([spec.service for spec in left])
    before = "the version before that" if len(left) == 1 else "the versions before these"
    return (
        f"{since} So I roll back {back}. To go there all the same, say {exact}; "
        f'"roll back {names}" goes to {before}.'
    )
