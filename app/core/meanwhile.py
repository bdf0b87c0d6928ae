"""What is said of a merge while a card waits that brings it out, too: no to it, or something.

Its thread leaves a fact, "said/<thread>", as long as that stands and the merge is not out; whoever
asks for it compares the fact with what the card shows.
"""

from collections.abc import Mapping

from app.core import lanes, outgoing
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.declined import declined, spoken
from app.core.events import Declined, SaidMeanwhile, Spoken
from app.core.events.values import Frozen
from app.core.state import State

FACT = "said/"
KEPT_MS = 30 * 24 * 3600 * 1000  # then all cards are gone that were made before it


class Said(Frozen):
    """What stands of a merge: who said no to it, and what was written of it last."""

    declined: Declined | None = None
    spoken: Spoken | None = None


def key(thread_id: str) -> str:
    """Name the fact of a merge."""
    return f"{FACT}{thread_id}"


def fact_of(state: State, repo: RepoConfig, now: int) -> str | None:
    """Return what is said of a thread's merge; None of one that is out, and where nothing is.

    Of one that was rolled back nothing has to be told: whoever asks for it looks anew by that.
    """
    old = now >= forgotten_at(state)
    if lanes.merge_of(state) is None or state.shadow or old or not outgoing.left(state, repo):
        return None
    said = Said(declined=declined(state), spoken=spoken(state))
    if said.declined and said.declined.how == "rolled back":
        return None
    return said.model_dump_json() if said.declined or said.spoken else None


def forgotten_at(state: State) -> int:
    """Return when what is said of a thread's merge is kept no longer (ms)."""
    return state.started_at + KEPT_MS


def news(card: Card, facts: Mapping[str, str]) -> SaidMeanwhile:
    """Return what the facts say of the merges that a card brings out, and it was not made with."""
    found = [Said.model_validate_json(facts[name]) for name in _names(card) if name in facts]
    shown_no = [each for step in card.steps for each in step.facts.declined]
    shown = [each for step in card.steps for each in step.facts.spoken]
    return SaidMeanwhile(
        call_id=card.request.call_id,
        declined=tuple(s.declined for s in found if s.declined and s.declined not in shown_no),
        spoken=tuple(s.spoken for s in found if s.spoken and s.spoken not in shown),
    )


def is_shown(card: Card, news: SaidMeanwhile) -> bool:
    """Tell whether a card shows all of it, and nothing that does not stand any more."""
    return (news.declined, news.spoken) == (card.declined, card.spoken)


def _names(card: Card) -> list[str]:
    deploys = (step for step in card.steps if step.spec.kind != "rollback")
    return list(dict.fromkeys(key(pull.thread_id) for s in deploys for pull in s.facts.others))
