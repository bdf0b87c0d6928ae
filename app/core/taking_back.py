"""What "never mind" and "keep the card" do: words are taken back, nothing else; pure."""

from collections.abc import Sequence

from app.core import events as ev
from app.core import words
from app.core.clicks import Accepted, Decision, Refused
from app.core.questions import only_asks
from app.core.records import Words
from app.core.state import State
from app.core.writing import mentions

ANSWERED = (
    "I answered you, and nothing has changed by that: there is nothing to take back. "
    "Say `stop here` if this is not to go on."
)
HELD = (
    "The card above is exactly that. It is held by another person's words: they can take them "
    "back, or an approver can release it."
)
STILL_HELD = "Noted. The card is still held by another person's words."
LINE_HELD = "Noted. This merge is still held by another person's words."
WAITS_ON = "Nothing changes, then: this merge waits for the older one as before."
CARD_WAITS = "Nothing changes, then: the card above waits for Approve as before."
NOTHING_CHANGES = "Nothing changes, then."


def heard(state: State, user: str, text: str) -> Decision | None:
    """Understand words by which people take back their own; None for all others.

    Words that hold a card are taken back by whoever wrote them: what may be an objection is no
    other person's to dismiss, but an approver's, who releases the card.
    """
    never_mind, doubt = words.is_never_mind(text), state.in_doubt
    if not never_mind and not (doubt and words.is_keeping(text)):
        return None
    if state.unread:
        own = never_mind and all(said.user == user for said in state.unread)
        return _kept(state, user) if own else None
    if doubt and (state.to_hold or state.held_in_line) and user not in _writers(doubt.about):
        return Refused(_not_yours(state, mentions(_writers(doubt.about))))
    if doubt:
        return _kept(state, user)
    return Refused(ANSWERED) if _only_asked(state, user) and not state.question else None


def _not_yours(state: State, writers: str) -> str:
    if state.held_in_line:
        return (
            f"{writers} wrote what holds this merge. They can take it back, or an approver can "
            "*Release* its card, which comes when the older merge is out of the way."
        )
    return (
        f"{writers} wrote what holds the card. They can take it back, or an approver can "
        "*Release* the card."
    )


def same_again(state: State, call_id: str) -> Sequence[ev.Event]:
    """Return what it means that words want the very card that waits."""
    doubt = state.in_doubt
    if doubt is None:
        return [ev.Ignored(call_id=call_id, reason="the same step waits already")]
    users = _writers(state.unread)
    if all(user in _writers(doubt.about) for user in users):
        return [ev.PlanKept(user=user) for user in users]
    return [ev.BotSaid(call_id=call_id, text=HELD, because="reply")]


def _only_asked(state: State, user: str) -> bool:
    """Tell whether a person's words, the newest here, were a question that was answered."""
    if not state.words or state.words[-1].user != user or not state.words[-1].answered:
        return False
    return only_asks(state.words[-1].text) or state.says[-1].because == "answer"


def _writers(said: Sequence[Words]) -> list[str]:
    return list(dict.fromkeys(each.user for each in said))


def _kept(state: State, user: str) -> Accepted:
    doubt, in_line = state.in_doubt, state.held_in_line
    others = doubt is not None and (state.to_hold or in_line) and _writers(doubt.about) != [user]
    text = CARD_WAITS if state.pending else WAITS_ON if in_line else NOTHING_CHANGES
    if others:
        text = LINE_HELD if in_line else STILL_HELD
    note = ev.BotSaid(call_id=f"kept{state.version}", text=text, because="note")
    return Accepted((ev.PlanKept(user=user), note))
