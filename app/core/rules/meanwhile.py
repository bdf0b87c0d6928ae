"""What is said of a merge reaches the cards of others that bring it out, before people approve."""

from app.core import events as ev
from app.core import lanes, meanwhile
from app.core.actions import Append, Here
from app.core.state import State


def tell_said(state: State, here: Here) -> Append | None:
    """Let the cards of other threads know what is said of this merge, or that it does not stand.

    Words that are being read may be a question that is answered, and then say nothing.
    """
    if state.newer or (state.unread and state.model_down is None):
        return None
    name = meanwhile.key(state.thread_id)
    fact = meanwhile.fact_of(state, here.repo, here.now)
    return None if here.facts.get(name) == fact else Append((), facts={name: fact})


def hear_said(state: State, here: Here) -> Append | None:
    """Show on a card that waits what was said since of a merge that goes out with it.

    Nobody approved that: where somebody had approved before a no, or all is approved and waits, the
    card is made anew.
    """
    card = state.pending or state.approved
    if card is None or card.attempts or state.newer:
        return None
    news = meanwhile.news(card, here.facts)
    if meanwhile.is_shown(card, news):
        return None
    no = [each for each in news.declined if each not in card.declined]
    words = [each for each in news.spoken if each not in card.spoken]
    unseen = no if card is state.pending else [*no, *words]
    if not card.approvals or not unseen:
        return Append([news])
    named = " and ".join(dict.fromkeys(lanes.named(each.pull) for each in unseen))
    what = "said no to" if no else "wrote about"
    reason = f"people {what} {named}, which goes out with it, so it is made anew"
    call_id = card.request.call_id
    expired = ev.ApprovalExpired(call_id=call_id, reason=reason)
    return Append([expired, ev.AskedAgain(call_id=call_id, user="")])


def next_forgotten(state: State, here: Here) -> int | None:
    """Return when what is said of this merge is kept no longer."""
    told = meanwhile.key(state.thread_id) in here.facts
    return meanwhile.forgotten_at(state) if told else None
