"""What buttons and words about other merges do to a thread; anyone may: nothing ships by them."""

from dataclasses import replace

from app.core import events as ev
from app.core import lanes, refusals, rides, words
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.offers import chosen
from app.core.records import Offer
from app.core.state import State
from app.core.writing import mentions, when


def ship_both(click: Click) -> Decision:
    """Leave the card to the newer merge, whose card ships all of them."""
    offer = _open_offer(click)
    if isinstance(offer, Refused):
        return offer
    newer = offer.pulls[0]
    name = lanes.key(newer.thread_id)
    seen = {merge.thread_id: merge for merge in lanes.merges(click.facts)}.get(newer.thread_id)
    if seen is None or seen.stage not in lanes.HOLDING:
        return Refused(f"{lanes.named(newer)} is not ready to ship any more: this card stays.")
    answered = _answered(offer, "both", click.user)
    superseded = ev.Superseded(into=newer, user=click.user)
    return Accepted((answered, superseded), expects={name: click.facts[name]})


def keep_this(click: Click) -> Decision:
    """Keep the card as it is; the newer merge waits until this thread is done."""
    return _replan(click, "keep")


def wait_newer(click: Click) -> Decision:
    """Ship neither for now: the card asks again when another merge was tested."""
    return _replan(click, "wait")


def one_by_one(click: Click) -> Decision:
    """Test the merges one by one that are red together."""
    state = click.state
    staging = state.staging
    if state.series:
        return Refused("They are being tested one by one already.")
    if not state.carried:
        return Refused("There is only one merge in it, so there is nothing to test one by one.")
    if state.stopped_by:
        return Refused(f"{mentions([state.stopped_by])} stopped this thread. Say `continue` first.")
    if staging is None or staging.passed is not False:
        return Refused("Staging is not red any more, so there is nothing to look for.")
    oldest = min(state.carried.values(), key=lambda pull: (pull.at, pull.number))
    begun = ev.StagingRequested(sha=oldest.sha, scope="all", user=click.user)
    return Accepted((ev.OneByOneRequested(user=click.user), begun))


def heard(click: Click) -> Decision | None:
    """Understand words that mean one of these, given as the click's text; None for all others."""
    state = click.state
    if words.is_urgent(click.text) and state.origin == "merge":
        return urgent(state, click.user)
    answer, card = words.choice(click.text), state.pending
    if answer is None or state.offer is None or card is None:
        return None
    number = str(len(state.offers) - 1)
    about = replace(click, call_id=card.request.call_id, text=number)
    return ship_both(about) if answer == "both" else _replan(about, answer)


def urgent(state: State, user: str) -> Decision:
    """Put a merge in front of the others because a person says that it is urgent."""
    into = lanes.named(state.joined.into) if state.joined and not rides.broken(state) else ""
    so_is = f", and so is {into}, which ships it" if into else ""
    if state.is_urgent:
        return Refused(f"This is marked urgent already{so_is}: it goes before all others.")
    if state.out_at is not None:
        return Refused("This is on production already, so nothing is left to hurry.")
    if state.joined:
        if not into:
            return Refused("Nothing ships this one now: say `continue` first.")
        text = f"{into} ships this one, so {into} is urgent now: people are called in its thread."
        told = ev.BotSaid(call_id=f"urgent{state.version}", text=text, because="note")
        return Accepted((ev.MarkedUrgent(user=user), told))
    return Accepted((ev.MarkedUrgent(user=user),))


def _replan(click: Click, answer: words.Answer) -> Decision:
    offer = _open_offer(click)
    if isinstance(offer, Refused):
        return offer
    return Accepted((_answered(offer, answer, click.user),))


def _answered(offer: Offer, answer: words.Answer, user: str) -> ev.NewerAnswered:
    return ev.NewerAnswered(other=offer.pulls[0].thread_id, answer=answer, user=user)


def _open_offer(click: Click) -> Offer | Refused:
    """Return the question that a button is about; its number is the click's text."""
    state, card = click.state, click.state.cards.get(click.call_id)
    if card is None:
        return Refused(refusals.UNKNOWN_CARD)
    settled = refusals.settled(card)
    if settled:
        return Refused(settled)
    number = int(click.text) if click.text.isascii() and click.text.isdecimal() else -1
    if not 0 <= number < len(state.offers):
        return Refused("I do not know this question any more.")
    if number + 1 < len(state.offers):
        newest, asked = state.offers[-1].pulls[0], state.offers[number].pulls[0]
        more = "brings more by now" if newest.thread_id == asked.thread_id else "is newer still"
        return Refused(f"{lanes.named(newest)} {more}: look at the card once more.")
    offer = state.offers[number]
    if offer.answer:
        at = when(offer.answered_at or offer.at)
        named = chosen(state, offer)
        return Refused(f"Too late: {mentions([offer.user])} chose {named}, {at}.")
    return offer
